import type { NamedCoefficients } from '../tuning/path-data.js';

/** A coefficient as it is listed; of several classes or targets, with the one that it is of. */
export type ListedCoefficient = readonly [name: string, value: number];

/** Coefficients that are not 0, the largest first. */
export function listedCoefficients(named: NamedCoefficients): ListedCoefficient[] {
  const all =
    named.outputs === undefined
      ? Object.entries(named.coefficients)
      : named.outputs.flatMap(({ name, coefficients }) =>
          Object.entries(coefficients).map(([feature, value]): ListedCoefficient => [`${name}: ${feature}`, value]),
        );
  return all.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
}

export function listedIntercepts(named: NamedCoefficients): ListedCoefficient[] {
  return named.outputs === undefined
    ? [['(intercept)', named.intercept]]
    : named.outputs.map(({ name, intercept }) => [`${name}: (intercept)`, intercept]);
}
