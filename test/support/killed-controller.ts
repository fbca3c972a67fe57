import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Random } from '../../src/numeric/random.js';

const PROGRAM = fileURLToPath(new URL('controller-program.ts', import.meta.url));
/** The next controller is started while one works: a kill costs no wait. */
const SPARE = 2;

/** Controllers in processes of their own that are killed -9 at a random moment of their work, each followed by the next. */
export class KilledControllers implements AsyncDisposable {
  readonly #folder: string;
  readonly #random: Random;
  readonly #ready: Promise<ChildProcess>[] = [];
  /** How long a look takes, ms: the last that was not disturbed. */
  #takesMs = 50;
  kills = 0;
  /** Times that a controller was done before it would have been killed. */
  survived = 0;

  constructor(folder: string, random: Random) {
    this.#folder = folder;
    this.#random = random;
  }

  /** Lets controllers take the looks that are due; the first so many are killed at it. */
  async advance(id: string, now: number, killed: number): Promise<void> {
    for (let turn = 0; ; turn++) {
      const child = await this.#next();
      const start = performance.now();
      const over = new Promise<'done' | 'dead'>((resolve) => {
        child.removeAllListeners();
        child.once('message', () => resolve('done'));
        child.once('exit', () => resolve('dead'));
      });
      child.send({ id, now });
      const timer =
        turn < killed
          ? setTimeout(() => child.kill('SIGKILL'), this.#random.uniform() * 1.1 * this.#takesMs)
          : undefined;
      const ended = await over;
      clearTimeout(timer);
      if (ended === 'dead') {
        if (child.signalCode !== 'SIGKILL') throw new Error(`the controller ended with ${child.exitCode}`);
        this.kills++;
        continue;
      }
      this.#takesMs = performance.now() - start;
      if (turn < killed) this.survived++;
      // One that is being killed a moment too late has no more to do.
      if (!child.killed) this.#ready.unshift(Promise.resolve(child));
      return;
    }
  }

  #next(): Promise<ChildProcess> {
    while (this.#ready.length < SPARE) this.#ready.push(this.#start());
    return this.#ready.shift() ?? this.#start();
  }

  #start(): Promise<ChildProcess> {
    const child = fork(PROGRAM, [this.#folder], {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve(child));
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`the controller ended with ${code} before it began`)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of this.#ready.splice(0)) (await each).kill('SIGKILL');
  }
}
