import { BallastError } from '../../errors.js';
import { canonicalJson } from '../../regularizers/canonical-json.js';
import { createSpace, type Dimension, type Parameter, type Point, type Space, valuesOf } from '../../search/space.js';
import { type ResolvedSpec, resolveSpec } from '../../spec/read.js';
import type { SearchDimension } from '../../spec/search-options.js';

/** A spec whose `search` section says what varies, and the specs that its points stand for. */
export interface SpecSpace {
  readonly space: Space;
  /** The spec at a point: its values put in, left-out regularizers gone, without `search`. */
  readonly specAt: (point: Point) => ResolvedSpec;
}

type Json = Record<string, unknown>;

/**
 * The space of a spec. Without `search.space` it is the strength of every declared regularizer, in the range that its
 * metadata calls sensible; early stopping, whose patience is no matter of quality alone, is left as it is.
 *
 * @throws BallastError SEARCH_SPACE, or of the spec where an end of a range does not make a valid one
 */
export function spaceOfSpec(resolved: ResolvedSpec): SpecSpace {
  const written = resolved.spec.search?.space ?? defaultSpace(resolved);
  const keys = Object.entries(written);
  if (keys.length === 0) {
    throw fault('', 'there is nothing to search: no regularizer is declared whose strength could vary', {
      remedy: 'Declare regularizers, or name keys of the spec under search.space',
    });
  }
  const parameters = keys.map(([key, dimension]) => parameterOf(key, dimension, written, resolved));
  const space = createSpace(parameters);
  const specAt = (point: Point): ResolvedSpec => specWith(resolved, valuesOf(space, point));
  checkEnds(space, specAt);
  return { space, specAt };
}

function defaultSpace({ regularizers, spec }: ResolvedSpec): Record<string, SearchDimension> {
  const entries = regularizers.flatMap(({ regularizer: { type, strength } }, index): [string, SearchDimension][] => {
    if (strength.switch === true || strength.inverse !== undefined) return [];
    const alone = spec.regularizers.filter((entry) => entry.type === type).length === 1;
    return [[`regularizers.${alone ? type : index}.strength`, 'auto']];
  });
  return Object.fromEntries(entries);
}

function parameterOf(
  key: string,
  written: SearchDimension,
  all: Readonly<Record<string, SearchDimension>>,
  resolved: ResolvedSpec,
): Parameter {
  const dimension = dimensionOf(key, written, resolved);
  const given = typeof written === 'object' ? written.when : undefined;
  const [, of] = /^(regularizers\.[^.]+)\.(?!include$)/.exec(key) ?? [];
  const include = of === undefined ? undefined : `${of}.include`;
  if (given !== undefined) {
    const [parent] = Object.keys(given);
    return {
      name: key,
      dimension,
      when: { parameter: parent, indices: indicesOf(key, given[parent], parent, all, resolved) },
    };
  }
  // What belongs to a regularizer exists where that is included.
  if (include !== undefined && include in all) {
    return {
      name: key,
      dimension,
      when: { parameter: include, indices: indicesOf(key, true, include, all, resolved) },
    };
  }
  return { name: key, dimension };
}

function indicesOf(
  key: string,
  values: unknown,
  parent: string,
  all: Readonly<Record<string, SearchDimension>>,
  resolved: ResolvedSpec,
): number[] {
  const written = all[parent];
  const of = written === undefined ? undefined : dimensionOf(parent, written, resolved);
  if (of?.kind !== 'choice') {
    throw fault(key, `its condition names ${parent}, which is no choice of this space`, { remedy: 'Name a choice' });
  }
  const texts = of.choices.map((choice) => canonicalJson(choice));
  return [values].flat().map((value) => {
    const index = texts.indexOf(canonicalJson(value));
    if (index >= 0) return index;
    throw fault(key, `its condition names a value that ${parent} never has`, {
      value,
      remedy: `It has ${texts.join(', ')}`,
    });
  });
}

function dimensionOf(key: string, written: SearchDimension, resolved: ResolvedSpec): Dimension {
  if (written === 'auto') return rangeOf(key, resolved);
  if ('choice' in written) return { kind: 'choice', choices: written.choice };
  const { low, high, scale, type } = written;
  if (type === 'int' && !(Number.isInteger(low) && Number.isInteger(high))) {
    throw fault(key, 'the ends of a range of whole numbers are whole numbers', { value: [low, high] });
  }
  return { kind: type, low, high, log: scale === 'log' };
}

