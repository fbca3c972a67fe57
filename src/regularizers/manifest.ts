import { createHash } from 'node:crypto';
import { BallastError } from '../errors.js';
import { orderOf } from './registry.js';
import { type Active, HOOK_ORDER, type StrengthSchedule } from './regularizer.js';

/** One effective regularizer as it travels with a model. */
export interface ManifestEntry {
  readonly type: string;
  readonly hooks: readonly string[];
  readonly strength: number;
  readonly schedule?: StrengthSchedule;
  readonly options: Readonly<Record<string, unknown>>;
}

/**
 * Everything that regularizes one run, hidden defaults too: the declared regularizers at non-zero strength, the
 * normalization of the architecture, and what the training loop itself does to gradients and rates.
 */
export interface Manifest {
  readonly version: 1;
  readonly regularizers: readonly ManifestEntry[];
  readonly architecture: { readonly normalization: readonly string[] };
  readonly training: {
    readonly optimizer: string;
    readonly epochs: number;
    readonly batchSize: number;
    readonly gradientClip: number | null;
    readonly classWeights: string;
  };
}

/** The manifest of active regularizers. Those of strength 0 do nothing and are not in it. */
export function manifestOf(
  active: readonly Active[],
  architecture: Manifest['architecture'],
  training: Manifest['training'],
): Manifest {
  const regularizers = active
    .filter(({ strength }) => strength !== 0)
    .map(({ regularizer, strength, schedule, options }) => ({
      type: regularizer.type,
      hooks: HOOK_ORDER.filter((hook) => regularizer.hooks[hook] !== undefined),
      strength,
      ...(schedule === undefined ? {} : { schedule }),
      options: options as Record<string, unknown>,
    }))
    .sort((a, b) => orderOf(a.type) - orderOf(b.type));
  return { version: 1, regularizers, architecture, training };
}

/** `rg-` and the first 16 hex digits of the SHA-256 of the manifest's canonical JSON. */
export function regularizerId(manifest: Manifest): string {
  return `rg-${createHash('sha256').update(canonicalJson(manifest)).digest('hex').slice(0, 16)}`;
}

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, numbers as ECMAScript prints them, no white space.
 * Undefined members are left out; non-finite numbers are errors.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new BallastError('canonical JSON holds no NaN and no infinity', {
      code: 'JSON_NOT_FINITE',
      value: String(value),
    });
  }
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
}
