import { type ChildProcess, spawn } from 'node:child_process';
import { BallastError } from '../../errors.js';
import { note } from '../output.js';

/** Runs commands of Ballast as a pipeline would: processes of their own, judged by their exit codes. */
export interface Commands {
  /** @returns the JSON answer, and whether it is yes (exit 0) or no (1). @throws BallastError `SCENARIO_STEP` for others */
  run<T>(...words: string[]): Promise<{ readonly yes: boolean; readonly document: T }>;
  /** Starts a server and waits until it answers. */
  serve(...words: string[]): Promise<{ readonly url: string; stop(): Promise<void> }>;
}

export function commandsIn(folder: string, store: string, signal: AbortSignal): Commands {
  const start = (words: readonly string[]): ChildProcess => {
    note(`$ ballast ${words.join(' ')}`);
    const all = [...process.execArgv, process.argv[1], ...words, '--json', '--store', store];
    return spawn(process.execPath, all, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  };
  const cancelled = () => new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' });
  return {
    async run(...words) {
      if (signal.aborted) throw cancelled();
      const child = start(words);
      let output = '';
      child.stdout?.on('data', (piece: Buffer) => {
        output += piece.toString();
      });
      const code = await ended(child);
      if (signal.aborted) throw cancelled();
      if (code === 0 || code === 1) return { yes: code === 0, document: JSON.parse(output) };
      throw new BallastError(`A step of the scenario ended with ${code}: ${output.slice(0, 500)}`, {
        code: 'SCENARIO_STEP',
        kind: 'environment',
        place: `ballast ${words.join(' ')}`,
      });
    },
    async serve(...words) {
      if (signal.aborted) throw cancelled();
      const child = start(['serve', ...words]);
      const over = ended(child);
      const line = await new Promise<string>((resolve, reject) => {
        let output = '';
        child.stdout?.on('data', (piece: Buffer) => {
          output += piece.toString();
          if (output.includes('\n')) resolve(output);
        });
        over.then(
          (code) =>
            reject(new BallastError(`the server ended with ${code}`, { code: 'SCENARIO_STEP', kind: 'environment' })),
          reject,
        );
      });
      return {
        url: (JSON.parse(line) as { url: string }).url,
        async stop() {
          child.kill('SIGTERM');
          await over;
        },
      };
    },
  };
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
}