/** The sensible range of a strength, or of the option that stands for it, out of the regularizer's metadata. */
function rangeOf(key: string, { spec, regularizers }: ResolvedSpec): Dimension {
  const [section, which = '', option] = key.split('.');
  if (section !== 'regularizers' || option === undefined) {
    throw fault(key, 'only the strength of a regularizer has a range of its own', {
      remedy: 'Give low and high, or choice',
    });
  }
  const { strength, type } = regularizers[regularizerIndex(key, which, spec.regularizers)].regularizer;
  const [low, high] = strength.range;
  if (option === 'include') return { kind: 'choice', choices: [true, false] };
  if (strength.inverse?.option === option) {
    const [first, last] = [strength.inverse.toOption(high), strength.inverse.toOption(low)];
    return { kind: 'int', low: Math.min(first, last), high: Math.max(first, last), log: strength.scale === 'log' };
  }
  if (option !== 'strength' || strength.inverse !== undefined) {
    const own = strength.inverse?.option ?? 'strength';
    throw fault(key, `${type} has a range of its own for ${own} only`, { remedy: 'Give low and high, or choice' });
  }
  if (strength.switch === true) return { kind: 'choice', choices: [0, 1] };
  return { kind: 'float', low, high, log: strength.scale === 'log' };
}

function regularizerIndex(key: string, which: string, entries: readonly { readonly type: string }[]): number {
  const index = /^\d+$/.test(which) ? Number(which) : entries.findIndex(({ type }) => type === which);
  const several = entries.filter(({ type }) => type === which).length > 1;
  if (several) {
    throw fault(key, `there are several regularizers ${which}`, {
      remedy: 'Name it by its place from 0: regularizers.0.strength',
    });
  }
  if (entries[index] !== undefined) return index;
  throw fault(key, `the spec declares no regularizer ${which}`, {
    remedy: `Declare it under regularizers; there are ${entries.map(({ type }) => type).join(', ') || 'none'}`,
  });
}

/** A copy of the spec with values put in. */
function specWith({ spec, baseDirectory }: ResolvedSpec, values: Readonly<Record<string, unknown>>): ResolvedSpec {
  const { search: _search, ...rest } = spec;
  const changed = structuredClone(rest) as Json;
  const left = new Set<number>();
  for (const [key, value] of Object.entries(values)) {
    const [section, which = '', option] = key.split('.');
    if (section !== 'regularizers') {
      put(changed, key.split('.'), value, key);
      continue;
    }
    const index = regularizerIndex(key, which, spec.regularizers);
    if (option !== 'include') put(changed, ['regularizers', String(index), ...key.split('.').slice(2)], value, key);
    else if (value === false) left.add(index);
  }
  changed.regularizers = (changed.regularizers as unknown[]).filter((_, index) => !left.has(index));
  return resolveSpec(changed, baseDirectory);
}

function put(spec: Json, path: readonly string[], value: unknown, key: string): void {
  let holder: unknown = spec;
  for (const name of path.slice(0, -1)) {
    holder = holder !== null && typeof holder === 'object' ? (holder as Json)[name] : undefined;
  }
  const last = path.at(-1) ?? '';
  if (holder === null || typeof holder !== 'object' || last === '__proto__') {
    throw fault(key, 'the spec has no such key', { remedy: 'Name keys as they stand in the spec, joined by dots' });
  }
  (holder as Json)[last] = value;
}

/** Every end of a range and every choice must make a valid spec: better known before the first trial than in the tenth. */
function checkEnds(space: Space, specAt: (point: Point) => ResolvedSpec): void {
  const base: Record<string, number> = {};
  for (const { name, dimension, when } of space.parameters) {
    const values = dimension.kind === 'choice' ? dimension.choices.map((_, i) => i) : [dimension.low, dimension.high];
    // The last choice stands: of "include" it is not the one that everything else depends on.
    const point = when === undefined ? base : { ...base, [when.parameter]: when.indices[0] };
    for (const value of values) {
      try {
        specAt({ ...point, [name]: value });
      } catch (error) {
        if (!(error instanceof BallastError)) throw error;
        throw error.within(`search.space.${name}`);
      }
    }
  }
}

function fault(
  key: string,
  message: string,
  { value, remedy }: { value?: unknown; remedy?: string } = {},
): BallastError {
  return new BallastError(message, {
    code: 'SEARCH_SPACE',
    place: key === '' ? 'search.space' : `search.space.${key}`,
    ...(value === undefined ? {} : { value }),
    ...(remedy === undefined ? {} : { remedy }),
  });
}
