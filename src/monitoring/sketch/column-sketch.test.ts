import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derive, mean, variance } from '../../numeric/index.js';
import { ksDistance } from '../drift/distances.js';
import { exactNumbers } from '../drift/distribution.js';
import { ColumnSketch } from './column-sketch.js';
import { FrequencySketch } from './frequency-sketch.js';

const value = fc.oneof(fc.double(), fc.string(), fc.constant(null));

describe('ColumnSketch', () => {
  it('comes back from its bytes, and merged in parts is what it is whole', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.array(value, { maxLength: 60 }), (a, b) => {
        const [first, second, whole] = [new ColumnSketch(), new ColumnSketch(), new ColumnSketch()];
        first.add(a);
        second.add(b);
        whole.add([...a, ...b]);
        const merged = ColumnSketch.decode(first.encode());
        merged.merge(ColumnSketch.decode(second.encode()));
        expect(merged.rows).toBe(a.length + b.length);
        expect(merged.missing).toBe(whole.missing);
        expect(merged.distribution('category')).toEqual(whole.distribution('category'));
        expect(merged.distribution('number')).toEqual(whole.distribution('number'));
        const { count, min, max } = merged.moments;
        expect(count).toBe([...a, ...b].filter(Number.isFinite).length);
        // 0 and -0 are the same number.
        expect([min + 0, max + 0]).toEqual([whole.moments.min + 0, whole.moments.max + 0]);
      }),
      { examples: [[[Number.POSITIVE_INFINITY, 1], [Number.NEGATIVE_INFINITY]]], numRuns: 300 },
    );
  });

  it('keeps ranks to within its stated error, and moments exactly, over many merges', () => {
    const random = derive(5, 'column sketch');
    const values = Float64Array.from({ length: 40_000 }, () => random.normal(3, 2));
    let sketch = new ColumnSketch();
    for (let from = 0; from < values.length; from += 500) {
      const part = new ColumnSketch(from);
      part.add(Array.from(values.subarray(from, from + 500)));
      sketch = ColumnSketch.decode(sketch.encode(), from);
      sketch.merge(part);
    }
    const distribution = sketch.distribution('number');
    if (distribution.kind !== 'number') throw new Error('numbers');
    expect(distribution.rankError).toBeLessThan(0.006);
    expect(ksDistance(distribution, exactNumbers(values))).toBeLessThan(distribution.rankError);
    expect(sketch.moments.mean).toBeCloseTo(mean(values), 10);
    expect(sketch.moments.squares / (values.length - 1)).toBeCloseTo(variance(values), 8);
  });
});

describe('FrequencySketch', () => {
  it('keeps frequent categories to within its error whatever comes beside them', () => {
    const parts = Array.from({ length: 8 }, (_, part) => {
      const sketch = new FrequencySketch();
      for (let i = 0; i < 4000; i++) sketch.add(i % 4 === 0 ? 'often' : `rare ${part} ${i}`);
      return sketch;
    });
    const [all, ...others] = parts;
    for (const other of others) all.merge(other);
    expect(all.total).toBe(32_000);
    expect(all.counts.size).toBeLessThanOrEqual(1000);
    const often = all.counts.get('often') ?? 0;
    expect(often).toBeLessThanOrEqual(8000);
    expect(often).toBeGreaterThanOrEqual(8000 - 32_000 / 1001);
    expect([...all.counts.values()].reduce((sum, count) => sum + count, 0) + all.others).toBe(all.total);
  });
});
