import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { customerSpec, writeCustomers } from '../../../test/support/small-data.js';
import { BallastError } from '../../errors.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import { readSpec } from '../../spec/read.js';
import { openStore, type Store } from '../../store/index.js';
import { openDefinition, type SweepDefinition } from './definition.js';
import { inlineExecutor } from './inline-executor.js';
import { reachForTrial } from './trial-claim.js';

const SWEEP = '0123456789abcdef';

/** A store that does what it is told, and whose answer is lost the first time that a method is called. */
function losingAnswers(store: Store, methods: readonly (keyof Store)[]): Store {
  const lost = new Set(methods);
  return new Proxy(store, {
    get(target, name: keyof Store) {
      const value: unknown = Reflect.get(target, name);
      if (!lost.has(name) || typeof value !== 'function') return value;
      return async (...given: readonly unknown[]) => {
        const answer: unknown = await Reflect.apply(value, target, given);
        if (!lost.delete(name)) return answer;
        throw new BallastError('the connection ended', { code: 'STORE_UNREACHABLE', kind: 'environment' });
      };
    },
  });
}

describe('a trial', () => {
  let folder: string;
  let store: Store;
  let definition: SweepDefinition;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-claim-'));
    const training = { epochs: 3, batchSize: 64, checkpointSeconds: 0 };
    writeCustomers(folder, customerSpec({ training, search: { sampler: { type: 'random' } } }));
    store = await openStore(join(folder, 'store'));
    const { spec, baseDirectory } = await readSpec(join(folder, 'spec.yaml'));
    definition = {
      ...{ spec, baseDirectory, dataVersion: '', trials: 1, constraints: [], ballastVersion: '0' },
      objectives: [{ name: 'logLoss', direction: 'lower' }],
    };
    await store.createSweep({ id: SWEEP, name: 'claim', definition });
    const point = { 'regularizers.weight-decay.strength': 0.01, 'regularizers.dropout.strength': 0.1 };
    await store.addTrials(SWEEP, [{ number: 0, point, tag: undefined }]);
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test.each([
    ['endTrial'],
    ['finishRun'],
    ['setTags'],
    ['logMetrics'],
    ['trialAtWork'],
    ['claimTrial'],
    ['putArtifact'],
    ['getRun'],
  ] as const)('ends once, its run with it, where the answer to %s is lost', async (method) => {
    const runtime = await openRuntime();
    const options = { store: losingAnswers(store, [method]), runtime, workFolder: folder, sweepId: SWEEP };
    const executor = inlineExecutor({ ...options, sweep: openDefinition(definition) }, () => 'go-on');
    expect(await executor.run(0)).toMatchObject({ state: 'complete' });
    const [trial] = await store.listTrials(SWEEP);
    expect(trial.state).toBe('complete');
    const runs = await store.listRuns({ groupId: SWEEP });
    expect(runs.map(({ id, status }) => [id, status])).toEqual([[trial.runId, 'finished']]);
    const history = await store.metricHistory(runs[0].id, 'trainLoss');
    expect(history.map(({ step }) => step)).toEqual([1, 2, 3]);
    expect(await store.metricHistory(runs[0].id, 'final.gap')).toHaveLength(1);
  });

  test('that killed three workers without getting further fails, and says so', async () => {
    const lose = () => store.claimTrial(SWEEP, 0, { worker: 'host:7', silentMs: 0 });
    for (let i = 0; i < 3; i++) await lose();
    const reached = await reachForTrial(store, { sweepId: SWEEP, number: 0, silentMs: 0 });
    expect(reached).toMatchObject({ end: { state: 'failed', outcome: { error: { code: 'TRIAL_KILLS_WORKER' } } } });
    expect((await store.listTrials(SWEEP))[0].state).toBe('failed');
    // Whoever reaches for it later is told the same.
    const again = await reachForTrial(store, { sweepId: SWEEP, number: 0, silentMs: 0 });
    expect(again).toMatchObject({ end: { state: 'failed' } });
  });

  test('that was lost but gets further each time is not failed', async () => {
    const reports = (count: number) => Array.from({ length: count }, (_, i) => ({ step: i + 1, losses: [1] }));
    const seen = (count: number) => ({ units: [], reports: reports(count) });
    const first = (await store.claimTrial(SWEEP, 0, { worker: 'a', silentMs: 0 }))!;
    await store.trialAtWork(first, { progress: seen(1) });
    await store.claimTrial(SWEEP, 0, { worker: 'a', silentMs: 0 });
    const runtime = await openRuntime();
    const options = { store, runtime, workFolder: folder, sweepId: SWEEP, sweep: openDefinition(definition) };
    const executor = inlineExecutor(options, () => 'go-on');
    expect((await executor.run(0)).state).toBe('complete');
    expect((await store.listTrials(SWEEP))[0].lost).toBe(0);
  });
});
