import { z } from 'zod';
import { BallastError } from '../errors.js';
import { parseSpecDocument } from './document.js';
import { firstIssue, issueError } from './issue.js';
import { knownKeys } from './known-keys.js';
import { rolloutOptions } from './rollout-options.js';
import { readSpecText } from './spec-text.js';

/**
 * Options of a rollout from a YAML file: below `rollout:`, alone or in a spec.
 *
 * @returns what stands there, without defaults
 * @throws BallastError `SPEC_*` with the place in the file, `ROLLOUT_OPTIONS` where there are none
 */
export async function readRolloutOptions(path: string): Promise<Record<string, unknown>> {
  const { value, placeOf } = parseSpecDocument(await readSpecText(path), path);
  const isBelow = typeof value === 'object' && value !== null && 'rollout' in value;
  const found: unknown = isBelow ? value.rollout : value;
  if (typeof found !== 'object' || found === null || Array.isArray(found)) {
    throw new BallastError('There are no options of a rollout here', {
      code: 'ROLLOUT_OPTIONS',
      place: placeOf(isBelow ? ['rollout'] : []),
      remedy: 'Write them as in the part rollout: of a spec',
    });
  }
  const parsed = rolloutOptions.safeParse(found);
  if (parsed.success) return found as Record<string, unknown>;
  const schema: Record<string, unknown> = z.toJSONSchema(rolloutOptions, { io: 'input' });
  throw issueError(firstIssue(parsed.error.issues), {
    value: found,
    placeOf: (at, part) => placeOf(isBelow ? ['rollout', ...at] : at, part),
    keysAt: (at) => knownKeys(schema, found, at),
    help: 'ballast schema prints what may stand there',
  });
}
