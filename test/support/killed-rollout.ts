import { advanceRollout } from '../../src/rollout/controller.js';
import { beginRollout, type Rollout } from '../../src/rollout/index.js';
import type { Store } from '../../src/store/index.js';
import { registerVersions } from './registered-versions.js';
import { Simulation } from './simulated-traffic.js';

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

/** What a rollout came to that does not depend on when, or how often, its controller ran. */
export interface Course {
  readonly decisions: readonly object[];
  readonly alerts: readonly object[];
  readonly traffic: readonly object[];
}

export interface CourseOptions {
  readonly store: Store;
  readonly model: string;
  /** Share of its answers that the candidate fails. */
  readonly failed: number;
  /** Takes the looks that are due at a moment; several times where it died. */
  advance(id: string, now: number): Promise<unknown>;
}

/** A rollout of simulated traffic over two minutes; every five seconds the controller takes the looks that are due. */
export async function courseOf({ store, model, failed, advance }: CourseOptions): Promise<Course> {
  await registerVersions(store, model, 2);
  const simulation = new Simulation({
    ...{ model: 'same', seed: 5, rate: 20, labels: { share: 0, delayMs: 0 } },
    baseline: { version: '1', behaviour: {} },
    candidate: { version: '2', behaviour: { failed: () => failed } },
  });
  const { id } = await beginRollout(store, { model, candidate: '2', now: START, by: 'tester', options: OPTIONS });
  for (let second = 0; second < 120; second += 5) {
    const share = (await store.getTraffic(model))?.shares.find(({ version }) => version === 2);
    const shadow = share?.role === 'shadow';
    const observations = Array.from({ length: 5 }, (_, i) =>
      simulation.second(START + 1000 * (second + i), shadow ? 0 : (share?.weight ?? 0), shadow),
    ).flatMap((made) =>
      made.observations.map(({ beside, ...row }) => ({
        ...{ ...row, model, id: `${model} ${row.id}` },
        ...(beside === undefined ? {} : { beside: `${model} ${beside}` }),
      })),
    );
    await store.recordObservations({ id: `${model} ${second}`, observations, windows: [], sketches: [] });
    await advance(id, START + 1000 * (second + 7));
  }
  const decisions = await store.rolloutDecisions(id);
  const alerts = await store.listAlerts({ model });
  return {
    decisions: decisions.map(({ kind, at, step, reason }) => ({ kind, at, step, reason })),
    alerts: alerts.map(({ state, severity, labels, changes }) => ({
      ...{ state, severity, changes, decision: labels.decision },
    })),
    traffic: (await store.getTraffic(model))?.shares ?? [],
  };
}

/** Undisturbed: in this process. */
export const undisturbed = (store: Store): CourseOptions['advance'] => {
  return (id: string, now: number): Promise<Rollout> => advanceRollout(store, id, now);
};
