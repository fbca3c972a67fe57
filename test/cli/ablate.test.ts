import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { customerSpec, writeCustomers, writeSpec } from '../support/small-data.js';

interface Ablation {
  readonly regularizer: string;
  readonly score: { readonly difference: { readonly value: number; readonly interval: [number, number] } };
  readonly verdict: string;
}

interface AblationDocument {
  readonly runs: readonly { readonly role: string; readonly runId: string; readonly without?: string }[];
  readonly ablations: readonly Ablation[];
  readonly report: string;
}

describe('train --ablate', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-ablate-'));
    writeCustomers(folder);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('trains without each regularizer and tells what each is worth; its runs can be reproduced', async () => {
    writeSpec(
      folder,
      customerSpec({
        regularizers: [
          { type: 'weight-decay', strength: 0.1 },
          { type: 'dropout', strength: 0.2 },
          { type: 'input-noise', strength: 3 },
        ],
      }),
    );
    const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--ablate', '--json');
    expect(code, stderr).toBe(0);
    const { runs, ablations, report } = json<AblationDocument>();
    expect(runs.map(({ role }) => role)).toEqual(['baseline', 'model', 'ablation', 'ablation', 'ablation']);
    expect(runs.slice(2).map(({ without }) => without)).toEqual(['weight-decay', 'dropout', 'input-noise']);
    expect(ablations.map(({ regularizer }) => regularizer)).toEqual(['weight-decay', 'dropout', 'input-noise']);
    for (const { score } of ablations) {
      const { value, interval } = score.difference;
      expect(interval[0]).toBeLessThanOrEqual(value);
      expect(interval[1]).toBeGreaterThanOrEqual(value);
    }
    expect(readFileSync(report, 'utf8')).toContain('What each regularizer is worth');
    const again = await ballast(folder, 'runs', 'reproduce', runs[3].runId, '--json');
    expect(again.json<{ identical: boolean }>().identical).toBe(true);
  });

  test('takes the baseline for the model without its only regularizer', async () => {
    writeSpec(folder, customerSpec({ regularizers: [{ type: 'dropout', strength: 0.2 }] }));
    const { code, json } = await ballast(folder, 'train', 'spec.yaml', '--ablate', '--json');
    expect(code).toBe(0);
    expect(json<AblationDocument>().runs).toHaveLength(2);
    expect(json<AblationDocument>().ablations).toHaveLength(1);
  });

  test('refuses a spec without regularizers', async () => {
    writeSpec(folder, customerSpec({ regularizers: [] }));
    const { code, json } = await ballast(folder, 'train', 'spec.yaml', '--ablate', '--json');
    expect(code).toBe(2);
    expect(json<{ error: { code: string } }>().error.code).toBe('SPEC_NOTHING_TO_ABLATE');
  });
});
