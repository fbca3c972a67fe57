import { BallastError } from '../errors.js';

/** System errors that are the machine's fault, not the user's input. */
const MACHINE = new Set(['ENOSPC', 'EDQUOT', 'EROFS', 'EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EACCES', 'EPERM']);

/**
 * Reports an error and gives the exit code: one clear line for what a user can mend, the stack for what is a fault of
 * ours. With `--json` the one document on stdout is `{ error }`.
 */
export function fail(error: unknown, json: boolean): number {
  const known = error instanceof BallastError ? error : fromSystem(error);
  if (known !== undefined) {
    if (json) process.stdout.write(`${JSON.stringify({ error: known.toJSON() })}\n`);
    process.stderr.write(`ballast: ${known.describe()}\n`);
    return known.exitCode;
  }
  const fault = error instanceof Error ? error : new Error(String(error));
  if (json) process.stdout.write(`${JSON.stringify({ error: { code: 'INTERNAL', message: fault.message } })}\n`);
  process.stderr.write(`ballast: a fault in Ballast itself\n${fault.stack ?? fault.message}\n`);
  return 3;
}

function fromSystem(error: unknown): BallastError | undefined {
  const { code, path, message } = error as NodeJS.ErrnoException;
  if (typeof code !== 'string' || !MACHINE.has(code)) return undefined;
  return new BallastError(code === 'ENOSPC' ? 'the disk is full' : message, {
    code,
    kind: 'environment',
    ...(path === undefined ? {} : { place: path }),
    remedy:
      code === 'ENOSPC'
        ? 'Free some space and run the command again; nothing half written is left'
        : 'Check permissions and limits',
    cause: error,
  });
}
