import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Simulation } from '../../test/support/simulated-traffic.js';
import { rolloutOptions } from '../spec/rollout-options.js';
import type { StoredObservation } from '../store/index.js';
import { begin, type Command, command, isOver, look } from './look.js';
import { resolveRollout } from './resolve.js';
import { alphaSpent, weightsOf } from './steps.js';
import { CALM, type RolloutState } from './types.js';

const START = 1_700_000_000_000;
const config = resolveRollout(
  rolloutOptions.parse({
    steps: [
      { weight: 0, watch: '2s', atMost: '20s', samples: 20, labels: 5 },
      { weight: 0.3, watch: '2s', atMost: '20s', samples: 10, labels: 5 },
      { weight: 1, watch: '2s', samples: 10, labels: 0 },
    ],
    slis: [
      { type: 'failures', required: 'unrefuted' },
      { type: 'error', allowed: 0.1, required: 'unrefuted' },
    ],
  }),
  { model: 'm', baseline: '1', candidate: '2', startedAt: START, task: 'classification' },
  [],
);

const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      look: fc.integer({ min: 1, max: 4 }),
      burn: fc.constantFrom(0, 0, 0, 2, 5),
      breached: fc.constantFrom<string[]>([], [], [], [], ['availability is broken']),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ command: fc.constantFrom<Command>('pause', 'resume', 'promote', 'abort', 'roll-back') }),
  },
);

describe('the states of a rollout', () => {
  it('hold what users may rely on, whatever happens, and survive being written down', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 25 }),
        fc.double({ min: 0, max: 0.6, noNaN: true }),
        (events, failing) => {
          const traffic = new Simulation({
            ...{ model: 'm', seed: 1, rate: 30, labels: { share: 0, delayMs: 0 } },
            baseline: { version: '1', behaviour: {} },
            candidate: { version: '2', behaviour: { failed: () => failing } },
          });
          let { state } = begin(config, { observations: 0, labels: 0 }, 'test');
          let at = START;
          let sequence = 0;
          for (const happened of events) {
            const before: RolloutState = state;
            const written = JSON.parse(JSON.stringify(before)) as RolloutState;
            if ('command' in happened) {
              const told = { at, by: 'ann', reason: 'because' };
              const made = command(config, before, happened.command, told);
              expect(command(config, written, happened.command, told)).toEqual(made);
              if (typeof made === 'string') continue;
              state = made.state;
            } else {
              const { live, shadow } = weightsOf(config, before);
              const observations: StoredObservation[] = [];
              for (let second = 0; second < happened.look; second++, at += 1000) {
                for (const each of traffic.second(at, live['2'] ?? 0, shadow.length > 0).observations) {
                  observations.push({ ...each, sequence: ++sequence });
                }
              }
              const signals = { ...CALM, burn: happened.burn, breached: happened.breached };
              const inputs = { at, observations, labelled: [], signals };
              const made = look(config, before, inputs);
              // Whoever takes the look, from memory or from the store, decides the same.
              expect(look(config, written, inputs)).toEqual(made);
              state = made.state;
            }
            const { live, shadow } = weightsOf(config, state);
            expect(Object.values(live).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
            expect(state.step).toBeGreaterThanOrEqual(before.step);
            expect(state.step).toBeLessThan(config.steps.length);
            expect(alphaSpent(config, state)).toBeLessThanOrEqual(config.alpha + 1e-12);
            if (isOver(state)) expect([live, shadow]).toEqual([{ 1: 1 }, []]);
            if (isOver(before)) expect(state).toEqual(before);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
