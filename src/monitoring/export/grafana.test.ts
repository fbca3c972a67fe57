import type { Dashboard } from '@grafana/schema';
import { describe, expect, test } from 'vitest';
import { grafanaDashboard } from './grafana.js';
import { GRAFANA_DASHBOARDS } from './grafana-panels.js';

/** A type as its JSON is: enumerations are their values. */
type Plain<T> = T extends string
  ? string extends T
    ? T
    : `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : T extends object
        ? { readonly [Key in keyof T]: Plain<T[Key]> }
        : T;

describe('Grafana dashboards', () => {
  test.each(GRAFANA_DASHBOARDS)("%s is of Grafana's own schema", (which) => {
    // The compiler checks it against the types that Grafana publishes.
    const dashboard: Plain<Dashboard> = grafanaDashboard(which, 'fraud');
    expect(dashboard.uid).toBe(`ballast-${which}`);
  });

  test('panels do not overlap, and have ids and queries of their own', () => {
    for (const which of GRAFANA_DASHBOARDS) {
      const { panels } = grafanaDashboard(which);
      const cells = new Set<string>();
      for (const { gridPos, targets } of panels) {
        const { x, y, w, h } = gridPos;
        for (let i = x; i < x + w; i++) {
          for (let j = y; j < y + h; j++) {
            expect(cells.has(`${i} ${j}`), which).toBe(false);
            cells.add(`${i} ${j}`);
          }
        }
        expect(x + w).toBeLessThanOrEqual(24);
        expect(targets.length).toBeGreaterThan(0);
      }
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    }
  });
});
