import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

interface LedgerDocument {
  readonly stages: readonly { stage: string; from: string | null; delta: number | null; deltaMethod: string | null }[];
  readonly error?: { code: string };
}

describe('ballast ledger', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-ledger-'));
    writeCustomers(folder, {
      training: { epochs: 20, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('goes on to stress and to the calibrated model, whose losses are paired', async () => {
    const { runs } = (await ballast(folder, 'train', 'spec.yaml', '--json')).json<TrainDocument>();
    const { runId, model } = runs[1];
    const ledger = async (...words: string[]): Promise<LedgerDocument> =>
      (await ballast(folder, 'ledger', ...words, '--json')).json<LedgerDocument>();
    const names = async (...words: string[]): Promise<string[]> =>
      (await ledger(...words)).stages.map(({ stage }) => stage);
    expect(await names(runId)).toEqual(['train', 'validation']);
    expect((await ballast(folder, 'calibrate', runId, '--json')).code).toBe(0);
    // Not judged yet: only a read of the holdout judges it.
    expect(await names(runId)).toEqual(['train', 'validation']);
    const evaluated = await ballast(folder, 'evaluate', runId, '--holdout', '--stress', '--json');
    expect(evaluated.code, evaluated.stderr).toBe(0);
    const { stages } = await ledger(runId);
    expect(stages.map(({ stage, from }) => [stage, from])).toEqual([
      ['train', null],
      ['validation', 'train'],
      ['holdout', 'validation'],
      ['stress', 'holdout'],
      ['calibrated', 'holdout'],
    ]);
    expect(stages[3].delta).toBeGreaterThan(0);
    expect(stages[4].deltaMethod).toMatch(/paired|Bonett/);
    expect(await names(model, '--metric', 'recall', '--class', 'basic')).toContain('calibrated');
    const plotted = await ballast(folder, 'ledger', runId, '--slice', 'sex=f', '--plot', 'ledger.svg');
    expect(plotted.code, plotted.stderr).toBe(0);
    expect(existsSync(join(folder, 'ledger.svg'))).toBe(true);
    const against = await ballast(folder, 'ledger', runId, '--against', runs[0].runId, '--json');
    const { against: compared } = against.json<{ against: { stages: { stage: string }[]; origin: string | null } }>();
    expect(compared.stages.map(({ stage }) => stage)).toEqual(['validation']);
    // Calibrated again: the figures of the earlier one are not of this one.
    await ballast(folder, 'calibrate', runId, '--method', 'isotonic', '--json');
    expect(await names(runId)).toEqual(['train', 'validation', 'holdout', 'stress']);
    expect((await ledger(runId, '--slice', 'sex=x')).error?.code).toBe('LEDGER_EMPTY');
    expect((await ledger(runId, '--slice', 'sex=f', '--class', 'basic')).error?.code).toBe('USAGE');
  });
});
