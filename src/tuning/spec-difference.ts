import { BallastError } from '../errors.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { RunSummary, Store } from '../store/types.js';

/**
 * A resumed experiment must be the one that was begun: the runs it already has came from the spec as it was.
 *
 * @throws BallastError EXPERIMENT_SPEC_CHANGED naming the first key that differs
 */
export async function refuseChangedSpec(
  resolved: ResolvedSpec,
  store: Store,
  before: readonly RunSummary[],
): Promise<void> {
  const [run] = before;
  if (run === undefined) return;
  const { baseDirectory: _, ...recorded } = (await store.getRun(run.id)).spec as Record<string, unknown>;
  const [changed] = differences(recorded, resolved.spec);
  if (changed === undefined) return;
  throw new BallastError(`the spec has changed since the experiment was interrupted: ${changed.key}`, {
    code: 'EXPERIMENT_SPEC_CHANGED',
    kind: 'conflict',
    place: resolved.path ?? 'spec',
    remedy: 'Restore it, or train anew without --resume',
  });
}

/** Where two JSON values differ, as `training.epochs`; nothing where they are equal. Keys that are undefined do not count. */
export function differences(a: unknown, b: unknown, path = ''): SpecDifference[] {
  if (Object.is(a, b)) return [];
  if (!isHolder(a) || !isHolder(b) || Array.isArray(a) !== Array.isArray(b)) {
    return [{ key: path === '' ? 'spec' : path, before: a, after: b }];
  }
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) =>
    differences(a[key], b[key], Array.isArray(a) ? `${path}[${key}]` : `${path}${path === '' ? '' : '.'}${key}`),
  );
}

/** A key of a spec with its values. */
export interface SpecDifference {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
}

function isHolder(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object';
}
