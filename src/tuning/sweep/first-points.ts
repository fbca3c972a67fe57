import { canonicalJson } from '../../regularizers/canonical-json.js';
import type { Dimension, Point } from '../../search/space.js';
import { exists } from '../../search/space.js';
import type { SweepDefinition } from './definition.js';
import { openDefinition } from './definition.js';
import type { LearnedRecipe } from './learned.js';

/**
 * What is known before the first trial: the spec as it stands, the strengths that the catalogue takes for ordinary, and
 * what earlier sweeps of this store found for the same task, model and size. Each is a trial of its own, before the
 * sampler's first; from then on the sampler learns from them as from any other.
 */
export function firstPoints(definition: SweepDefinition, learned: LearnedRecipe | undefined): Point[] {
  const { space, resolved } = openDefinition(definition);
  const { spec, regularizers } = resolved;
  const from = (of: (key: string) => unknown): Point => {
    const point: Record<string, number> = {};
    for (const parameter of space.parameters) {
      if (!exists(parameter, point)) continue;
      const own = numberOf(parameter.dimension, of(parameter.name));
      point[parameter.name] =
        own ?? numberOf(parameter.dimension, declared(parameter.name)) ?? middleOf(parameter.dimension);
    }
    return point;
  };
  const indexOf = (which: string): number =>
    /^\d+$/.test(which) ? Number(which) : spec.regularizers.findIndex(({ type }) => type === which);
  const declared = (key: string): unknown => {
    const [section, which = '', option = ''] = key.split('.');
    if (section !== 'regularizers') return key.split('.').reduce<unknown>((at, name) => member(at, name), spec);
    const index = indexOf(which);
    if (option === 'include') return true;
    return option === 'strength' ? regularizers[index]?.strength : member(spec.regularizers[index], option);
  };
  const ordinary = (key: string): unknown => {
    const [section, which = '', option] = key.split('.');
    return section === 'regularizers' && option === 'strength'
      ? regularizers[indexOf(which)]?.regularizer.strength.default
      : undefined;
  };
  const points = [
    from(declared),
    from(ordinary),
    ...(learned === undefined ? [] : [from((key) => learned.values[key]?.value)]),
  ];
  const seen = new Set<string>();
  return points.filter((point) => {
    const key = canonicalJson(point);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

/** The number that stands for a value in a dimension, at its end where the value lies beyond; undefined for none. */
function numberOf(dimension: Dimension, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (dimension.kind === 'choice') {
    const index = dimension.choices.findIndex((choice) => canonicalJson(choice) === canonicalJson(value));
    return index < 0 ? undefined : index;
  }
  if (typeof value !== 'number') return undefined;
  const within = Math.min(dimension.high, Math.max(dimension.low, value));
  return dimension.kind === 'int' ? Math.round(within) : within;
}

function middleOf(dimension: Dimension): number {
  if (dimension.kind === 'choice') return 0;
  const { low, high, log, kind } = dimension;
  const middle = log ? Math.sqrt(low * high) : (low + high) / 2;
  return kind === 'int' ? Math.round(middle) : middle;
}

function member(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[name] : undefined;
}
