import { z } from 'zod';
import type { GraphBuilder, Value } from '../graph/builder.js';
import type { Conflict, Setting, StepContext } from './regularizer.js';

/** Two sets of rows of a batch that are to look alike: 1 for members, else 0, [batch]. */
export interface DomainPair {
  readonly first: Value;
  readonly second: Value;
}

/** The spec option that says which domain is the target. */
export const targetDomain = z
  .string()
  .min(1)
  .optional()
  .describe('Value of the domain column that is the target: all others together are the source. Default: every pair');

/** So many domains make 28 pairs. */
const MOST_DOMAINS = 8;

/** For each domain 1 for its rows, else 0, [batch]; with a target, source and target. Rows of no domain are in none. */
export function domainMasks({ b, column }: Pick<StepContext, 'b' | 'column'>, target: string | undefined): Value[] {
  const domain = column('domain');
  if (domain === undefined) return [];
  const { codes, values } = domain;
  const of = (code: number): Value => b.cast(b.equal(codes, b.scalar(code, 'int64')), 'float32');
  if (target === undefined) return values.map((_, code) => of(code));
  const ofTarget = of(values.indexOf(target));
  const known = b.cast(b.greaterOrEqual(codes, b.scalar(0, 'int64')), 'float32');
  return [b.sub(known, ofTarget), ofTarget];
}

/** The pairs of domains to align. */
export function domainPairs(context: Pick<StepContext, 'b' | 'column'>, target: string | undefined): DomainPair[] {
  const masks = domainMasks(context, target);
  return masks.flatMap((first, i) => masks.slice(i + 1).map((second) => ({ first, second })));
}

/** How many rows a mask holds, and 1 where it holds at least `least`, else 0. */
function membersOf(b: GraphBuilder, mask: Value, least: number): { count: Value; enough: Value } {
  const count = b.reduceSum(mask);
  return { count, enough: b.cast(b.greater(count, least - 0.5), 'float32') };
}

/** The mean over pairs of a distance between their rows; 0 where a batch has fewer than `least` rows of one side. */
export function meanOverPairs(
  b: GraphBuilder,
  pairs: readonly DomainPair[],
  least: number,
  distance: (pair: DomainPair) => Value,
): Value | undefined {
  if (pairs.length === 0) return undefined;
  const terms = pairs.map((pair) => {
    const enough = b.mul(membersOf(b, pair.first, least).enough, membersOf(b, pair.second, least).enough);
    return b.mul(distance(pair), enough);
  });
  return b.div(terms.reduce(b.add), pairs.length);
}

/** What is wrong with the domains of a run for a regularizer that compares them. */
export function domainConflicts(type: string, target: string | undefined, { columns }: Setting): Conflict[] {
  const domain = columns.find(({ role }) => role === 'domain');
  if (domain === undefined) return [];
  const { name, values } = domain;
  const error = (what: string, message: string, remedy: string): Conflict[] => [
    { code: `${type.toUpperCase().replaceAll('-', '_')}_${what}`, severity: 'error', message, remedy },
  ];
  if (values.length < 2) {
    return error(
      'NEEDS_DOMAINS',
      `${type} compares domains, and the column "${name}" has ${values.length === 1 ? 'one' : 'none'} in the training part`,
      'Give rows of another domain, or remove it',
    );
  }
  if (target !== undefined && !values.includes(target)) {
    return error(
      'UNKNOWN_DOMAIN',
      `${type}: the domain column "${name}" has no value "${target}"`,
      `Set its target to one of ${values.slice(0, 12).join(', ')}`,
    );
  }
  if (target === undefined && values.length > MOST_DOMAINS) {
    return error(
      'NEEDS_TARGET',
      `${type} compares every pair of domains, and the column "${name}" has ${values.length}`,
      'Name one as its target: it is then compared with all others together',
    );
  }
  return [];
}
