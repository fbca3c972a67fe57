import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { customerSpec, writeCustomers, writeSpec } from '../support/small-data.js';
import type { SweepDocument } from '../support/sweep-document.js';

interface Look {
  readonly complete: number;
  readonly trial: number;
  readonly left: number;
  readonly noise: number;
  readonly noiseFrom: string;
  readonly enough: boolean;
}

type StoppedDocument = SweepDocument & { readonly stop?: Look };

/** Of so little difference that every trial answers alike. */
const FLAT = { space: { 'regularizers.weight-decay.strength': { low: 1e-6, high: 1e-5 } }, trials: 16 };

describe('a sweep that ends when what is left to gain is less than the noise', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-sweep-stop-'));
    writeCustomers(folder, { search: FLAT });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('says by which figures, keeps them, and goes on all the same when told to', async () => {
    writeSpec(folder, customerSpec({ search: { ...FLAT, stop: { type: 'noise', after: 10 } } }));
    const ended = await ballast(folder, 'sweep', 'spec.yaml', '--workers', '1', '--json');
    expect(ended.code, ended.stderr).toBe(0);
    const document = ended.json<StoppedDocument>();
    expect(document.end).toBe('noise');
    expect(document.trials.complete).toBe(10);
    expect(document.stop).toMatchObject({ complete: 10, noiseFrom: 'rows', enough: true });
    expect(document.stop!.left).toBeLessThan(document.stop!.noise);
    expect(ended.stderr).toMatch(/left to gain at most \S+, standard error of the best \(trial \d+\) \S+ by its rows/);
    expect(readFileSync(document.report, 'utf8')).toContain('More trials would choose among chances');
    const status = await ballast(folder, 'sweeps', 'status', 'latest', '--json');
    expect(status.json<{ state: string; result: StoppedDocument }>()).toMatchObject({
      state: 'finished',
      result: { end: 'noise', stop: document.stop },
    });

    const on = await ballast(
      folder,
      ...['sweeps', 'resume', 'latest', '--workers', '1', '--json', '--trials', '11', '--stop-when', 'never'],
    );
    expect(on.code, on.stderr).toBe(0);
    expect(on.json<StoppedDocument>()).toMatchObject({ end: 'trials', trials: { complete: 11 } });
    expect(on.json<StoppedDocument>().stop).toBeUndefined();
  });

  test('takes the noise of folds from the folds', async () => {
    writeSpec(
      folder,
      customerSpec({
        search: { ...FLAT, stop: { type: 'noise', after: 10 } },
        training: { epochs: 1, batchSize: 64, crossValidation: { folds: 2 } },
      }),
    );
    const { code, stderr, json } = await ballast(folder, 'sweep', 'spec.yaml', '--workers', '2', '--json');
    expect(code, stderr).toBe(0);
    expect(json<StoppedDocument>().stop?.noiseFrom).toBe('folds');
  });

  test('refuses several objectives, of which none is the best, and names that are none', async () => {
    writeSpec(folder, customerSpec({ search: { ...FLAT, objectives: ['parameters'] } }));
    const several = await ballast(folder, 'sweep', 'spec.yaml', '--stop-when', 'noise');
    expect(several.code).toBe(2);
    expect(several.stderr).toMatch(/search\.stop: with several objectives there is no one best/);
    const unknown = await ballast(folder, 'sweep', 'spec.yaml', '--stop-when', 'luck');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/Allowed choices are noise, never/);
  });
});
