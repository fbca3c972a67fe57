import type { ArrayColumn } from '../../data/table.js';
import { corruptionOf } from './corruption.js';

/** What goes wrong with images and recordings; amounts of images are those of CIFAR-10-C where it has them. */
const CIFAR_C =
  'Hendrycks and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions, ICLR 2019 (CIFAR-10-C)';

const isImage = ({ content }: ArrayColumn): boolean => content === 'image';

function changed({ data, ...rest }: ArrayColumn, change: (value: number, index: number) => number): ArrayColumn {
  const result = data.slice();
  for (let i = 0; i < data.length; i++) {
    const value = change(data[i], i);
    result[i] = data instanceof Float32Array ? value : Math.round(Math.min(255, Math.max(0, value)));
  }
  return { ...rest, data: result };
}

const sizeOf = ({ shape }: ArrayColumn): number => shape.reduce((a, b) => a * b, 1);

export const imageNoise = corruptionOf({
  name: 'image noise',
  summary: 'normal noise on pixels, in shares of their range',
  source: CIFAR_C,
  amounts: [0.04, 0.06, 0.08, 0.09, 0.1],
  kind: 'array',
  only: isImage,
  corrupt: (column, amount, random) => changed(column, (value) => value + 255 * amount * random.normal()),
});

export const contrast = corruptionOf({
  name: 'contrast',
  summary: 'pixels drawn to the mean of their image: the share of contrast that is left',
  source: CIFAR_C,
  amounts: [0.75, 0.5, 0.4, 0.3, 0.15],
  kind: 'array',
  only: isImage,
  corrupt(column, amount) {
    const size = sizeOf(column);
    const means = Float64Array.from({ length: column.data.length / size }, (_, row) => {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += column.data[i];
      return sum / size;
    });
    return changed(column, (value, i) => {
      const mean = means[Math.floor(i / size)];
      return mean + amount * (value - mean);
    });
  },
});

export const brightness = corruptionOf({
  name: 'brightness',
  summary: 'pixels made brighter, in shares of their range',
  source: CIFAR_C,
  amounts: [0.05, 0.1, 0.15, 0.2, 0.3],
  kind: 'array',
  only: isImage,
  corrupt: (column, amount) => changed(column, (value) => value + 255 * amount),
});

export const blur = corruptionOf({
  name: 'blur',
  summary: 'a Gaussian over pixels: its standard deviation in pixels',
  source: CIFAR_C,
  amounts: [0.4, 0.6, 0.7, 0.8, 1],
  kind: 'array',
  only: ({ content, shape }) => content === 'image' && shape.length === 3,
  corrupt(column, amount) {
    const [, height, width] = column.shape;
    const radius = Math.ceil(3 * amount);
    const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
      Math.exp(-((i - radius) ** 2) / (2 * amount ** 2)),
    );
    const total = kernel.reduce((sum, value) => sum + value, 0);
    const source = Float32Array.from(column.data);
    const along = new Float32Array(source.length);
    smooth(source, along, width, 1);
    smooth(along, source, height, width);
    return changed(column, (_, i) => source[i]);

    /** One axis: lines of `length` elements, `step` apart; beyond the edge its last element stands. */
    function smooth(from: Float32Array, to: Float32Array, length: number, step: number): void {
      for (let i = 0; i < from.length; i++) {
        const at = Math.floor(i / step) % length;
        let sum = 0;
        for (let k = -radius; k <= radius; k++) {
          const inside = Math.min(length - 1, Math.max(0, at + k));
          sum += kernel[k + radius] * from[i + (inside - at) * step];
        }
        to[i] = sum / total;
      }
    }
  },
});

export const signalNoise = corruptionOf({
  name: 'signal noise',
  summary: 'normal noise on recordings and series: the signal-to-noise ratio in decibels',
  source: 'own definition',
  amounts: [30, 20, 10, 5, 0],
  kind: 'array',
  only: ({ content }) => content === 'audio' || content === 'series',
  corrupt(column, amount, random) {
    const size = sizeOf(column);
    const noise = Float64Array.from({ length: column.data.length / size }, (_, row) => {
      let power = 0;
      for (let i = row * size; i < (row + 1) * size; i++) power += column.data[i] ** 2 / size;
      return Math.sqrt(power / 10 ** (amount / 10));
    });
    return changed(column, (value, i) => value + noise[Math.floor(i / size)] * random.normal());
  },
});
