import { join } from 'node:path';

/** The `data` of a spec: scikit-learn's 1,797 handwritten digits, 8 x 8 pixels a row. */
export function digitsData(datasets: string, split: Readonly<Record<string, number | string>>) {
  return {
    source: join(datasets, 'small-n-tabular/digits.csv.gz'),
    header: [...Array.from({ length: 64 }, (_, i) => `p${i}`), 'label'],
    target: 'label',
    split,
  };
}
