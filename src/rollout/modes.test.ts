import { describe, expect, test } from 'vitest';
import { type Behaviour, Simulation } from '../../test/support/simulated-traffic.js';
import { rolloutOptions } from '../spec/rollout-options.js';
import type { SlicedObservation, StoredObservation } from '../store/index.js';
import { begin, command, look } from './look.js';
import { resolveRollout } from './resolve.js';
import { statusesOf, weightsOf } from './steps.js';
import { CALM, type Decision, type RolloutState, type Signals } from './types.js';

const START = Date.UTC(2026, 4, 1);

interface Course {
  readonly state: RolloutState;
  readonly decisions: readonly Decision[];
  readonly slis: ReturnType<typeof statusesOf>;
  readonly seconds: number;
}

/** Runs a rollout on simulated traffic until it decides something else than to go on, or so many seconds. */
function run(
  options: object,
  {
    behaviour = {},
    signals = () => CALM,
    keep = () => true,
    seconds = 200,
  }: {
    readonly behaviour?: Behaviour;
    readonly signals?: (second: number) => Signals;
    /** Which requests reach the arms as they should. */
    readonly keep?: (row: SlicedObservation, i: number) => boolean;
    readonly seconds?: number;
  },
): Course {
  const subjects = { model: 'm', baseline: '1', candidate: '2', startedAt: START, task: 'classification' as const };
  const config = resolveRollout(rolloutOptions.parse(options), subjects, []);
  const traffic = new Simulation({
    ...{ model: 'm', seed: 4, rate: 60, labels: { share: 0, delayMs: 0 } },
    baseline: { version: '1', behaviour: {} },
    candidate: { version: '2', behaviour },
  });
  let { state } = begin(config, { observations: 0, labels: 0 }, 'test');
  const decisions: Decision[] = [];
  let sequence = 0;
  let second = 0;
  for (; second < seconds && (state.phase === 'running' || state.phase === 'paused'); second++) {
    const at = START + 1000 * second;
    const { live, shadow } = weightsOf(config, state);
    const observations: StoredObservation[] = traffic
      .second(at, live['2'] ?? 0, shadow.length > 0)
      .observations.filter(keep)
      .map((row) => ({ ...row, sequence: ++sequence }));
    const made = look(config, state, { at: at + 1000, observations, labelled: [], signals: signals(second) });
    state = made.state;
    decisions.push(...made.decisions);
  }
  return { state, decisions, slis: statusesOf(config, state, state.step), seconds: second };
}

const long = { steps: [{ weight: 0.5, watch: '40s', atMost: '150s', samples: 200 }] };
const half = { steps: [{ weight: 0.5, watch: '10s', atMost: '150s', samples: 200 }] };

describe('A/B mode', () => {
  const ab = { ...half, mode: 'ab', slis: [{ type: 'failures', allowed: 0.3 }] };

  test('ends with the difference and its interval, and tells which is better', () => {
    const { decisions, state, slis } = run(ab, { behaviour: { failed: () => 0.15 } });
    expect(decisions.at(-1)?.kind).toBe('result');
    expect(decisions.at(-1)?.reason).toMatch(/^failures 0\.1\d+ \[0\.\d+, 0\.\d+\]: worse$/);
    expect(state.phase).toBe('complete');
    const [{ delta, interval }] = slis;
    expect(interval[0]).toBeLessThan(delta ?? Number.NaN);
    expect(interval[0]).toBeLessThan(0.149);
    expect(interval[1]).toBeGreaterThan(0.149);
  });

  test('says that no difference is shown where none is', () => {
    expect(run(ab, {}).decisions.at(-1)?.reason).toMatch(/no difference shown$/);
  });
});

