import { expect, it } from 'vitest';
import { allRows, categories, numbers, table, texts } from '../../../test/support/tables.js';
import { dataOptionsSchema } from '../options.js';
import { resolveRoles } from '../roles.js';
import { fitPreprocessor } from './fit.js';

it('tells which features only mean something together', () => {
  const data = table(
    numbers('plain', [1, 2, 3, 4, 5, 6]),
    numbers('holes', [1, Number.NaN, 3, 4, Number.NaN, 6]),
    categories('colour', ['red', 'blue', 'red', 'green', 'blue', 'green']),
    texts('note', ['good day', 'bad day', 'good day', 'bad night', 'good night', 'bad day']),
  );
  const options = dataOptionsSchema.parse({ source: 'x' });
  const preprocessor = fitPreprocessor(data, resolveRoles(data, options), allRows(6), {
    task: 'none',
    features: options.features,
  });
  const [{ groups }] = preprocessor.outputs;
  const members = new Map<number, Set<string>>();
  preprocessor.features.forEach(({ column }, i) => {
    const group = groups![i];
    members.set(group, (members.get(group) ?? new Set()).add(column));
  });
  // No group mixes columns; all codes of a colour are one group, and so is a number with its indicator.
  for (const columns of members.values()) expect(columns.size).toBe(1);
  const groupsOf = (column: string): number =>
    new Set(groups!.filter((_, i) => preprocessor.features[i].column === column)).size;
  expect(groupsOf('holes')).toBe(1);
  expect(groupsOf('colour')).toBe(1);
  expect(groupsOf('note')).toBe(preprocessor.features.filter(({ column }) => column === 'note').length);
  expect(Math.max(...groups!)).toBe(members.size - 1);
});
