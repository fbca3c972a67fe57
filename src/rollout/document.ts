import type { Store, StoredRolloutDecision } from '../store/index.js';
import { asRollout, type Rollout } from './controller.js';
import { alphaSpent, statusesOf, weightsOf } from './steps.js';
import type { SliStatus } from './types.js';

/** What is told of a rollout: by the command line, over HTTP, on the page. */
export interface RolloutDocument {
  readonly rolloutId: string;
  readonly model: string;
  readonly baseline: string;
  readonly candidate: string;
  readonly mode: 'canary' | 'ab';
  readonly state: Rollout['state']['phase'];
  readonly pausedBy?: string;
  /** From 1. */
  readonly step: number;
  readonly steps: readonly { readonly weight: number; readonly watchedMs: number; readonly watch: string }[];
  readonly weights: Readonly<Record<string, number>>;
  readonly shadow: readonly string[];
  /** How many times its rate the error budget burnt at the last look: above 1, watched time counts so much less. */
  readonly burn: number;
  readonly slis: readonly SliStatus[];
  readonly alpha: number;
  readonly alphaSpent: number;
  readonly looks: number;
  /** The last one. */
  readonly decision: StoredRolloutDecision | null;
  readonly startedAt: string;
  readonly closedAt?: string;
}

export async function rolloutDocument(store: Store, rollout: Rollout): Promise<RolloutDocument> {
  const { id, model, baseline, candidate, config, state, closedAt } = rollout;
  const decisions = await store.rolloutDecisions(id);
  const { live, shadow } = weightsOf(config, state);
  return {
    ...{ rolloutId: id, model, baseline, candidate },
    mode: config.mode,
    state: state.phase,
    ...(state.pausedBy === undefined ? {} : { pausedBy: state.pausedBy }),
    step: state.step + 1,
    steps: config.steps.map(({ weight, watch }, number) => ({
      weight,
      watch,
      watchedMs: Math.round(state.steps[number]?.watchedMs ?? 0),
    })),
    ...{ weights: live, shadow },
    burn: state.burn ?? 0,
    slis: statusesOf(config, state, state.step),
    alpha: config.alpha,
    alphaSpent: alphaSpent(config, state),
    looks: state.looks,
    decision: decisions.at(-1) ?? null,
    startedAt: new Date(config.startedAt).toISOString(),
    ...(closedAt === undefined ? {} : { closedAt: closedAt.toISOString() }),
  };
}

/** Of rollouts that are over: how many succeeded. */
export async function rolloutSuccess(
  store: Store,
  model?: string,
): Promise<{
  readonly succeeded: number;
  readonly failed: number;
  readonly aborted: number;
  readonly rate: number | null;
}> {
  const all = (await store.listRollouts({ limit: 1000, ...(model === undefined ? {} : { model }) })).map(asRollout);
  const count = (phase: string): number => all.filter(({ state }) => state.phase === phase).length;
  const [succeeded, failed, aborted] = [count('complete'), count('rolled-back'), count('aborted')];
  return { succeeded, failed, aborted, rate: succeeded + failed === 0 ? null : succeeded / (succeeded + failed) };
}
