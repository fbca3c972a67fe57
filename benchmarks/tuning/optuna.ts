import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Parameter, Point } from '../../src/search/space.js';

const SCRIPT = join(import.meta.dirname, '../../test/interop/optuna_samplers.py');

/** Optuna in a Python process, asked for points one after the other. */
export class OptunaPeer {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(python: string) {
    this.#child = spawn(python, [SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]();
  }

  /** Losses of every trial of a study, in order. */
  async study(
    setting: {
      readonly sampler: string;
      readonly seed: number;
      readonly trials: number;
      readonly parameters: readonly Parameter[];
      readonly objectives: number;
    },
    value: (point: Point) => readonly number[] | Promise<readonly number[]>,
  ): Promise<(readonly number[])[]> {
    this.#write(setting);
    const losses: (readonly number[])[] = [];
    for (let trial = 0; trial < setting.trials; trial++) {
      const { value: line, done } = await this.#lines.next();
      if (done === true) throw new Error('Optuna ended before its study did');
      const own = await value(JSON.parse(line) as Point);
      losses.push(own);
      this.#write(own);
    }
    return losses;
  }

  close(): void {
    this.#child.stdin?.end();
  }

  #write(value: unknown): void {
    this.#child.stdin?.write(`${JSON.stringify(value)}\n`);
  }
}