describe('traffic that the arms do not share (X4)', () => {
  const options = { ...long, slis: [{ type: 'failures', allowed: 0.2 }] };

  test('is no ground for a promotion: inconclusive, and why', () => {
    const noPhones = (row: SlicedObservation, i: number): boolean =>
      row.version === '1' || row.metadata.device !== 'phone' || i % 5 === 0;
    const { decisions, state } = run(options, { keep: noPhones });
    expect(state.phase).toBe('inconclusive');
    expect(decisions.at(-1)?.reason).toMatch(/^the arms do not see the same traffic \(device=/);
  });

  test('that is shared stands in nobody’s way', () => {
    expect(run(options, {}).state.phase).toBe('complete');
  });
});

describe('the error budget', () => {
  const options = { ...half, slis: [{ type: 'failures', allowed: 0.2 }] };
  const burning = (burn: number): Signals => ({ ...CALM, burn });

  test('that burns faster than its rate slows the rollout, and beyond the limit pauses it until it is calm', () => {
    const calm = run(options, {});
    const slow = run(options, { signals: () => burning(2) });
    expect(slow.state.phase).toBe('complete');
    expect(slow.seconds).toBeGreaterThanOrEqual(calm.seconds + 9);
    const paused = run(options, { signals: (second) => burning(second >= 3 && second < 8 ? 4 : 0) });
    expect(paused.decisions.map(({ kind }) => kind)).toEqual(['pause', 'resume', 'complete']);
    expect(paused.decisions[0].reason).toBe('the error budget burns at 4.0 times its rate (limit 3)');
  });

  test('of which the candidate spent more than its share rolls it back, before any test is sure', () => {
    const signals = (): Signals => ({ ...CALM, allowed: { failures: 100 } });
    const { decisions } = run({ ...options, ...long }, { behaviour: { failed: () => 0.06 }, signals });
    expect(decisions.at(-1)).toMatchObject({
      kind: 'roll-back',
      reason: expect.stringMatching(/share of the error budget/),
    });
  });
});

test('after 100 % a breach within the guard time rolls back; after shadow alone nothing is left in traffic', () => {
  const subjects = { model: 'm', baseline: '1', candidate: '2', startedAt: START, task: 'classification' as const };
  const of = (weight: number) =>
    resolveRollout(
      rolloutOptions.parse({ steps: [{ weight, watch: '1s' }], slis: [{ type: 'failures', required: 'none' }] }),
      subjects,
      [],
    );
  for (const [weight, live] of [
    [1, { 2: 1 }],
    [0, { 1: 1 }],
  ] as const) {
    const config = of(weight);
    const begun = begin(config, { observations: 0, labels: 0 }, 'test').state;
    const inputs = { at: START + 5000, observations: [], labelled: [], signals: CALM };
    // No SLI demands anything; that nobody met the candidate is not enough all the same.
    expect(look(config, begun, inputs).state.phase).toBe('running');
    const promoted = command(config, begun, 'promote', { at: START + 5000, by: 'ann', reason: 'seen elsewhere' });
    if (typeof promoted === 'string') throw new Error(promoted);
    const { state } = promoted;
    expect(state.phase).toBe('complete');
    expect(weightsOf(config, state)).toEqual({ live, shadow: [] });
    const breached = { ...CALM, breached: ['objective availability is being broken by version 2'] };
    const after = look(config, state, { ...inputs, at: START + 6000, signals: breached });
    expect(after.decisions.map(({ kind }) => kind)).toEqual(['roll-back']);
    expect(weightsOf(config, after.state)).toEqual({ live: { 1: 1 }, shadow: [] });
  }
});

test('what versions make of images is not the traffic that they see', () => {
  const subjects = { model: 'm', baseline: '1', candidate: '2', startedAt: START, task: 'classification' as const };
  const recent = Array.from({ length: 200 }, (_, i) => ({
    ...{ id: `${i}`, at: START, model: 'm', version: '1', regularizerId: '', role: 'live' as const, sequence: i },
    ...{ status: 'ok' as const, latencyMs: 1, flags: [], metadata: {}, slices: [] },
    features: { age: i, 'view:embedding[0]': i },
  }));
  expect(resolveRollout(rolloutOptions.parse({}), subjects, recent).medians).toEqual({ age: 99.5 });
});
