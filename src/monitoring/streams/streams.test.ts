import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { derive } from '../../numeric/index.js';
import { Adwin } from './adwin.js';
import { PageHinkley } from './page-hinkley.js';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly values: readonly number[];
    readonly adwin: Readonly<Record<string, { changes: [number, number][]; width: number; mean: number }>>;
    readonly pageHinkley: Readonly<Record<string, number[]>>;
  }[];
}
const { cases } = JSON.parse(readFileSync(new URL('./goldens/streams.json', import.meta.url), 'utf8')) as Golden;

describe.each(cases)('a stream of $name', ({ values, adwin, pageHinkley }) => {
  it.each(Object.entries(adwin))('changes for ADWIN (delta %s) where it does for river', (delta, wanted) => {
    let detector = new Adwin(Number(delta));
    const changes = values.flatMap((value, i) => {
      if (!detector.update(value)) return [];
      const width = detector.width;
      // River begins anew after a change; the window of the paper, and ours, goes on with its newer part.
      if (i + 1 < values.length) detector = new Adwin(Number(delta));
      return [[i, width]];
    });
    expect(changes).toEqual(wanted.changes);
    expect(detector.width).toBe(wanted.width);
    expect(detector.mean).toBeCloseTo(wanted.mean, 9);
  });

  it.each(Object.entries(pageHinkley))(
    'changes for Page and Hinkley (threshold %s) where it does for river',
    (threshold, wanted) => {
      const detector = new PageHinkley({ threshold: Number(threshold) });
      expect(values.flatMap((value, i) => (detector.update(value) ? [i] : []))).toEqual(wanted);
    },
  );
});

describe('Adwin', () => {
  it('is silent on a long stream that does not change', () => {
    const random = derive(11, 'adwin');
    const detector = new Adwin();
    let alarms = 0;
    for (let i = 0; i < 50_000; i++) if (detector.update(random.uniform() < 0.2 ? 1 : 0)) alarms++;
    expect(alarms).toBeLessThanOrEqual(1);
    expect(detector.mean).toBeCloseTo(0.2, 1);
  });
});
