import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { derive } from '../../src/numeric/random.js';

/** Columns of {@link customerRows}. */
export const CUSTOMER_COLUMNS = [
  'age',
  'income',
  'city',
  'sex',
  'weight',
  'household',
  'day',
  'spent',
  'plan',
] as const;

/**
 * Made-up customers: numbers with a few missing values, categories, a weight, groups of six, an increasing date, a
 * quantity `spent` and a class `plan` that depend on age, income and city.
 */
export function customerRows(count: number, seed = 1): string[][] {
  const random = derive(seed, 'customers');
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random.uniform() * values.length)] as T;
  return Array.from({ length: count }, (_, i) => {
    const age = random.normal(40, 12);
    const income = random.normal(3, 1);
    const city = pick(['rome', 'oslo', 'lima']);
    const sex = pick(['f', 'm']);
    const score = (age - 40) / 12 + (income - 3) + (city === 'rome' ? 1 : 0);
    const day = new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10);
    return [
      i % 29 === 3 ? '' : age.toFixed(2),
      income.toFixed(3),
      i % 31 === 5 ? '' : city,
      sex,
      String(1 + (i % 3)),
      `h${Math.floor(i / 6)}`,
      day,
      (10 * score + random.normal(0, 3)).toFixed(2),
      score + random.normal(0, 0.6) > 0.3 ? 'gold' : 'basic',
    ];
  });
}

/** Writes rows as CSV. */
export function writeCsv(
  path: string,
  rows: readonly (readonly string[])[],
  columns: readonly string[] = CUSTOMER_COLUMNS,
): void {
  writeFileSync(path, `${[columns, ...rows].map((row) => row.join(',')).join('\n')}\n`);
}

/** A spec of the customers that trains in a moment. */
export function customerSpec(changes: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'customers',
    data: {
      source: 'customers.csv',
      target: 'plan',
      columns: { weight: 'weight' },
      features: { exclude: ['household', 'day', 'spent'] },
    },
    task: 'classification',
    model: { type: 'mlp', hidden: [8] },
    training: { epochs: 3, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
    regularizers: [
      { type: 'weight-decay', strength: 0.01 },
      { type: 'dropout', strength: 0.2 },
    ],
    ...changes,
  };
}

/** Writes customers.csv and spec.yaml into a folder. */
export function writeCustomers(folder: string, changes: Record<string, unknown> = {}, rows = 240): void {
  writeCsv(join(folder, 'customers.csv'), customerRows(rows));
  writeSpec(folder, customerSpec(changes));
}

export function writeSpec(folder: string, spec: unknown, name = 'spec.yaml'): void {
  writeFileSync(join(folder, name), JSON.stringify(spec, null, 2));
}
