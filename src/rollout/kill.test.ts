import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { registerVersions } from '../../test/support/registered-versions.js';
import { Simulation } from '../../test/support/simulated-traffic.js';
import { derive } from '../numeric/random.js';
import { openStore, type Store } from '../store/index.js';
import { beginRollout } from './begin.js';
import { advanceRollout } from './controller.js';

const START = Date.UTC(2026, 4, 1);
const OPTIONS = {
  steps: [
    { weight: 0, watch: '20s', samples: 100 },
    { weight: 0.5, watch: '20s', samples: 100 },
    { weight: 1, watch: '20s', samples: 100 },
  ],
  slis: [
    { type: 'failures', allowed: 0.1 },
    { type: 'answers', allowed: 0.3 },
  ],
};

class Killed extends Error {}

/** A store whose user dies at random before or after a call. */
function mortal(store: Store, dies: () => boolean): Store {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name) as unknown;
      if (typeof member !== 'function') return member;
      return async (...given: unknown[]) => {
        if (dies()) throw new Killed();
        const answer = (await Reflect.apply(member, target, given)) as unknown;
        if (dies()) throw new Killed();
        return answer;
      };
    },
  });
}

describe('a controller that is killed', () => {
  let folder: string;
  let store: Store;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-kill-'));
    store = await openStore(folder);
  });
  afterAll(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });

  async function run(
    model: string,
    failed: number,
    dies: () => boolean,
  ): Promise<{ decisions: object[]; alerts: object[]; deaths: number }> {
    await registerVersions(store, model, 2);
    const simulation = new Simulation({
      ...{ model: 'same', seed: 5, rate: 20, labels: { share: 0, delayMs: 0 } },
      baseline: { version: '1', behaviour: {} },
      candidate: { version: '2', behaviour: { failed: () => failed } },
    });
    const { id } = await beginRollout(store, { model, candidate: '2', now: START, by: 'tester', options: OPTIONS });
    let deaths = 0;
    for (let second = 0; second < 120; second += 5) {
      const share = (await store.getTraffic(model))?.shares.find(({ version }) => version === 2);
      const shadow = share?.role === 'shadow';
      const made = Array.from({ length: 5 }, (_, i) =>
        simulation.second(START + 1000 * (second + i), shadow ? 0 : (share?.weight ?? 0), shadow),
      );
      const observations = made.flatMap((each) =>
        each.observations.map((row) => ({ ...row, model, id: `${model} ${row.id}` })),
      );
      const paired = observations.map((row) =>
        row.beside === undefined ? row : { ...row, beside: `${model} ${row.beside}` },
      );
      await store.recordObservations({ id: `${model} ${second}`, observations: paired, windows: [], sketches: [] });
      for (;;) {
        try {
          await advanceRollout(mortal(store, dies), id, START + 1000 * (second + 7));
          break;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          deaths++;
        }
      }
    }
    const decisions = (await store.rolloutDecisions(id)).map(({ kind, at, step, reason }) => ({
      kind,
      at,
      step,
      reason,
    }));
    const alerts = (await store.listAlerts({ model })).map(({ state, severity, labels, changes }) => ({
      ...{ state, severity, changes },
      decision: labels.decision,
    }));
    return { decisions, alerts, deaths };
  }

  test.each([
    ['good', 0.001],
    ['failing', 0.45],
  ])('at 200 random points decides what it decides undisturbed: %s', async (name, failed) => {
    const undisturbed = await run(`${name}-calm`, failed, () => false);
    const random = derive(9, name);
    const killed = await run(`${name}-killed`, failed, () => random.uniform() < 0.13);
    expect(killed.deaths).toBeGreaterThan(name === 'good' ? 200 : 20);
    expect(killed.decisions).toEqual(undisturbed.decisions);
    expect(undisturbed.decisions.length).toBeGreaterThan(1);
    // A death between a decision and its alert loses neither, and tells nobody twice.
    expect(killed.alerts).toEqual(undisturbed.alerts);
    expect(undisturbed.alerts).toHaveLength(name === 'good' ? 0 : 1);
  });
});
