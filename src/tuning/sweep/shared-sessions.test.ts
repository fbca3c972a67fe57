import { describe, expect, test } from 'vitest';
import { problem, trained, weightBytes } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { sharedSessions } from './shared-sessions.js';

/** A runtime that counts what it compiles. */
async function counted(): Promise<{ runtime: Runtime; loads: () => number }> {
  const inner = await openRuntime();
  let loads = 0;
  const runtime: Runtime = {
    name: inner.name,
    version: inner.version,
    providers: inner.providers,
    allocate: (type, shape) => inner.allocate(type, shape),
    wrap: (type, shape, data) => inner.wrap(type, shape, data),
    load(model, options) {
      loads++;
      return inner.load(model, options);
    },
  };
  return { runtime, loads: () => loads };
}

const withStrengths = (decay: number, dropout: number, learningRate: number) =>
  problem({
    rows: 40,
    regularizers: [
      { type: 'weight-decay', strength: decay },
      { type: 'dropout', strength: dropout },
    ],
    training: { epochs: 3, optimizer: { type: 'adamw', learningRate } },
  });

describe('trials that differ only in strengths', () => {
  test('compile one graph, and end with the bytes that they have alone', async () => {
    const { runtime, loads } = await counted();
    const alone = weightBytes(await trained(runtime, withStrengths(0.5, 0.4, 0.01)));
    const each = loads();
    const shared = sharedSessions(runtime);
    await trained(shared, withStrengths(0.1, 0.2, 0.02));
    expect(loads()).toBe(2 * each);
    expect(weightBytes(await trained(shared, withStrengths(0.5, 0.4, 0.01)))).toEqual(alone);
    expect(loads()).toBe(2 * each);
  });

  test('which is another one where a strength is 0: what it would do is not in it', async () => {
    const { runtime, loads } = await counted();
    const shared = sharedSessions(runtime);
    await trained(shared, withStrengths(0.1, 0.2, 0.02));
    const before = loads();
    await trained(shared, withStrengths(0.1, 0, 0.02));
    expect(loads()).toBeGreaterThan(before);
  });
});
