import { cpSync, existsSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-faults-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let runId: string;

beforeAll(async () => {
  writeCustomers(folder);
  const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--store', 'sound', '--json');
  expect(code, stderr).toBe(0);
  runId = json<TrainDocument>().runs[1].runId;
  const database = new Database(join(folder, 'sound', 'ballast.db'));
  database.pragma('wal_checkpoint(truncate)');
  database.close();
});

/** A copy of the sound store with its database changed. */
function damagedStore(name: string, damage: (database: string) => void): string {
  cpSync(join(folder, 'sound'), join(folder, name), { recursive: true });
  damage(join(folder, name, 'ballast.db'));
  return name;
}

const newer = (path: string): void => {
  const database = new Database(path);
  database.exec("insert into kysely_migration values ('9999_future', '2030-01-01')");
  database.close();
};

describe('every command that opens a store says in one line what is wrong with it', () => {
  test.each<[string, (path: string) => void, number, RegExp]>([
    ['newer', newer, 2, /written by a newer Ballast .*Update Ballast, or choose another store/],
    ['random', (path) => writeFileSync(path, Buffer.alloc(8192, 7)), 3, /The store is damaged/],
    ['cut', (path) => truncateSync(path, statSync(path).size / 2), 3, /The store is damaged/],
  ])('%s', async (name, damage, exit, message) => {
    const store = damagedStore(name, damage);
    const before = existsSync(join(folder, store, 'experiments'));
    for (const command of [
      ['train', 'spec.yaml'],
      ['runs', 'list'],
      ['runs', 'show', runId],
      ['evaluate', runId, '--holdout'],
      ['evaluate', runId, '--data', 'customers.csv'],
      ['ledger', runId],
      ['data', 'check', 'spec.yaml'],
    ]) {
      const { code, stdout, stderr, json } = await ballast(folder, ...command, '--store', store, '--json');
      expect(code, command.join(' ')).toBe(exit);
      expect(stderr).toMatch(message);
      expect(stderr.trim().split('\n'), command.join(' ')).toHaveLength(1);
      expect(stdout.trim().split('\n')).toHaveLength(1);
      expect(json<{ error: { code: string } }>().error.code).toMatch(/^STORE_/);
    }
    expect(existsSync(join(folder, store, 'experiments'))).toBe(before);
  });

  test('a run without a model is not evaluated, and no read is counted', async () => {
    const store = damagedStore('unfinished', () => {});
    const opened = await openStore(join(folder, store));
    const { spec, manifest, environment } = await opened.getRun(runId);
    const begun = await opened.createRun({
      experiment: 'customers',
      name: 'model',
      kind: 'train',
      seed: 1,
      datasetName: null,
      dataVersion: null,
      regularizerId: null,
      spec,
      manifest,
      environment,
    });
    await opened.close();
    for (const command of [
      ['evaluate', begun, '--holdout'],
      ['evaluate', begun, '--data', 'customers.csv'],
      ['ledger', begun],
    ]) {
      const { code, stderr } = await ballast(folder, ...command, '--store', store);
      expect(code).toBe(2);
      expect(stderr).toMatch(/this run has no model: it is /);
    }
    const { holdoutReads } = (await ballast(folder, 'evaluate', runId, '--holdout', '--store', store, '--json')).json<{
      holdoutReads: number;
    }>();
    expect(holdoutReads).toBe(1);
  });

  test('a run whose stored model was changed is not evaluated', async () => {
    const store = damagedStore('changed', () => {});
    const { artifacts } = (await ballast(folder, 'runs', 'show', runId, '--store', store, '--json')).json<{
      artifacts: { path: string; sha256: string }[];
    }>();
    const { sha256 = '' } = artifacts.find(({ path }) => path === 'model.onnx') ?? {};
    const stored = join(folder, store, 'artifacts', 'sha256', sha256.slice(0, 2), sha256.slice(2, 4), sha256);
    truncateSync(stored, 100);
    const { code, stderr } = await ballast(folder, 'evaluate', runId, '--holdout', '--store', store);
    expect(code).toBe(3);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
