import type { NamedCoefficients } from '../tuning/path-data.js';

/** A coefficient as it is listed; of several classes, with the class that it is of. */
export type ListedCoefficient = readonly [name: string, value: number];

/** Coefficients that are not 0, the largest first. */
export function listedCoefficients(named: NamedCoefficients): ListedCoefficient[] {
  const all =
    named.classes === undefined
      ? Object.entries(named.coefficients)
      : named.classes.flatMap(({ name, coefficients }) =>
          Object.entries(coefficients).map(([feature, value]): ListedCoefficient => [`${name}: ${feature}`, value]),
        );
  return all.sort(([, a], [, b]) => Math.abs(b) - Math.abs(a));
}

export function listedIntercepts(named: NamedCoefficients): ListedCoefficient[] {
  return named.classes === undefined
    ? [['(intercept)', named.intercept]]
    : named.classes.map(({ name, intercept }) => [`${name}: (intercept)`, intercept]);
}
