import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readSpec } from '../../../src/spec/read.js';
import { openStore, type Store } from '../../../src/store/index.js';
import { openDefinition, type SweepDefinition } from '../../../src/tuning/sweep/definition.js';
import type { Executor, Judge } from '../../../src/tuning/sweep/executor.js';
import type { TrialOutcome } from '../../../src/tuning/sweep/outcome.js';
import { customerSpec, writeCustomers } from '../../support/small-data.js';

/** What the contract hands to whoever makes an executor. */
export interface ExecutorSetting {
  readonly store: Store;
  readonly storeUrl: string;
  readonly sweepId: string;
  readonly folder: string;
  readonly judge: Judge;
}

export interface ExecutorPlace {
  readonly storeUrl: string;
  /** Makes the executor; whatever workers it needs are running when this resolves. */
  readonly create: (setting: ExecutorSetting) => Promise<Executor>;
  /** Whether pruning is decided by the judge that is given, or by the workers themselves out of the records. */
  readonly judges: boolean;
}

const SPEC = customerSpec({
  training: { epochs: 6, batchSize: 16, checkpointSeconds: 0, optimizer: { type: 'adamw', learningRate: 0.01 } },
  search: { sampler: { type: 'random' } },
});
const STRENGTH = 'regularizers.weight-decay.strength';

/**
 * What every executor must do alike: each trial once, with the figures that it has anywhere else; given back with a
 * checkpoint when it is interrupted, and gone on with to the same end.
 */
export function executorContract(name: string, open: (folder: string) => Promise<ExecutorPlace>): void {
  describe(`executor: ${name}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-executor-'));
    let place: ExecutorPlace;
    let store: Store;
    let definition: SweepDefinition;

    beforeAll(async () => {
      writeCustomers(folder, SPEC);
      place = await open(folder);
      store = await openStore(place.storeUrl);
      const { spec, baseDirectory } = await readSpec(join(folder, 'spec.yaml'));
      definition = {
        spec,
        baseDirectory,
        dataVersion: '',
        trials: 4,
        objectives: [{ name: 'logLoss', direction: 'lower' }],
        constraints: [],
        ballastVersion: '0',
      };
    });
    afterAll(async () => {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function begin(
      judge: Judge = () => 'go-on',
      changed = definition,
    ): Promise<{ id: string; executor: Executor }> {
      const id = randomBytes(8).toString('hex');
      await store.createSweep({ id, name: 'customers', definition: changed });
      const points = [0.001, 0.01, 0.1, 0.5];
      openDefinition(changed);
      await store.addTrials(
        id,
        points.map((strength, number) => ({
          number,
          point: { [STRENGTH]: strength, 'regularizers.dropout.strength': 0.1 },
          tag: undefined,
        })),
      );
      const executor = await place.create({ store, storeUrl: place.storeUrl, sweepId: id, folder, judge });
      return { id, executor };
    }

    /** All trials, as many at once as there is room for. */
    async function all(executor: Executor): Promise<void> {
      const left = [0, 1, 2, 3];
      const worker = async (): Promise<void> => {
        for (let number = left.shift(); number !== undefined; number = left.shift()) await executor.run(number);
      };
      await Promise.all(Array.from({ length: executor.slots }, worker));
    }

    const losses = async (id: string) =>
      (await store.listTrials(id)).map(({ outcome }) => (outcome as TrialOutcome | undefined)?.losses);

    let whole: (readonly number[] | undefined)[];

    test('trains every trial once, each a run of the store', async () => {
      const { id, executor } = await begin();
      await all(executor);
      await executor.close();
      const trials = await store.listTrials(id);
      expect(trials.map(({ state, attempt }) => [state, attempt])).toEqual(Array(4).fill(['complete', 1]));
      // A trial is done once and for all before its run says so.
      await vi.waitFor(
        async () => {
          const runs = await store.listRuns({ groupId: id });
          expect(runs.map(({ status, kind }) => [status, kind])).toEqual(Array(4).fill(['finished', 'trial']));
        },
        { timeout: 60_000 },
      );
      whole = await losses(id);
      expect(new Set(whole.map(String)).size).toBe(4);
    });

    test('has the figures of any other executor', async () => {
      // Of this machine, by this seed: what training is held to is that its bytes do not depend on where it runs.
      const { id, executor } = await begin();
      await all(executor);
      await executor.close();
      expect(await losses(id)).toEqual(whole);
    });

    test('gives trials back where it is interrupted, and goes on to the same end', async () => {
      const long = {
        ...definition,
        spec: { ...definition.spec, training: { ...definition.spec.training, epochs: 90 } },
      };
      const { id, executor } = await begin(undefined, long);
      const running = executor.run(0);
      const started = async (): Promise<boolean> => (await store.listTrials(id))[0].runId !== undefined;
      while (!(await started())) await new Promise((resolve) => setTimeout(resolve, 20));
      executor.interrupt();
      expect((await running).state).toBe('queued');
      await executor.close();
      const [given] = await store.listTrials(id);
      expect(given.state).toBe('queued');

      await store.updateSweep(id, { state: 'stopped' });
      await store.takeSweep(id);
      const again = await place.create({ store, storeUrl: place.storeUrl, sweepId: id, folder, judge: () => 'go-on' });
      expect((await again.run(0)).state).toBe('complete');
      await again.close();
      const { id: other, executor: undisturbed } = await begin(undefined, long);
      expect((await undisturbed.run(0)).state).toBe('complete');
      await undisturbed.close();
      expect((await losses(id))[0]).toEqual((await losses(other))[0]);
      const [trial] = await store.listTrials(id);
      expect(trial.attempt).toBeGreaterThan(1);
      const history = await store.metricHistory(trial.runId!, 'trainLoss');
      expect(history.map(({ step }) => step)).toEqual(Array.from({ length: 90 }, (_, i) => i + 1));
    });

    test('ends a trial at once that is not worth it', async () => {
      const pruner = { ...definition.spec.search!, pruner: { type: 'median' as const, startUp: 1, warmUp: 0 } };
      const pruning = { ...definition, spec: { ...definition.spec, search: pruner } };
      const asked: number[] = [];
      const { id, executor } = await begin((number) => {
        asked.push(number);
        return number === 3 ? 'prune' : 'go-on';
      }, pruning);
      for (const number of place.judges ? [0, 3] : [0, 1, 2, 3]) await executor.run(number);
      await executor.close();
      const trials = (await store.listTrials(id)).filter(({ state }) => state === 'pruned');
      expect(trials.length).toBeGreaterThan(0);
      for (const { outcome, runId } of trials) {
        expect((outcome as TrialOutcome).reports.length).toBeLessThan(6);
        await vi.waitFor(async () => expect((await store.getRun(runId!)).status).toBe('cancelled'), {
          timeout: 60_000,
        });
      }
      if (place.judges) expect(asked.filter((number) => number === 3)).toHaveLength(1);
    });

    test('says why a trial failed, and does the others', async () => {
      const { id, executor } = await begin();
      await store.addTrials(id, [
        { number: 4, point: { [STRENGTH]: -1, 'regularizers.dropout.strength': 0.1 }, tag: undefined },
      ]);
      const failed = await executor.run(4);
      expect(failed).toMatchObject({ state: 'failed', outcome: { error: { code: 'SPEC_INVALID' } } });
      expect((await executor.run(0)).state).toBe('complete');
      await executor.close();
    });
  });
}
