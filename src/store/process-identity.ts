import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process a run lives in. */
export interface ProcessIdentity {
  /** The machine: host name and, on Linux, boot and process-id namespace, so that containers are told apart. */
  readonly host: string;
  readonly pid: number;
  /** When the process started, in the system's own unit; tells a reused process id apart. Null where not known. */
  readonly started: string | null;
}

/** How long a run on another machine may be silent before it is shown as interrupted, in ms. */
const HEARTBEAT_LIMIT_MS = 120_000;

let own: ProcessIdentity | undefined;

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  own ??= { host: hostIdentity(), pid: process.pid, started: linuxProcess(process.pid)?.started ?? null };
  return own;
}

/**
 * Whether the process of a run can still be at work.
 *
 * On this machine the process is looked up: it must exist, not be a zombie, and have started when the run's process
 * did. Where the start time is not known, and on other machines, the last heartbeat (ms since epoch) must be younger
 * than two minutes.
 */
export function isAtWork(owner: ProcessIdentity, heartbeatAt: number, now: number): boolean {
  const fresh = now - heartbeatAt < HEARTBEAT_LIMIT_MS;
  if (owner.host !== thisProcess().host) return fresh;
  if (owner.started !== null) return linuxProcess(owner.pid)?.started === owner.started;
  return fresh && processExists(owner.pid);
}

function hostIdentity(): string {
  if (process.platform !== 'linux') return hostname();
  const boot = readOrEmpty(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  const namespace = readOrEmpty(() => readlinkSync('/proc/self/ns/pid'));
  return [hostname(), boot, namespace].filter((part) => part !== '').join('/');
}

/** /proc may be hidden or partial (containers); what is missing is left out of the identity. */
function readOrEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** A living process's start time in clock ticks since boot: field 22 of /proc/PID/stat (proc_pid_stat(5)). */
function linuxProcess(pid: number): { started: string } | undefined {
  if (process.platform !== 'linux') return undefined;
  const stat = readOrEmpty(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  // The command name (field 2) is in parentheses and may itself hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  if (started === undefined || state === 'Z' || state === 'X') return undefined;
  return { started };
}

function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
