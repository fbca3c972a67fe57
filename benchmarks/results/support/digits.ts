/** MNIST's test digits, halved to 14 x 14, turned and disturbed: domains whose difference is known. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Random } from '../../../src/numeric/random.js';

const SIDE = 14;

export interface Digit {
  /** [SIDE * SIDE], 0 to 1. */
  readonly pixels: Float64Array;
  readonly label: number;
}

/** All 10,000 digits in the order of the file, each pixel the mean of four of the file's. */
export function readDigits(datasets: string, folder = 'mnist-t10k'): Digit[] {
  const body = (file: string): Buffer => gunzipSync(readFileSync(join(datasets, folder, file)));
  const images = body('t10k-images-idx3-ubyte.gz').subarray(16);
  const labels = body('t10k-labels-idx1-ubyte.gz').subarray(8);
  return Array.from(labels, (label, row) => {
    const at = (y: number, x: number): number => images[row * 784 + y * 28 + x];
    const pixels = Float64Array.from({ length: SIDE * SIDE }, (_, i) => {
      const [y, x] = [2 * Math.floor(i / SIDE), 2 * (i % SIDE)];
      return (at(y, x) + at(y, x + 1) + at(y + 1, x) + at(y + 1, x + 1)) / 1020;
    });
    return { pixels, label };
  });
}

/** Turned about its middle, by bilinear interpolation; outside of the picture is 0. */
export function turned({ pixels, label }: Digit, degrees: number): Digit {
  const angle = (degrees * Math.PI) / 180;
  const middle = (SIDE - 1) / 2;
  const at = (y: number, x: number): number => (y < 0 || x < 0 || y >= SIDE || x >= SIDE ? 0 : pixels[y * SIDE + x]);
  const result = Float64Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [dy, dx] = [Math.floor(i / SIDE) - middle, (i % SIDE) - middle];
    const y = middle + dy * Math.cos(angle) - dx * Math.sin(angle);
    const x = middle + dy * Math.sin(angle) + dx * Math.cos(angle);
    const [top, left] = [Math.floor(y), Math.floor(x)];
    const [down, right] = [y - top, x - left];
    return (
      (1 - down) * ((1 - right) * at(top, left) + right * at(top, left + 1)) +
      down * ((1 - right) * at(top + 1, left) + right * at(top + 1, left + 1))
    );
  });
  return { pixels: result, label };
}

/** With Gaussian noise, kept between 0 and 1. */
export function noisy({ pixels, label }: Digit, sd: number, stream: Random): Digit {
  return { pixels: pixels.map((value) => Math.min(1, Math.max(0, value + sd * stream.normal()))), label };
}

/** A row to write: `label` undefined where it is hidden. */
export interface DigitRow {
  readonly pixels: Float64Array;
  readonly label: number | undefined;
  readonly domain: string;
}

/** A table of them: columns p0 ... p195, domain, label. */
export function writeDigits(file: string, rows: readonly DigitRow[]): void {
  const header = [...Array.from({ length: SIDE * SIDE }, (_, i) => `p${i}`), 'domain', 'label'].join(',');
  const lines = rows.map(({ pixels, label, domain }) =>
    [...Array.from(pixels, (value) => value.toFixed(3)), domain, label ?? ''].join(','),
  );
  writeFileSync(file, gzipSync(`${header}\n${lines.join('\n')}\n`, { level: 1 }));
}
