import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { describeRuntimes } from '../graph/runtime/choose.js';
import { answer, answerIsNo } from './output.js';
import { version } from './version.js';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do where it is not ok. */
  readonly remedy?: string;
  /** Whether Ballast can work without it. */
  readonly optional: boolean;
}

export function doctorCommand(): Command {
  return new Command('doctor')
    .option('--json', 'one JSON document on stdout')
    .addHelpText('after', '\nExample:\n  ballast doctor\n')
    .action(async (options: { json?: boolean }) => {
      const runtimes = await describeRuntimes();
      const checks = [
        platformCheck(),
        ...runtimes.map(
          (runtime): Check => ({
            name: `runtime ${runtime.name}`,
            ok: runtime.available,
            detail: runtime.available
              ? `ONNX Runtime ${runtime.version}, providers ${runtime.providers.join(', ')}${runtime.chosen ? '; chosen' : ''}`
              : (runtime.reason ?? 'unavailable'),
            remedy:
              runtime.name === 'ffi'
                ? 'Steps run through the stock binding: slower, same results'
                : 'Install onnxruntime-node for this platform',
            optional: runtimes.some(({ available }) => available),
          }),
        ),
        await gpuCheck(runtimes.flatMap(({ providers }) => providers)),
        await moduleCheck('tables (DuckDB)', '@duckdb/node-api', 'CSV, Parquet and JSON lines cannot be read'),
        await moduleCheck('store (SQLite)', 'libsql', 'Runs cannot be kept in a folder; use a postgres:// store'),
        await moduleCheck('images (sharp)', 'sharp', 'Image folders cannot be read'),
        await diskCheck(),
        memoryCheck(),
      ];
      const fit = checks.every(({ ok, optional }) => ok || optional);
      if (!fit) answerIsNo();
      const lines = checks.map(
        ({ name, ok, detail, remedy, optional }) =>
          `${ok ? 'ok  ' : optional ? 'note' : 'FAIL'}  ${name.padEnd(18)}  ${detail}${ok || remedy === undefined ? '' : `. ${remedy}`}`,
      );
      answer(
        options,
        { fit, version: version(), node: process.versions.node, checks },
        [
          `ballast ${version()}, Node ${process.versions.node}`,
          ...lines,
          fit ? 'This machine is fit.' : 'This machine is not fit.',
        ].join('\n'),
      );
    });
}

function platformCheck(): Check {
  const name = `${process.platform} ${process.arch}`;
  const glibc = (process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined)?.header
    ?.glibcVersionRuntime;
  const musl = process.platform === 'linux' && glibc === undefined;
  const supported = ['linux x64', 'linux arm64', 'darwin arm64', 'win32 x64'].includes(name) && !musl;
  return {
    name: 'platform',
    ok: supported,
    detail: `${name}${glibc === undefined ? '' : `, glibc ${glibc}`}, ${cpus().length} x ${cpus()[0]?.model.trim() ?? 'processor'}`,
    remedy: musl
      ? 'ONNX Runtime ships for glibc only: use a Debian-based image'
      : 'ONNX Runtime ships for Linux (glibc) x64 and arm64, macOS arm64 and Windows x64',
    optional: false,
  };
}

async function gpuCheck(providers: readonly string[]): Promise<Check> {
  const found = providers.filter((provider) => !/cpu/i.test(provider));
  return {
    name: 'accelerator',
    ok: found.length > 0,
    detail: found.length > 0 ? found.join(', ') : 'none offered by the runtime; the processor is used',
    optional: true,
  };
}

async function moduleCheck(name: string, specifier: string, loss: string): Promise<Check> {
  try {
    await import(specifier);
    return { name, ok: true, detail: 'loads', optional: true };
  } catch (error) {
    return { name, ok: false, detail: (error as Error).message.split('\n')[0], remedy: loss, optional: true };
  }
}

async function diskCheck(): Promise<Check> {
  try {
    const folder = await mkdtemp(join(process.cwd(), '.ballast-doctor-'));
    try {
      await writeFile(join(folder, 'probe'), 'x');
    } finally {
      await rm(folder, { recursive: true });
    }
    const { bavail, bsize } = await statfs(process.cwd());
    const free = bavail * bsize;
    return {
      name: 'working folder',
      ok: free > 1e9,
      detail: `writable, ${(free / 1e9).toFixed(1)} GB free`,
      remedy: 'Free some space: checkpoints and models go there',
      optional: true,
    };
  } catch (error) {
    if (error instanceof BallastError) throw error;
    return {
      name: 'working folder',
      ok: false,
      detail: (error as Error).message,
      remedy: 'Use --store elsewhere',
      optional: true,
    };
  }
}

function memoryCheck(): Check {
  return {
    name: 'memory',
    ok: totalmem() > 2e9,
    detail: `${(totalmem() / 1e9).toFixed(1)} GB, ${(freemem() / 1e9).toFixed(1)} GB free`,
    remedy: 'Tables and training states are held in memory: expect small data only',
    optional: true,
  };
}
