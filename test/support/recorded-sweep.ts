import { parseSpec } from '../../src/spec/read.js';
import type { Store } from '../../src/store/index.js';
import type { SweepDefinition } from '../../src/tuning/sweep/definition.js';
import type { TrialOutcome } from '../../src/tuning/sweep/outcome.js';
import type { BestTrial, SweepResult } from '../../src/tuning/sweep/result.js';

const SPEC = `
name: customers
data: { source: customers.csv, target: plan }
task: classification
model: { type: mlp, hidden: [4] }
training: { epochs: 6 }
regularizers:
  - { type: weight-decay, strength: 0.01 }
  - { type: dropout, strength: 0.2 }
search:
  space:
    regularizers.weight-decay.strength: auto
    regularizers.dropout.include: { choice: [true, false] }
    regularizers.dropout.strength: { low: 0.05, high: 0.5 }
    model.hidden: { choice: [[4], [16, 8]] }
  objectives: [parameters]
`;

/** A sweep at work by its record: so many complete trials, one pruned, one failed, one that a worker has begun. */
export async function recordSweep(store: Store, id: string, complete: number): Promise<void> {
  const { spec, baseDirectory } = parseSpec(SPEC, { path: 'spec.yaml', baseDirectory: '/data' });
  const definition: SweepDefinition = {
    ...{ spec, baseDirectory, dataVersion: 'sha256:0', trials: complete + 10, constraints: [], ballastVersion: '0' },
    objectives: [
      { name: 'accuracy', direction: 'higher' },
      { name: 'parameters', direction: 'lower' },
    ],
  };
  await store.createSweep({ id, name: spec.name, definition });
  const points = Array.from({ length: complete + 3 }, (_, i) => pointOf(i));
  await store.addTrials(
    id,
    points.map((point, number) => ({ number, point, tag: undefined })),
  );
  for (const [number, point] of points.entries()) {
    if (number < complete) await endTrial(store, id, number, point);
    else if (number < complete + 2) {
      const claim = (await store.claimTrial(id, number, { worker: 'tester', silentMs: 60_000 }))!;
      const none = { reports: [{ step: 2, losses: [-0.4, 40] }], units: [], seconds: 0.2 };
      if (number === complete) await store.endTrial(claim, 'pruned', none);
      else {
        const error = { code: 'SPEC_INVALID', message: 'these do not go together' };
        await store.endTrial(claim, 'failed', { ...none, error });
      }
    } else {
      const claim = (await store.claimTrial(id, number, { worker: 'tester', silentMs: 60_000 }))!;
      await store.trialAtWork(claim, { progress: { reports: [{ step: 3, losses: [-0.5, 40] }], units: [] } });
    }
  }
  const figure = (value: number) => ({ value, interval: [value - 0.05, value + 0.05] as const, method: 'bootstrap' });
  const best: BestTrial = {
    ...{ trial: 4, run: undefined, values: { 'model.hidden': [4] }, objective: 'accuracy', metric: 0.875 },
    ...{ interval: [0.825, 0.925], correctedMetric: figure(0.8512), figures: {}, spec, tied: 2 },
  };
  const result: SweepResult = {
    ...{ sweepId: id, end: 'at-work', best, front: [], importance: {}, seconds: 12 },
    trials: { complete, pruned: 1, failed: 1 },
  };
  await store.updateSweep(id, { seconds: 12, result });
}

/** Ends a trial that nobody has, as complete. */
export async function endTrial(store: Store, id: string, number: number, point = pointOf(number)): Promise<void> {
  const claim = (await store.claimTrial(id, number, { worker: 'tester', silentMs: 0 }))!;
  const [accuracy, parameters] = [0.8 + 0.01 * (number % 7), point['model.hidden'] === 0 ? 40 : 220];
  const outcome: TrialOutcome = {
    ...{ losses: [-accuracy, parameters], violations: [], reports: [], units: [] },
    ...{ figures: { accuracy, parameters }, seconds: 0.5 },
  };
  await store.endTrial(claim, 'complete', outcome);
}

function pointOf(i: number): Record<string, number> {
  const include = i % 3 === 0 ? 1 : 0;
  return {
    'regularizers.weight-decay.strength': 10 ** -((i % 5) + 1),
    'regularizers.dropout.include': include,
    ...(include === 0 ? { 'regularizers.dropout.strength': 0.05 + 0.01 * (i % 40) } : {}),
    'model.hidden': i % 2,
  };
}
