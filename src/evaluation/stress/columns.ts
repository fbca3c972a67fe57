import type { CategoryColumn, NumberColumn } from '../../data/table.js';
import { quantile } from '../../numeric/quantile.js';
import type { Random } from '../../numeric/random.js';
import { corruptionOf } from './corruption.js';

/** What goes wrong with the columns of a table. */
const SHARES = [0.05, 0.1, 0.2, 0.4, 0.6] as const;
const OWN = 'own definition';

const quantity = ({ type }: NumberColumn): boolean => type !== 'boolean';

/** Numbers changed one by one, in the precision and the kind of number that they are of. */
function changed(column: NumberColumn, change: (value: number, row: number) => number): NumberColumn {
  const values = new Float64Array(column.values.length);
  for (let row = 0; row < values.length; row++) {
    const value = column.values[row];
    values[row] = Number.isNaN(value) ? value : change(value, row);
  }
  return { ...column, type: 'float', values };
}

function deviation(values: ArrayLike<number>): number {
  let [count, mean, squares] = [0, 0, 0];
  for (let row = 0; row < values.length; row++) {
    const value = values[row];
    if (Number.isNaN(value)) continue;
    count++;
    const before = value - mean;
    mean += before / count;
    squares += before * (value - mean);
  }
  return count < 2 ? 0 : Math.sqrt(squares / (count - 1));
}

export const noise = corruptionOf({
  name: 'noise',
  summary: 'normal noise on numbers, in standard deviations of their column',
  source: OWN,
  amounts: [0.1, 0.25, 0.5, 1, 2],
  kind: 'number',
  only: quantity,
  corrupt(column, amount, random) {
    const scale = amount * deviation(column.values);
    return changed(column, (value) => value + scale * random.normal());
  },
});

export const unit = corruptionOf({
  name: 'unit',
  summary: 'a tenth of the values in another unit: so many times as large',
  source: OWN,
  amounts: [1.1, 1.609_344, 2.54, 10, 1000],
  kind: 'number',
  only: quantity,
  corrupt: (column, amount, random) => changed(column, (value) => (random.uniform() < 0.1 ? value * amount : value)),
});

export const clipping = corruptionOf({
  name: 'clipping',
  summary: 'numbers beyond a quantile come as that quantile: the share cut off at each end',
  source: OWN,
  amounts: [0.02, 0.05, 0.1, 0.2, 0.35],
  kind: 'number',
  only: quantity,
  corrupt(column, amount) {
    const known = Float64Array.from(column.values).filter((value) => !Number.isNaN(value));
    if (known.length === 0) return column;
    const [low, high] = [quantile(known, amount), quantile(known, 1 - amount)];
    return changed(column, (value) => Math.min(high, Math.max(low, value)));
  },
});

export const missingNumbers = corruptionOf({
  name: 'missing numbers',
  summary: 'numbers that did not come: the share of them',
  source: OWN,
  amounts: SHARES,
  kind: 'number',
  corrupt(column, amount, random) {
    const values = Float64Array.from(column.values, (value) => (random.uniform() < amount ? Number.NaN : value));
    return { ...column, values };
  },
});

/** Codes changed one by one; what is missing stays so. */
function recoded(
  column: CategoryColumn,
  random: Random,
  amount: number,
  change: (code: number) => number,
): CategoryColumn {
  return {
    ...column,
    codes: column.codes.map((code) => (code >= 0 && random.uniform() < amount ? change(code) : code)),
  };
}

export const missingCategories = corruptionOf({
  name: 'missing categories',
  summary: 'categories that did not come: the share of them',
  source: OWN,
  amounts: SHARES,
  kind: 'category',
  corrupt: (column, amount, random) => recoded(column, random, amount, () => -1),
});

export const swappedCategories = corruptionOf({
  name: 'swapped categories',
  summary: 'categories that come as another one of their column: the share of them',
  source: OWN,
  amounts: SHARES,
  kind: 'category',
  only: ({ dictionary }) => dictionary.length > 1,
  corrupt(column, amount, random) {
    const others = column.dictionary.length - 1;
    return recoded(column, random, amount, (code) => (code + 1 + Math.floor(random.uniform() * others)) % (others + 1));
  },
});

export const typos = corruptionOf({
  name: 'typos',
  summary: 'letters of texts that are swapped with their neighbour or left out: the share of them',
  source: 'Belinkov and Bisk, Synthetic and Natural Noise Both Break Neural Machine Translation, ICLR 2018',
  amounts: [0.01, 0.03, 0.05, 0.1, 0.2],
  kind: 'text',
  corrupt: (column, amount, random) => ({
    ...column,
    values: column.values.map((text) => mistyped(text, amount, random)),
  }),
});

function mistyped(text: string, amount: number, random: Random): string {
  const letters = Array.from(text);
  const typed: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    if (random.uniform() >= amount) typed.push(letters[i]);
    else if (random.uniform() < 0.5 && i + 1 < letters.length) typed.push(letters[i + 1], letters[i++]);
  }
  return typed.join('');
}
