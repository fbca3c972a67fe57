import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { childProgram, loaderArguments } from './child-program.js';
import { libraryPath, packageVersion } from './package.js';

/** What the probe found: the fast path works with these providers, or does not and why. */
export interface Verdict {
  readonly works: boolean;
  /** Providers that ran the probe's step, best first; empty where the fast path does not work. */
  readonly providers: readonly string[];
  /** Why the fast path, or a provider whose library is installed, cannot be used. */
  readonly reason?: string | undefined;
}

/** One line that the child prints: a provider that gave the known result, or what went wrong. */
export interface Finding {
  readonly provider?: string;
  readonly fault?: string;
}

/** Part of the cache key: raise it when the probe asks for something new. */
const REVISION = 1;
const TIMEOUT_MS = 60_000;
/** A verdict that the fast path does not work is asked again after this time: the fault may have been mended. */
const RETRY_MS = 3_600_000;

export interface ProbeOptions {
  /** Ask again although the answer is known. */
  fresh?: boolean;
  /** Folder of the remembered verdicts. */
  cacheFolder?: string;
  /** The program to run, for tests. */
  program?: string;
  timeoutMs?: number;
}

/**
 * Probes the fast path in a child process: the library loads, its version string is the package's, one training step
 * and one echo of strings give the known result. The verdict is remembered per machine, Node, runtime and FFI version.
 * Never throws: whatever goes wrong is the verdict's reason.
 */
export async function probe(options: ProbeOptions = {}): Promise<Verdict> {
  const {
    fresh = false,
    cacheFolder = userCacheFolder(),
    program = childProgram('probe-child', import.meta.url),
    timeoutMs = TIMEOUT_MS,
  } = options;
  let file: string;
  try {
    file = join(cacheFolder, `runtime-${await cacheKey(program)}.json`);
  } catch (error) {
    return { works: false, providers: [], reason: (error as Error).message };
  }
  const known = fresh ? undefined : (asked.get(file) ?? recall(file));
  if (known !== undefined) return await known;
  const answer = ask(program, timeoutMs);
  asked.set(file, answer);
  const verdict = await answer;
  if (remember(file, verdict)) asked.delete(file);
  return verdict;
}

/** Probes that are under way, by cache file, and answers that could not be written there. */
const asked = new Map<string, Promise<Verdict>>();

/** Whatever can make the answer another one. */
async function cacheKey(program: string): Promise<string> {
  const library = libraryPath();
  const { size, mtimeMs } = statSync(library);
  const { default: koffi } = await import('koffi');
  const parts = [REVISION, program, library, size, mtimeMs, packageVersion(), koffi.version];
  const machine = [process.platform, process.arch, process.version, cpus()[0]?.model];
  return createHash('sha256')
    .update(JSON.stringify([...parts, ...machine]))
    .digest('hex')
    .slice(0, 24);
}

function userCacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'ballast', 'cache');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'ballast');
  return join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'ballast');
}

function recall(file: string): Verdict | undefined {
  try {
    const verdict: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!isVerdict(verdict)) return undefined;
    const age = Date.now() - statSync(file).mtimeMs;
    return verdict.works || age < RETRY_MS ? verdict : undefined;
  } catch {
    // Absent, or written by something else: the probe runs again and replaces it.
    return undefined;
  }
}

function isVerdict(value: unknown): value is Verdict {
  const { works, providers, reason } = (value ?? {}) as Partial<Record<keyof Verdict, unknown>>;
  const named = Array.isArray(providers) && providers.every((provider) => typeof provider === 'string');
  return typeof works === 'boolean' && named && (reason === undefined || typeof reason === 'string');
}

/** Whether the verdict could be kept: a home that cannot be written costs a probe per process and nothing else. */
function remember(file: string, verdict: Verdict): boolean {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(temporary, JSON.stringify(verdict), { mode: 0o600 });
    try {
      renameSync(temporary, file);
    } finally {
      rmSync(temporary, { force: true });
    }
    return true;
  } catch {
    return false;
  }
}

function ask(program: string, timeoutMs: number): Promise<Verdict> {
  const settings = { timeout: timeoutMs, killSignal: 'SIGKILL', windowsHide: true } as const;
  return new Promise((resolve) => {
    execFile(process.execPath, [...loaderArguments(program), program], settings, (error, stdout, stderr) => {
      const findings = stdout.split('\n').flatMap(parseFinding);
      const providers = findings.flatMap(({ provider }) => provider ?? []).reverse();
      const fault = findings.find((finding) => finding.fault !== undefined)?.fault;
      const reason = fault ?? (error === null ? undefined : describeExit(error, stderr, timeoutMs));
      resolve({ works: providers.includes('cpu'), providers, ...(reason === undefined ? {} : { reason }) });
    });
  });
}

/** Every finding starts with this, so that nothing a driver prints is taken for one. */
export const FINDING = 'ballast-probe ';

const parseFinding = (line: string): Finding[] =>
  line.startsWith(FINDING) ? [JSON.parse(line.slice(FINDING.length)) as Finding] : [];

type ExitError = Parameters<NonNullable<Parameters<typeof execFile>[3]>>[0] & object;

function describeExit(error: ExitError, stderr: string, timeoutMs: number): string {
  if (error.killed === true) return `the probe did not answer within ${timeoutMs / 1000} s`;
  const last = stderr.trim().split('\n').at(-1);
  const how = error.signal ? `crashed (${error.signal})` : `ended with code ${error.code}`;
  return `the probe ${how}${last ? `: ${last}` : ''}`;
}
