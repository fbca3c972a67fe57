import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import { childProgram, loaderArguments } from '../../graph/runtime/child-program.js';
import { RUNS } from './messages.js';

/** Wait before the next is started: one that was taken loads its model first. */
const LATER_MS = 200;

/** A process that has everything but a model to run. */
export function startBlank(): ChildProcess {
  const program = childProgram('child', import.meta.url);
  return fork(program, {
    execArgv: loaderArguments(program),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc', 'pipe'],
  });
}

/** Where runs go, and their answers come from. */
export function runsOf(child: ChildProcess): Socket {
  const stream = child.stdio[RUNS];
  if (!(stream instanceof Socket)) throw new Error('a process that runs a model is started by startBlank');
  return stream;
}

/**
 * Once a process of a server ended by itself, one is kept that needs only a model to take the place of the next: what is longest about
 * a start, on a busy machine seconds, is over before it is needed.
 */
export class Spare {
  #blank: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #wanted = false;

  /** From now on one is kept. */
  want(): void {
    this.#wanted = true;
    this.#startLater();
  }

  /** The one that is kept, or a new one. */
  take(): ChildProcess {
    const blank = this.#blank;
    if (blank === undefined) return startBlank();
    this.#blank = undefined;
    blank.removeAllListeners();
    blank.ref();
    blank.channel?.ref();
    runsOf(blank).ref();
    this.#startLater();
    return blank;
  }

  /** Ends the one that is kept. */
  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#blank?.disconnect();
    this.#blank = undefined;
  }

  #startLater(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#wanted || this.#blank !== undefined) return;
      const blank = startBlank();
      this.#blank = blank;
      blank.unref();
      blank.channel?.unref();
      runsOf(blank).unref();
      const gone = (): void => {
        if (this.#blank !== blank) return;
        this.#blank = undefined;
        this.#startLater();
      };
      blank.once('exit', gone);
      blank.once('error', gone);
    }, LATER_MS).unref();
  }
}
