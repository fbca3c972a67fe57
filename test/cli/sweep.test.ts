import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openStore } from '../../src/store/index.js';
import { ballast, type CommandResult } from '../support/command.js';
import { customerSpec, writeCustomers, writeSpec } from '../support/small-data.js';
import type { SweepDocument } from '../support/sweep-document.js';
import type { TrainDocument } from '../support/train-document.js';

const SEARCH = {
  space: {
    'regularizers.weight-decay.strength': 'auto',
    'regularizers.dropout.include': { choice: [true, false] },
    'regularizers.dropout.strength': { low: 0.05, high: 0.5 },
    'model.hidden': { choice: [[4], [16, 8]] },
    'training.optimizer.learningRate': { low: 0.001, high: 0.1, scale: 'log' },
  },
};

describe('sweep', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-sweep-'));
    writeCustomers(folder, { search: SEARCH });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** Those that no trial will need again. */
  const checkpoints = (): string[] => {
    const path = join(folder, '.ballast', 'checkpoints');
    return existsSync(path) ? readdirSync(path) : [];
  };
  const sweep = (...options: string[]): Promise<CommandResult> =>
    ballast(folder, 'sweep', 'spec.yaml', '--workers', '1', '--json', ...options);

  test('searches strengths, techniques and capacity, and tells what the best is worth', async () => {
    const { code, stderr, json } = await sweep('--trials', '12');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/estimate {2}at most .* a trial; 12 trials on one worker/);
    const document = json<SweepDocument>();
    const { trials, best, importance } = document;
    expect(trials).toEqual({ complete: 12, pruned: 0, failed: 0 });
    expect(best.correctedMetric.value).toBeLessThanOrEqual(best.metric);
    expect(best.spec.regularizers.some(({ type }) => type === 'dropout')).toBe(
      best.values['regularizers.dropout.include'],
    );
    const total = Object.values(importance).reduce((sum, share) => sum + share, 0);
    expect(total).toBeCloseTo(1);
    const report = readFileSync(document.report, 'utf8');
    expect(report).toContain('corrected for the luck of the best');
    expect(report).toContain('training.optimizer.learningRate');
    expect(report).not.toMatch(/NaN|undefined/);

    // The recommended spec trains to the figure that the trial had.
    const trained = await ballast(folder, 'train', document.specFile, '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const model = trained.json<TrainDocument>().runs.find(({ role }) => role === 'model')!;
    expect(model.metrics.validation.accuracy.value).toBeCloseTo(best.metric, 12);

    // Every trial is a run, and nobody looked at the holdout.
    const listed = (await ballast(folder, 'runs', 'list', '--json')).json<{ runs: { kind: string }[] }>();
    expect(listed.runs.filter(({ kind }) => kind === 'trial')).toHaveLength(12);
    const store = await openStore(join(folder, '.ballast'));
    expect(await store.holdoutReads()).toEqual([]);
    await store.close();
  });

  test('says of how many the best is the best, wherever it goes', async () => {
    const { best, specFile } = (await sweep('--trials', '3')).json<SweepDocument>();
    // Trained by the spec of the best, it was chosen among as many.
    const trained = await ballast(folder, 'train', specFile, '--json');
    const model = trained.json<TrainDocument>().runs.find(({ role }) => role === 'model')!;
    const chosen = { from: 3, best: true, apparent: best.metric, corrected: best.correctedMetric };
    for (const run of [best.run, model.runId]) {
      expect((await ballast(folder, 'runs', 'show', run, '--json')).json()).toMatchObject({ chosen });
    }
    const registered = await ballast(folder, 'models', 'register', model.runId, 'customers', '--json');
    expect(registered.json()).toMatchObject({ tags: { 'ballast.chosenFrom': '3' } });
  });

  test('is the same sweep again under the same seed, whatever number of processes trains it', async () => {
    const of = async (store: string, workers: string) => {
      const random = { ...SEARCH, sampler: { type: 'random' } };
      writeSpec(folder, customerSpec({ search: random }));
      const { code, stderr, json } = await ballast(
        folder,
        ...['sweep', 'spec.yaml', '--json', '--trials', '5', '--workers', workers, '--store', store],
      );
      expect(code, stderr).toBe(0);
      const { best } = json<SweepDocument>();
      return [best.trial, best.values, best.metric, best.correctedMetric];
    };
    expect(await of('first', '1')).toEqual(await of('second', '2'));
  });

  test('goes on with more trials, and shows where it stands', async () => {
    const { json } = await sweep('--trials', '3');
    const { sweepId } = json<SweepDocument>();
    const more = await ballast(
      folder,
      'sweeps',
      'resume',
      sweepId.slice(0, 6),
      '--trials',
      '5',
      '--workers',
      '1',
      '--json',
    );
    expect(more.code, more.stderr).toBe(0);
    expect(more.json<SweepDocument>().trials.complete).toBe(5);
    const status = (await ballast(folder, 'sweeps', 'status', 'latest', '--json')).json();
    expect(status).toMatchObject({ sweepId, state: 'finished', wanted: 5, trials: { complete: 5, open: 0 } });
    expect((await ballast(folder, 'sweeps', 'list')).stdout).toMatch(/finished\s+5 of 5/);
    expect((await ballast(folder, 'sweeps', 'stop', sweepId)).stdout).toMatch(/is finished already/);
  });

  test('searches the strengths that the spec declares where it says nothing else', async () => {
    writeSpec(folder, customerSpec());
    const { code, json } = await sweep('--trials', '2');
    expect(code).toBe(0);
    expect(Object.keys(json<SweepDocument>().best.values)).toEqual([
      'regularizers.weight-decay.strength',
      'regularizers.dropout.strength',
    ]);
  });

  test('gives the front between several objectives', async () => {
    writeSpec(folder, customerSpec({ search: { ...SEARCH, objectives: ['parameters'] } }));
    const { code, stderr, json } = await sweep('--trials', '6');
    expect(code, stderr).toBe(0);
    const { front = [] } = json<SweepDocument>();
    expect(front.length).toBeGreaterThan(0);
    for (const a of front) {
      for (const b of front) {
        const better =
          b.objectives.accuracy > a.objectives.accuracy && b.objectives.parameters < a.objectives.parameters;
        expect(better).toBe(false);
      }
    }
  });

  test('judges a trial on several folds and seeds', async () => {
    writeSpec(
      folder,
      customerSpec({
        search: {},
        training: { epochs: 2, repeats: 2, crossValidation: { folds: 3 }, optimizer: { type: 'adamw' } },
      }),
    );
    const { code, stderr, json } = await sweep('--trials', '2');
    expect(code, stderr).toBe(0);
    const { best, sweepId } = json<SweepDocument>();
    expect(best.correctedMetric.interval[0]).toBeLessThan(best.correctedMetric.value);
    const store = await openStore(join(folder, '.ballast'));
    const [{ outcome, runId }] = await store.listTrials(sweepId);
    const { units } = outcome as { units: { fold: number; seed: number }[] };
    expect(units.map(({ seed, fold }) => [seed, fold])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [2, 1],
      [2, 2],
      [2, 3],
    ]);
    expect(
      (await store.listArtifacts(runId!)).filter(({ path }) => path.startsWith('validation-outputs')),
    ).toHaveLength(6);
    await store.close();
    expect(checkpoints()).toEqual([]);
  });

  test('begins with what is known: the spec as it stands, ordinary strengths, what earlier sweeps found', async () => {
    const points = async (id: string) => {
      const store = await openStore(join(folder, '.ballast'));
      const trials = await store.listTrials(id);
      await store.close();
      return trials.map(({ point }) => point['regularizers.weight-decay.strength']);
    };
    writeSpec(folder, customerSpec({ search: { space: { 'regularizers.weight-decay.strength': 'auto' } } }));
    const first = (await sweep('--trials', '6')).json<SweepDocument>();
    expect((await points(first.sweepId))[0]).toBe(0.01);
    type Learned = {
      setting: unknown;
      values: Record<string, { value: number; sweeps: number }>;
      evidence: { trials: number; gained: number }[];
    };
    const recipes = async (): Promise<Learned[]> =>
      (await ballast(folder, 'recipes', '--json')).json<{ learned: Learned[] }>().learned;
    const [{ values, evidence }] = await recipes();
    // What gained nothing over the spec as it stood is no evidence for other strengths.
    const found = values['regularizers.weight-decay.strength'].value;
    const [{ gained }] = evidence;
    expect(found).toBe(gained > 0 ? first.best.values['regularizers.weight-decay.strength'] : 0.01);
    const second = (await sweep('--trials', '3')).json<SweepDocument>();
    const known = await points(second.sweepId);
    // What the catalogue takes for ordinary is what stands in the spec: one trial, not two.
    expect(known[0]).toBe(0.01);
    expect(known).toContain(found);

    const learned = await recipes();
    expect(learned[0].setting).toEqual({ task: 'classification', model: 'mlp', rows: 'below 1,000' });
    expect(learned[0].values['regularizers.weight-decay.strength'].sweeps).toBe(2);
    expect(learned[0].evidence.map(({ trials }) => trials).sort()).toEqual([3, 6]);
    expect((await ballast(folder, 'recipes')).stdout).toMatch(/over the spec as it stood/);
    const init = await ballast(folder, 'init', 'simple-penalty', 'learned', '--learned');
    expect(init.code, init.stderr).toBe(0);
    expect(readFileSync(join(folder, 'learned', 'spec.yaml'), 'utf8')).toMatch(/^# Learned from 2 sweeps of mlp/);
    const nothing = await ballast(folder, 'init', 'digits', 'other', '--learned');
    expect([nothing.code, nothing.stderr]).toEqual([2, expect.stringMatching(/no sweep of this store was over a cnn/)]);
  });

  test.each(['median', 'asha', 'hyperband'])(
    'ends what is not worth it by %s, and records it as pruned',
    async (type) => {
      const training = { epochs: 9, batchSize: 32, optimizer: { type: 'adamw', learningRate: 0.01 } };
      const space = { 'training.optimizer.learningRate': { low: 1e-5, high: 0.1, scale: 'log' } };
      const pruner = type === 'median' ? { type, startUp: 3 } : { type };
      writeSpec(folder, customerSpec({ training, search: { space, pruner, sampler: { type: 'random' } } }));
      const { code, stderr, json } = await sweep('--trials', '14');
      expect(code, stderr).toBe(0);
      const { trials, sweepId, best } = json<SweepDocument>();
      expect(trials.pruned).toBeGreaterThan(2);
      expect(trials.complete + trials.pruned).toBe(14);
      const store = await openStore(join(folder, '.ballast'));
      const stored = await store.listTrials(sweepId);
      await store.close();
      for (const { state, outcome, number } of stored) {
        const { reports } = outcome as { reports: unknown[] };
        if (state === 'pruned') expect(reports.length).toBeLessThan(9);
        else expect(reports).toHaveLength(9);
        if (number === best.trial) expect(state).toBe('complete');
      }
      expect(checkpoints()).toEqual([]);
    },
  );

  test('stops at its budget, and refuses one that no trial fits into', async () => {
    writeSpec(
      folder,
      customerSpec({ search: {}, training: { epochs: 30, batchSize: 32, optimizer: { type: 'adamw' } } }),
    );
    const { code, stderr, json } = await sweep('--trials', '10000', '--budget', '6s');
    expect(code, stderr).toBe(0);
    const { end, seconds } = json<SweepDocument>();
    expect(end).toBe('budget');
    expect(seconds).toBeLessThan(20);
    const refused = await sweep('--max-cost', '0.000001', '--price-per-hour', '1');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/more than the whole budget/);
    expect((await sweep('--max-cost', '3')).stderr).toMatch(/nothing without a price/);
  });

  test.each([
    ['a key that is not there', { 'training.nothing.at': { low: 0, high: 1 } }, /search\.space\.training\.nothing\.at/],
    [
      'a value that the spec refuses',
      { 'training.epochs': { low: 0, high: 3, type: 'int' } },
      /search\.space\.training\.epochs/,
    ],
    ['a regularizer that is not declared', { 'regularizers.mixup.strength': 'auto' }, /declares no regularizer mixup/],
    [
      'a strength beyond its limit',
      { 'regularizers.dropout.strength': { low: 0, high: 1 } },
      /search\.space\.regularizers\.dropout/,
    ],
    ['a range of nothing known', { 'training.optimizer.learningRate': 'auto' }, /only the strength of a regularizer/],
    ['an empty space', {}, /nothing to search/],
    [
      'a condition on a range',
      { 'training.epochs': { low: 1, high: 3, type: 'int', when: { 'model.hidden': 3 } } },
      /no choice of this space/,
    ],
  ])('refuses %s at once', async (_, space, message) => {
    writeSpec(folder, customerSpec({ search: { space } }));
    const { code, stderr } = await sweep();
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect((await ballast(folder, 'sweeps', 'list', '--json')).stdout).toBe('{"sweeps":[]}\n');
  });

  test('keeps trials that fail apart, and gives up where all of them do', async () => {
    // Without a column of domains there is nothing for it to act on: known only when the model is compiled.
    writeSpec(
      folder,
      customerSpec({
        regularizers: [{ type: 'dropout' }, { type: 'coral', strength: 1 }],
        search: { space: { 'regularizers.coral.include': 'auto', 'regularizers.dropout.strength': 'auto' } },
      }),
    );
    const some = await sweep('--trials', '12');
    expect(some.code, some.stderr).toBe(0);
    const { trials } = some.json<SweepDocument>();
    expect(trials.failed).toBeGreaterThan(0);
    expect(trials.complete + trials.failed).toBe(12);
    writeSpec(
      folder,
      customerSpec({
        regularizers: [{ type: 'dropout' }, { type: 'coral', strength: 1 }],
        search: { space: { 'regularizers.dropout.strength': 'auto' } },
      }),
    );
    const none = await sweep('--trials', '12');
    expect(none.code).toBe(2);
  });
});
