import { createHash } from 'node:crypto';
import { canonicalJson } from './canonical-json.js';
import { type Active, HOOK_ORDER, type StrengthSchedule } from './regularizer.js';
import { inOrder } from './resolve.js';

/** One effective regularizer as it travels with a model. */
export interface ManifestEntry {
  readonly type: string;
  readonly hooks: readonly string[];
  readonly strength: number;
  readonly schedule?: StrengthSchedule;
  readonly options: Readonly<Record<string, unknown>>;
  /** SHA-256 of the models that the options name. */
  readonly assets?: Readonly<Record<string, string>>;
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

/**
 * What the entries of a manifest are called where each needs a name of its own: by type, and by mode too where one type
 * acts in several (`dropout element`, `dropout spatial`).
 */
export function entryNames(entries: readonly ManifestEntry[]): string[] {
  return entries.map(({ type, options }) => {
    const alone = entries.filter((other) => other.type === type).length === 1;
    return alone || typeof options.mode !== 'string' ? type : `${type} ${options.mode}`;
  });
}

/** The manifest of active regularizers. Those of strength 0 do nothing and are not in it. */
export function manifestOf(
  active: readonly Active[],
  architecture: Manifest['architecture'],
  training: Manifest['training'],
): Manifest {
  const regularizers = inOrder(active)
    .filter(({ strength }) => strength !== 0)
    .map(({ regularizer, strength, schedule, options, assets }) => ({
      type: regularizer.type,
      hooks: HOOK_ORDER.filter((hook) => regularizer.hooks[hook] !== undefined),
      strength,
      ...(schedule === undefined ? {} : { schedule }),
      options: options as Record<string, unknown>,
      ...(assets === undefined
        ? {}
        : { assets: Object.fromEntries([...assets].map(([name, { hash }]) => [name, hash])) }),
    }));
  return { version: 1, regularizers, architecture, training };
}

/** `rg-` and the first 16 hex digits of the SHA-256 of the manifest's canonical JSON. */
export function regularizerId(manifest: Manifest): string {
  return `rg-${createHash('sha256').update(canonicalJson(manifest)).digest('hex').slice(0, 16)}`;
}
