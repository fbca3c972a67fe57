import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Contender, Elapsed } from './interleave.js';

/**
 * A peer in a process of its own that lives as long as the benchmark: it reads one JSON request a line and answers each
 * with one line, so that blocks of its steps and of ours alternate.
 *
 *     {"do": "hello"}                                   -> {"name": "PyTorch 2.15"}
 *     {"do": "prepare", "case": {...}, "threads": 1}    -> {"variants": ["fused", ...]}
 *     {"do": "run", "variant": "fused", "steps": 20}    -> {"wall": ms, "cpu": ms}
 */
export class Peer {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcessWithoutNullStreams, lines: AsyncIterator<string>, name: string) {
    this.#child = child;
    this.#lines = lines;
    this.name = name;
  }

  /** undefined where the peer cannot be started: a benchmark then reports it as absent. */
  static async start(
    command: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Peer | undefined> {
    const child = spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...env } });
    child.stdin.on('error', () => {});
    child.stderr.resume();
    const failed = once(child, 'error').then(() => undefined);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const greeting = async (): Promise<Peer | undefined> => {
      child.stdin.write(`${JSON.stringify({ do: 'hello' })}\n`);
      const answer = await lines.next();
      if (answer.done === true) return undefined;
      return new Peer(child, lines, (JSON.parse(answer.value) as { name: string }).name);
    };
    return await Promise.race([greeting(), failed]);
  }

  /** The peer's ways of doing a case, each a contender. */
  async prepare(description: unknown, threads: number): Promise<VariantContender[]> {
    const { variants } = await this.#ask<{ variants: string[] }>({ do: 'prepare', case: description, threads });
    return variants.map((variant) => ({
      run: (steps) => this.#ask<Elapsed>({ do: 'run', variant, steps }),
      variant,
    }));
  }

  async #ask<Answer>(request: object): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await this.#lines.next();
    if (answer.done === true) throw new Error(`${this.name} ended while it was asked for ${JSON.stringify(request)}`);
    return JSON.parse(answer.value) as Answer;
  }

  close(): void {
    this.#child.stdin.end();
  }
}

export interface VariantContender extends Contender {
  readonly variant: string;
}
