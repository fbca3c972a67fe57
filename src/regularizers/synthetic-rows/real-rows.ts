import { type NumericArray, sizeOf, type Tensor } from '../../graph/tensor.js';
import type { AddedExamples, InputDescription, PreparationContext } from '../regularizer.js';

/** Rows of numbers, one after the other. */
export interface Matrix {
  readonly rows: number;
  readonly width: number;
  readonly data: Float32Array;
}

/** What the features of encoded rows are, told from the rows themselves. */
export interface Layout {
  /** Features that vary over more than two values, and numbers of all kinds. */
  readonly numbers: readonly number[];
  /** Features of each one-hot code: of one column, 0 or 1, one of them 1 in every row. */
  readonly categories: readonly (readonly number[])[];
  /** Features that are 0 or 1 by themselves: marks of missing values. */
  readonly flags: readonly number[];
}

/** The real training rows as one matrix, all tabular inputs side by side, and the way back. */
export interface RealRows extends Matrix {
  readonly layout: Layout;
  /** Row numbers in the data. */
  readonly numbers: Int32Array;
  /** Rows of such a matrix as inputs of the network. */
  examples(made: Matrix): AddedExamples['inputs'];
}

/** Rows that earlier regularizers added are left out: what is made of made rows drifts away from the data. */
export function realRows({ inputs, data, train }: Pick<PreparationContext, 'inputs' | 'data' | 'train'>): RealRows {
  const widths = inputs.map(({ shape }) => sizeOf(shape));
  const width = widths.reduce((sum, one) => sum + one, 0);
  const values = new Float32Array(train.length * width);
  let offset = 0;
  inputs.forEach(({ name }, i) => {
    const source = data[name].data;
    train.forEach((row, at) => {
      for (let j = 0; j < widths[i]; j++) values[at * width + offset + j] = Number(source[row * widths[i] + j]);
    });
    offset += widths[i];
  });
  const matrix = { rows: train.length, width, data: values };
  return {
    ...matrix,
    layout: layoutOf(matrix, groupsOf(inputs, widths)),
    numbers: train,
    examples(made) {
      const result: Record<string, Tensor<NumericArray>> = {};
      let from = 0;
      inputs.forEach(({ name, shape }, i) => {
        const part = new Float32Array(made.rows * widths[i]);
        for (let row = 0; row < made.rows; row++) {
          part.set(made.data.subarray(row * width + from, row * width + from + widths[i]), row * widths[i]);
        }
        result[name] = { type: 'float32', shape: [made.rows, ...shape], data: part };
        from += widths[i];
      });
      return result;
    },
  };
}

/** Numbers the groups of all inputs through; a feature without a group is one of its own. */
function groupsOf(inputs: readonly InputDescription[], widths: readonly number[]): number[] {
  const all: number[] = [];
  let next = 0;
  inputs.forEach(({ groups }, i) => {
    const own = groups ?? Array.from({ length: widths[i] }, (_, j) => j);
    all.push(...own.map((group) => next + group));
    next += own.reduce((most, group) => Math.max(most, group + 1), 0);
  });
  return all;
}

function layoutOf({ rows, width, data }: Matrix, groups: readonly number[]): Layout {
  const binary = Array.from({ length: width }, (_, j) => {
    for (let row = 0; row < rows; row++) {
      const value = data[row * width + j];
      if (value !== 0 && value !== 1) return false;
    }
    return true;
  });
  const members = new Map<number, number[]>();
  groups.forEach((group, j) => {
    members.set(group, [...(members.get(group) ?? []), j]);
  });
  const numbers: number[] = [];
  const flags: number[] = [];
  const categories: number[][] = [];
  for (const features of members.values()) {
    if (features.length > 1 && features.every((j) => binary[j]) && isOneHot({ rows, width, data }, features)) {
      categories.push(features);
    } else {
      for (const j of features) (binary[j] ? flags : numbers).push(j);
    }
  }
  return { numbers: numbers.sort((a, b) => a - b), categories, flags: flags.sort((a, b) => a - b) };
}

function isOneHot({ rows, width, data }: Matrix, features: readonly number[]): boolean {
  for (let row = 0; row < rows; row++) {
    let ones = 0;
    for (const j of features) ones += data[row * width + j];
    if (ones !== 1) return false;
  }
  return true;
}

/** Some rows of a matrix. */
export function take({ width, data }: Matrix, chosen: ArrayLike<number>): Matrix {
  const result = new Float32Array(chosen.length * width);
  for (let i = 0; i < chosen.length; i++) {
    result.set(data.subarray(chosen[i] * width, (chosen[i] + 1) * width), i * width);
  }
  return { rows: chosen.length, width, data: result };
}
