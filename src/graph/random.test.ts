import { describe, expect, it } from 'vitest';
import { GraphBuilder, type Value } from './builder.js';
import { writeModel } from './format/encode.js';
import { type RandomSite, RandomSites, siteKey } from './random.js';
import { openRuntime } from './runtime/choose.js';
import { tensor } from './tensor.js';

const ROWS = 512;
const COLUMNS = 512;

async function draw(make: (site: RandomSite) => Value, seed = 1, step = 1, label = 'site'): Promise<Float64Array> {
  const b = new GraphBuilder('random');
  const sites = new RandomSites(b);
  b.output('numbers', make(sites.site(label)));
  const runtime = await openRuntime();
  const session = await runtime.load(writeModel(b.model()));
  const { numbers } = await session.run({
    [`random.${label}`]: tensor('uint32', [1], Uint32Array.of(siteKey(label, seed, step))),
  });
  session.release();
  return Float64Array.from(numbers.data as ArrayLike<number>);
}

const bytes = (values: Float64Array): Buffer => Buffer.from(values.buffer);

const uniform = (site: RandomSite): Value => site.uniform([ROWS, COLUMNS]);

function correlation(a: ArrayLike<number>, b: ArrayLike<number>, n: number): number {
  let [sa, sb, saa, sbb, sab] = [0, 0, 0, 0, 0];
  for (let i = 0; i < n; i++) {
    sa += a[i];
    sb += b[i];
    saa += a[i] * a[i];
    sbb += b[i] * b[i];
    sab += a[i] * b[i];
  }
  return (sab - (sa * sb) / n) / Math.sqrt((saa - (sa * sa) / n) * (sbb - (sb * sb) / n));
}

/** Chi-square of cell counts against equal expectation, as a standard normal (Wilson and Hilferty, 1931). */
function chiSquareZ(counts: ArrayLike<number>): number {
  const cells = Array.from(counts);
  const expected = cells.reduce((sum, count) => sum + count, 0) / cells.length;
  const statistic = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degrees = cells.length - 1;
  return ((statistic / degrees) ** (1 / 3) - (1 - 2 / (9 * degrees))) / Math.sqrt(2 / (9 * degrees));
}

describe('random numbers in the graph', () => {
  it('are uniform, one by one and in pairs and triples of neighbours either way', async () => {
    for (const [seed, step] of [
      [1, 1],
      [1, 2],
      [2, 1],
      [123456789, 1000000],
    ]) {
      const u = await draw(uniform, seed, step);
      expect(Math.max(...u.subarray(0, 100_000))).toBeLessThan(1);
      const single = new Float64Array(256);
      const across = new Float64Array(256);
      const down = new Float64Array(256);
      const triple = new Float64Array(512);
      const square = new Float64Array(4096);
      for (let r = 0; r + 1 < ROWS; r++) {
        for (let c = 0; c + 2 < COLUMNS; c++) {
          const i = r * COLUMNS + c;
          const cell = (j: number, cells: number): number => Math.floor(u[j] * cells);
          single[cell(i, 256)]++;
          across[cell(i, 16) * 16 + cell(i + 1, 16)]++;
          down[cell(i, 16) * 16 + cell(i + COLUMNS, 16)]++;
          triple[cell(i, 8) * 64 + cell(i + 1, 8) * 8 + cell(i + 2, 8)]++;
          square[cell(i, 8) * 512 + cell(i + 1, 8) * 64 + cell(i + COLUMNS, 8) * 8 + cell(i + COLUMNS + 1, 8)]++;
        }
      }
      for (const counts of [single, across, down, triple, square]) expect(Math.abs(chiSquareZ(counts))).toBeLessThan(5);
    }
  });

  it('do not correlate between neighbouring seeds, steps and sites', async () => {
    const base = await draw(uniform, 7, 10);
    const n = base.length;
    for (const other of [await draw(uniform, 8, 10), await draw(uniform, 7, 11), await draw(uniform, 7, 10, 'other')]) {
      expect(Math.abs(correlation(base, other, n))).toBeLessThan(5 / Math.sqrt(n));
    }
  });

  it('do not correlate between rows or columns at any distance', async () => {
    const u = await draw(uniform, 3, 5);
    for (const lag of [1, 2, 3, 64, 256, COLUMNS, 2 * COLUMNS, 37 * COLUMNS + 5]) {
      const n = u.length - lag;
      expect(Math.abs(correlation(u, u.subarray(lag), n))).toBeLessThan(5 / Math.sqrt(n));
    }
    // Row sums and column sums vary as sums of independent numbers do.
    const rows = Float64Array.from({ length: ROWS }, (_, r) =>
      u.subarray(r * COLUMNS, (r + 1) * COLUMNS).reduce((s, x) => s + x, 0),
    );
    const columns = Float64Array.from({ length: COLUMNS }, (_, c) => {
      let sum = 0;
      for (let r = 0; r < ROWS; r++) sum += u[r * COLUMNS + c];
      return sum;
    });
    for (const sums of [rows, columns]) {
      const mean = sums.reduce((s, x) => s + x, 0) / sums.length;
      const variance = sums.reduce((s, x) => s + (x - mean) ** 2, 0) / (sums.length - 1);
      expect(variance / (ROWS / 12)).toBeGreaterThan(0.75);
      expect(variance / (ROWS / 12)).toBeLessThan(1.3);
    }
  });

  it('occur with the probability asked for', async () => {
    for (const p of [0.05, 0.2, 0.5, 0.9]) {
      const hits = await draw((site) => site.bernoulli([ROWS, COLUMNS], p), 1, 1);
      const share = hits.reduce((sum, hit) => sum + hit, 0) / hits.length;
      expect(Math.abs(share - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / hits.length));
    }
  });

  it('are normal: moments up to the fourth', async () => {
    const z = await draw((site) => site.normal([ROWS, COLUMNS]));
    const moment = (k: number): number => z.reduce((sum, x) => sum + x ** k, 0) / z.length;
    const error = 5 / Math.sqrt(z.length);
    expect(Math.abs(moment(1))).toBeLessThan(error);
    expect(Math.abs(moment(2) - 1)).toBeLessThan(Math.sqrt(2) * error);
    expect(Math.abs(moment(3))).toBeLessThan(Math.sqrt(15) * error);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(Math.sqrt(96) * error);
  });

  it('are the same for the same seed, step and site', async () => {
    expect(Buffer.compare(bytes(await draw(uniform, 5, 6)), bytes(await draw(uniform, 5, 6)))).toBe(0);
  });
});
