import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { listRegularizers } from '../../src/regularizers/registry.js';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';

interface Figure {
  readonly value: number;
  readonly interval: [number, number];
}

interface Pair {
  readonly first: string;
  readonly second: string;
  readonly firstAlone: Figure;
  readonly secondAlone: Figure;
  readonly both: Figure;
  readonly interaction: Figure;
}

describe('regularizers --interactions', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-interactions-'));
    writeCustomers(folder, {
      regularizers: [
        { type: 'weight-decay', strength: 0.1 },
        { type: 'dropout', strength: 0.5 },
        { type: 'input-noise', strength: 1 },
      ],
      objectives: { primary: 'logLoss' },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each([
    [['dropout', '--interactions'], 'dropout'],
    [['--interactions', '--seeds', '4'], '--seeds'],
    [['--spec', 'spec.yaml'], '--spec'],
  ])('refuses %j, which would have no effect', async (words, place) => {
    const result = await ballast(folder, 'regularizers', ...words, '--json');
    expect(result.code).toBe(2);
    expect(result.json<{ error: { code: string; place: string } }>().error).toMatchObject({ code: 'USAGE', place });
  });

  test('names only regularizers that exist, each pair once, with a source', async () => {
    const { code, json } = await ballast(folder, 'regularizers', '--interactions', '--json');
    expect(code).toBe(0);
    const types = new Set([...listRegularizers().map(({ type }) => type), 'batch-normalization']);
    const table = json<{ first: string; second: string; kind: string; reason: string; source: string }[]>();
    const pairs = table.map(({ first, second }) => [first, second].sort().join(' '));
    expect(new Set(pairs).size).toBe(pairs.length);
    for (const { first, second, kind, reason, source } of table) {
      expect(types).toContain(first);
      expect(types).toContain(second);
      expect(['warn', 'refuse', 'order']).toContain(kind);
      expect(reason.length).toBeGreaterThan(10);
      expect(source.length).toBeGreaterThan(5);
    }
  });

  test('measures every pair of a spec: both = sum of the two alone + interaction', async () => {
    const { code, stderr, json } = await ballast(
      folder,
      'regularizers',
      '--interactions',
      '--spec',
      'spec.yaml',
      '--seeds',
      '2',
      '--json',
    );
    expect(code, stderr).toBe(0);
    const { pairs } = json<{ pairs: Pair[] }>();
    expect(pairs.map(({ first, second }) => `${first} ${second}`)).toEqual([
      'weight-decay dropout',
      'weight-decay input-noise',
      'dropout input-noise',
    ]);
    for (const { firstAlone, secondAlone, both, interaction } of pairs) {
      expect(both.value).toBeCloseTo(firstAlone.value + secondAlone.value + interaction.value, 9);
      expect(interaction.interval[0]).toBeLessThanOrEqual(interaction.value);
    }
  });

  test('refuses --spec alone, and one seed', async () => {
    expect((await ballast(folder, 'regularizers', '--spec', 'spec.yaml')).code).toBe(2);
    expect((await ballast(folder, 'regularizers', '--interactions', '--spec', 'spec.yaml', '--seeds', '1')).code).toBe(
      2,
    );
  });
});
