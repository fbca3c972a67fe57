import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';

const PYTHON = process.env.BALLAST_EVIDENTLY_PYTHON ?? process.env.BALLAST_PYTHON ?? '';
const SCRIPT = join(import.meta.dirname, 'evidently_peer.py');
const hasPeer =
  PYTHON !== '' && spawnSync(PYTHON, ['-c', 'import evidently.presets'], { timeout: 120_000 }).status === 0;

interface Told {
  readonly class: string;
  readonly unknown: readonly string[];
  readonly type: boolean;
  readonly column: string | null;
  readonly value: number;
  readonly computed: number;
}

interface Document {
  readonly drifted: boolean;
  readonly features: readonly { readonly name: string; readonly pValue: number; readonly drifted: boolean }[];
}

describe.skipIf(!hasPeer)('Evidently (needs BALLAST_PYTHON, or BALLAST_EVIDENTLY_PYTHON, with evidently)', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-evidently-'));
    const rows = (count: number, shift: number): string =>
      Array.from({ length: count }, (_, i) => {
        const turn = (i * 7919) % 997;
        return `${(20 + turn / 20 + shift).toFixed(3)},${((turn * 31) % 89) / 7},${i % 5 < 2 ? 'rome' : 'oslo'}`;
      }).join('\n');
    writeFileSync(join(folder, 'before.csv'), `age,income,city\n${rows(700, 0)}\n`);
    writeFileSync(join(folder, 'after.csv'), `age,income,city\n${rows(600, 6)}\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('its report is read, and ours is one that its classes take and compute to the same p-values', async () => {
    const words = ['--multivariate', 'none', '--evidently', 'ours.json', '--json'];
    const ours = (await ballast(folder, 'drift', 'before.csv', 'after.csv', ...words)).json<Document & object>();
    const files = ['before.csv', 'after.csv', 'theirs.json', 'ours.json'];
    const told = JSON.parse(
      execFileSync(PYTHON, [SCRIPT, ...files], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    ) as Told[];
    expect(told.map((each) => each.class)).toEqual(['DriftedColumnsCount', 'ValueDrift', 'ValueDrift', 'ValueDrift']);
    for (const each of told) expect(each, each.column ?? 'all').toMatchObject({ unknown: [], type: true });
    for (const { column, value, computed } of told.slice(1)) {
      expect(Math.abs(value - computed), column ?? '').toBeLessThan(1e-9);
    }
    const read = await ballast(folder, 'drift', 'theirs.json', '--json');
    expect(read.code).toBe(1);
    const theirs = read.json<Document & object>();
    const of = ({ features }: Document) => new Map(features.map(({ name, drifted }) => [name, drifted]));
    expect(of(theirs)).toEqual(of(ours));
    for (const { name, pValue } of theirs.features) {
      const own = ours.features.find((each) => each.name === name)?.pValue ?? Number.NaN;
      expect(Math.abs(pValue - own), name).toBeLessThan(1e-9);
    }
  }, 180_000);
});
