import { hostname } from 'node:os';

/** What this process is called among workers. */
export function thisWorker(): string {
  return `${hostname()}:${process.pid}`;
}
