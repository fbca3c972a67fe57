import { join } from 'node:path';

/** Good or bad risk, 20 columns, 1,000 rows: the part of a spec that names them. */
export function germanCredit(datasets: string) {
  return {
    name: 'german-credit',
    task: 'classification',
    data: {
      source: join(datasets, 'german-credit/german.csv'),
      header: [...Array.from({ length: 20 }, (_, i) => `a${i + 1}`), 'class'],
      target: 'class',
      split: { validation: 0.2, holdout: 0.4 },
    },
  };
}
