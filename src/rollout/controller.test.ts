import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerVersions } from '../../test/support/registered-versions.js';
import { type Behaviour, Simulation } from '../../test/support/simulated-traffic.js';
import { openStore, type Store } from '../store/index.js';
import { beginRollout } from './begin.js';
import { advanceRollout, commandRollout, type Rollout } from './controller.js';
import { rolloutDocument, rolloutSuccess } from './document.js';

const START = Date.UTC(2026, 4, 1);

/** Steps that are over in a few minutes of simulated time. */
const QUICK = {
  steps: [
    { weight: 0, watch: '20s', atMost: '5m', samples: 300, labels: 200 },
    { weight: 0.2, watch: '20s', atMost: '10m', samples: 300, labels: 200 },
    { weight: 1, watch: '20s', atMost: '5m', samples: 300, labels: 200 },
  ],
  slis: [
    { type: 'error', allowed: 0.05 },
    { type: 'failures', allowed: 0.03 },
    { type: 'latency' },
    { type: 'calibration', allowed: 0.1 },
    { type: 'answers' },
  ],
};

describe('the controller', () => {
  let store: Store;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-rollout-'));
    store = await openStore(folder, { actor: 'tester' });
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Simulates a rollout, the controller taking its looks beside the traffic. */
  async function rollOut(model: string, behaviour: Behaviour, options: object = QUICK): Promise<Rollout> {
    await registerVersions(store, model, 2);
    const simulation = new Simulation({
      ...{ model, seed: 1, rate: 40, labels: { share: 0.9, delayMs: 3000 } },
      baseline: { version: '1', behaviour: {} },
      candidate: { version: '2', behaviour },
    });
    const seconds = async (from: number, to: number, weight: number, shadow: boolean): Promise<void> => {
      const made = Array.from({ length: to - from }, (_, i) =>
        simulation.second(START + 1000 * (from + i), weight, shadow),
      );
      const observations = made.flatMap((each) => each.observations);
      await store.recordObservations({ id: `${model} ${from}`, observations, windows: [], sketches: [] });
      await store.ingestLabels(made.flatMap(({ labels }) => labels));
    };
    await seconds(-10, 0, 0, false);
    let rollout = await beginRollout(store, {
      ...{ model, candidate: '2', now: START, by: 'tester' },
      options: { ...options } as Record<string, unknown>,
    });
    for (let second = 0; second < 400; second += 5) {
      const shares = (await store.getTraffic(model))?.shares ?? [];
      const share = shares.find(({ version }) => version === 2);
      const shadow = share?.role === 'shadow';
      await seconds(second, second + 5, shadow ? 0 : (share?.weight ?? 0), shadow);
      rollout = await advanceRollout(store, rollout.id, START + 1000 * (second + 7));
      if (rollout.closedAt !== undefined || rollout.state.phase === 'complete') break;
    }
    return rollout;
  }

  test('promotes a candidate that is as good, step by step, each decision with its evidence', async () => {
    const rollout = await rollOut('good', {});
    const decisions = await store.rolloutDecisions(rollout.id);
    expect(decisions.map(({ kind }) => kind)).toEqual(['start', 'promote', 'promote', 'complete']);
    expect((await store.getTraffic('good'))?.shares).toEqual([{ version: 2, role: 'live', weight: 1 }]);
    const { slis } = decisions[2].evidence as { slis: { name: string; verdict: string; samples: object }[] };
    expect(slis.find(({ name }) => name === 'error')).toMatchObject({ verdict: 'within' });
    const document = await rolloutDocument(store, rollout);
    expect(document).toMatchObject({ state: 'complete', step: 3, weights: { 2: 1 } });
    expect(document.alphaSpent).toBeLessThanOrEqual(0.05);
    expect((await store.rolloutLooks(rollout.id)).length).toBeGreaterThan(5);
  });

  const faults: Record<string, Behaviour> = {
    slow: { latencyMs: () => 60 },
    'wrong class': { wrong: () => 0.25 },
    miscalibrated: { wrong: () => 0.3, overconfidence: 0.25, always: undefined },
    crash: { failed: () => 0.3 },
    'memory leak': { latencyMs: (ms) => 20 + ms / 500, failed: (ms) => Math.min(0.5, ms / 400_000) },
    'one slice only': { wrong: (slice) => (slice === 'phone' ? 0.45 : 0.05) },
    'one class always': { always: 'cat' },
  };
  test.each(Object.entries(faults))('rolls back a candidate that is %s', async (name, behaviour) => {
    const rollout = await rollOut(name.replaceAll(' ', '-'), behaviour);
    const decisions = await store.rolloutDecisions(rollout.id);
    expect(decisions.at(-1)?.kind).toBe('roll-back');
    expect((await store.getTraffic(rollout.model))?.shares).toEqual([{ version: 1, role: 'live', weight: 1 }]);
    expect(rollout.closedAt).toBeInstanceOf(Date);
    const alerts = await store.listAlerts({ model: rollout.model });
    expect(alerts).toMatchObject([{ severity: 'page', labels: { version: '2', decision: 'roll-back' } }]);
  });

  test('does what an operator asks, and refuses what does not fit', async () => {
    await registerVersions(store, 'asked', 2);
    const asked = { model: 'asked', candidate: '2', now: START, by: 'tester' };
    const { id } = await beginRollout(store, asked);
    await expect(beginRollout(store, asked)).rejects.toMatchObject({ code: 'ROLLOUT_UNDER_WAY' });
    const told = { at: START + 1000, by: 'someone', reason: 'lunch' };
    expect((await commandRollout(store, id, 'pause', told)).state.phase).toBe('paused');
    await expect(commandRollout(store, id, 'pause', told)).rejects.toMatchObject({ code: 'ROLLOUT_STATE' });
    expect((await commandRollout(store, id, 'resume', told)).state.phase).toBe('running');
    const promoted = await commandRollout(store, id, 'promote', told);
    expect(promoted.state.step).toBe(1);
    expect((await store.getTraffic('asked'))?.shares).toEqual([
      { version: 1, role: 'live', weight: 0.95 },
      { version: 2, role: 'candidate', weight: 0.05 },
    ]);
    const aborted = await commandRollout(store, id, 'abort', told);
    expect([aborted.state.phase, aborted.closedAt]).toEqual(['aborted', expect.any(Date)]);
    expect((await store.getTraffic('asked'))?.shares).toEqual([{ version: 1, role: 'live', weight: 1 }]);
    const [audit] = await store.auditLog({ action: 'rollout.abort', limit: 1 });
    expect(audit).toMatchObject({ subject: 'models:/asked', details: { reason: 'lunch', by: 'someone' } });
    await expect(commandRollout(store, id, 'abort', told)).rejects.toMatchObject({ code: 'ROLLOUT_STATE' });
    await expect(beginRollout(store, { ...asked, candidate: '1' })).rejects.toMatchObject({
      code: 'ROLLOUT_SAME_VERSION',
    });
    await expect(beginRollout(store, { ...asked, options: { alpha: 2 } })).rejects.toMatchObject({
      code: 'ROLLOUT_OPTIONS',
    });
    expect(await rolloutSuccess(store, 'asked')).toEqual({ succeeded: 0, failed: 0, aborted: 1, rate: null });
  });
});
