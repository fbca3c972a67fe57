import { execFile } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { processorFeatures } from '../graph/runtime/processor.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { chooseProvider } from '../training/device.js';
import type { TrainingOptions } from '../training/options.js';

/** What decides the bytes of a result beside spec, data and seed: recorded with every run. */
export interface Environment {
  readonly platform: string;
  readonly processor: string;
  /** Vector extensions that kernels choose by. */
  readonly features: readonly string[];
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly ballast: string;
  readonly runtime: string;
  readonly backend: string;
  /** Execution provider. */
  readonly device: string;
  readonly threads: number;
  readonly command: string;
}

/** Extensions after which the runtime picks different kernels, and so rounds differently. */
const DECISIVE = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimd', 'sve', 'bf16'];

export async function describeEnvironment(
  runtime: Runtime,
  { threads, device }: Pick<TrainingOptions, 'threads' | 'device'>,
  ballast: string,
): Promise<Environment> {
  return {
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    features: await processorFeatures(DECISIVE),
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.versions.node,
    ballast,
    runtime: `onnxruntime ${runtime.version}`,
    backend: runtime.name,
    device: chooseProvider(runtime, device),
    threads,
    command: commandLine(),
  };
}

/** The command that this process runs, as it can be typed again. */
export function commandLine(): string {
  const words = process.argv
    .slice(2)
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return ['ballast', ...words].join(' ');
}

/** Keys of {@link Environment} that may change the bytes of a result. */
export const DECISIVE_KEYS = ['platform', 'features', 'runtime', 'backend', 'device', 'threads'] as const;

/** The commit of the code around a spec, `-dirty` where it has changes; undefined outside a repository. */
export async function codeCommit(directory: string): Promise<string | undefined> {
  const git = promisify(execFile);
  try {
    const { stdout: commit } = await git('git', ['rev-parse', 'HEAD'], { cwd: directory });
    const { stdout: changes } = await git('git', ['status', '--porcelain', '--untracked-files=no'], { cwd: directory });
    return `${commit.trim()}${changes.trim() === '' ? '' : '-dirty'}`;
  } catch {
    // No git, or no repository: a spec may live anywhere.
    return undefined;
  }
}
