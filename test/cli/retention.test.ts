import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEFAULT_RETENTION, openStore } from '../../src/store/index.js';
import { newRun } from '../contracts/store/subject.js';
import { ballast } from '../support/command.js';

const DAY_MS = 24 * 3_600_000;

describe('ballast retention', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-retention-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const retention = (...words: string[]) => ballast(folder, 'retention', ...words, '--json');

  test('keeps what is declared, and refuses what would take counts from an objective', async () => {
    const declared = await retention('set', '--rows', '500', '--runs-for', '90d', '--artifact-bytes', '2KB');
    expect(declared.code).toBe(0);
    expect((await retention('show')).json()).toEqual({
      ...DEFAULT_RETENTION,
      ...{ rows: 500, runsMs: 90 * DAY_MS, artifactBytes: 2000 },
    });
    expect((await retention('set', '--runs-for', 'forever')).json()).toMatchObject({ runsMs: null, rows: 500 });
    for (const [words, told] of [
      [[], 'nothing is declared'],
      [['--artifact-bytes', 'much'], 'It is a size'],
      [['--rows-for', 'long'], 'It is a time'],
    ] as const) {
      const refused = await retention('set', ...words);
      expect(refused.code).toBe(2);
      expect(refused.stderr).toContain(told);
    }
    await using store = await openStore(join(folder, '.ballast'));
    const definition = { name: 'right', sli: { type: 'availability' }, objective: 0.9, window: '30d' };
    await store.putSlos('fraud', [{ name: 'right', definition }], 'x');
    const short = await retention('set', '--windows-for', '7d');
    expect(short.code).toBe(2);
    expect(short.stderr).toContain('fraud: right, 30d');
  });

  test('tells what would be removed, then removes it', async () => {
    await using store = await openStore(join(folder, '.ballast'));
    for (const content of ['a', 'b', 'c']) {
      const runId = await store.createRun(newRun());
      await store.putArtifact(runId, 'model.onnx', Buffer.from(content.repeat(900)));
      await store.finishRun(runId, 'finished');
    }
    const would = await retention('apply', '--dry-run');
    expect(would.code).toBe(0);
    expect(would.json()).toMatchObject({ dryRun: true, artifacts: 1, contents: 1, bytes: 900, runs: 0 });
    expect((await retention('apply')).json()).toMatchObject({ dryRun: false, artifacts: 1, contents: 1, bytes: 900 });
    const text = await ballast(folder, 'retention', 'apply');
    expect(text.stdout).toContain('Nothing is older, or more, than is kept.');
  });
});
