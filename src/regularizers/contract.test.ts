import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCard } from '../../test/support/method-card.js';
import { expectGradientOfObjective } from '../../test/support/objective-gradient.js';
import { defaultEntry, problemOf, REGULARIZER_CASES } from '../../test/support/regularizer-cases.js';
import { describeStep } from '../../test/support/stepper.js';
import {
  openRuntimes,
  orderOf,
  problem,
  SMOOTH_MLP,
  trained,
  weightBytes,
  weightsOf,
  withOtherPlaceholders,
} from '../../test/support/training-problem.js';
import { writeModel } from '../graph/format/encode.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { readCheckpoint, writeCheckpoint } from '../training/checkpoint.js';
import { sgd } from '../training/optimizers.js';
import { compileStep } from '../training/step.js';
import { canonicalJson } from './canonical-json.js';
import { type ManifestEntry, manifestOf, regularizerId } from './manifest.js';
import { listRegularizers } from './registry.js';
import { type Active, HOOK_ORDER } from './regularizer.js';
import { resolveEntry } from './resolve.js';

/**
 * The contract that every regularizer fulfils. It runs over the registry: an entry of it cannot skip the suite, and
 * earns it without writing a line.
 */

let runtimes: Record<'ffi' | 'stock', Runtime>;
let folder: string;
beforeAll(async () => {
  runtimes = await openRuntimes();
  folder = await mkdtemp(join(tmpdir(), 'ballast-contract-'));
});
afterAll(() => rm(folder, { recursive: true }));

const PLAIN_SGD = { optimizer: { type: 'sgd', learningRate: 0.05 } };

describe.each(listRegularizers().map((regularizer) => ({ type: regularizer.type, regularizer })))(
  'metadata of $type',
  ({ regularizer }) => {
    const { strength } = regularizer;

    it('names and describes it', () => {
      expect(regularizer.type).toMatch(/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/);
      expect(regularizer.technique).toMatch(/^T\d+$/);
      expect(regularizer.summary).toMatch(/^[A-Z].{20,200}\.$/s);
      for (const text of [regularizer.title, regularizer.dataSize, ...Object.values(regularizer.cost)]) {
        expect(text.length).toBeGreaterThan(1);
      }
      expect(regularizer.fails.length).toBeGreaterThan(0);
      expect(regularizer.references.length).toBeGreaterThan(0);
      expect(HOOK_ORDER.some((hook) => regularizer.hooks[hook] !== undefined)).toBe(true);
      expect(Object.keys(regularizer.hooks).every((hook) => (HOOK_ORDER as readonly string[]).includes(hook))).toBe(
        true,
      );
    });

    it('measures its strength consistently', () => {
      const { limits, range } = strength;
      expect(limits[0]).toBe(0);
      expect(range[0]).toBeGreaterThan(strength.scale === 'log' ? 0 : -1);
      if (strength.switch === true) {
        expect([range, limits, strength.default]).toEqual([[1, 1], [0, 1], 1]);
        return;
      }
      expect(range[0]).toBeLessThan(range[1]);
      expect(range[0]).toBeGreaterThanOrEqual(limits[0]);
      if (strength.open === true) expect(range[1]).toBeLessThan(limits[1]);
      else expect(range[1]).toBeLessThanOrEqual(limits[1]);
      expect(strength.default).toBeGreaterThanOrEqual(range[0]);
      expect(strength.default).toBeLessThanOrEqual(range[1]);
    });

    it('maps an inverse option to a strength that grows as the option falls, and back', () => {
      const { inverse } = strength;
      if (inverse === undefined) return;
      for (let option = 1; option < 50; option++) {
        expect(inverse.toOption(inverse.toStrength(option))).toBe(option);
        expect(inverse.toStrength(option)).toBeGreaterThan(inverse.toStrength(option + 1));
      }
      const [low, high] = strength.range;
      expect(inverse.toOption(low)).toBeGreaterThan(inverse.toOption(high));
      expect(resolveEntry({ type: regularizer.type }, 'here').strength).toBe(strength.default);
    });

    it('refuses strengths beyond its limits and keys that it does not know', () => {
      const entry = defaultEntry(regularizer);
      expect(() => resolveEntry({ ...entry, unknown: 1 }, 'here')).toThrow(
        expect.objectContaining({ code: 'REGULARIZER_OPTION' }),
      );
      if (strength.inverse !== undefined) return;
      const beyond = strength.open === true ? strength.limits[1] : strength.limits[1] * 1.001;
      for (const value of [-1e-9, beyond, Number.NaN, Number.POSITIVE_INFINITY, '1']) {
        expect(() => resolveEntry({ ...entry, strength: value }, 'here')).toThrow(
          expect.objectContaining({ code: 'REGULARIZER_OPTION', place: 'here.strength' }),
        );
      }
      if (strength.switch === true || strength.fixed === true) return;
      const peak = { type: 'linear', from: 0, to: beyond / strength.default, over: 3 };
      expect(() => resolveEntry({ ...entry, schedule: peak }, 'here')).toThrow(
        expect.objectContaining({ code: 'REGULARIZER_OPTION', place: 'here.schedule' }),
      );
    });

    it('has a method card that agrees with it', () => {
      const path = new URL(`./${regularizer.type}/card.md`, import.meta.url);
      expect(existsSync(path)).toBe(true);
      expectCard(readFileSync(path, 'utf8'), regularizer);
    });
  },
);

describe.each(REGULARIZER_CASES)('$title', (test) => {
  it('compiles to nothing at strength 0', () => {
    const given = problemOf(test);
    const off = given.regularizers.map((active) => ({ ...active, strength: 0 }));
    const bytes = (regularizers: readonly Active[]): Uint8Array =>
      writeModel(compileStep(describeStep(given, sgd({ momentum: 0.9, nesterov: false }), { regularizers })).model);
    expect(Buffer.compare(bytes(off), bytes([]))).toBe(0);
  });

  it('agrees with the plain run when it is compiled and fed 0', async () => {
    const { strength } = test.regularizer;
    if (test.excuses.silent !== undefined || strength.switch === true || strength.fixed === true) return;
    const given = problemOf(test, { training: PLAIN_SGD });
    const silent = given.regularizers.map((active) => ({
      ...active,
      schedule: { type: 'linear' as const, from: 0, to: 0, over: 1 },
    }));
    const fed = await trained(runtimes.ffi, { ...given, regularizers: silent });
    const plain = await trained(runtimes.ffi, { ...given, regularizers: [] });
    const expected = weightsOf(plain);
    // Monitors have no strength in the step, and may return to an earlier epoch.
    if (test.regularizer.hooks.afterEpoch !== undefined) return;
    const worst = weightsOf(fed).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0);
    expect(worst).toBeLessThan(1e-6);
  });

  it('changes the run at its strength', async () => {
    if (test.regularizer.hooks.afterEpoch !== undefined) return;
    const given = problemOf(test);
    const with_ = weightBytes(await trained(runtimes.ffi, given));
    const without = weightBytes(await trained(runtimes.ffi, { ...given, regularizers: [] }));
    expect(with_).not.toEqual(without);
  });

  it('has the gradient of its objective', async () => {
    if (test.excuses.gradient !== undefined) return;
    const small = test.setting.model === undefined ? { model: { ...SMOOTH_MLP, hidden: [3] } } : {};
    await expectGradientOfObjective(runtimes.ffi, problemOf(test, small));
  });

  it('gives the same bytes for the same seed and, where it is random, others for another', async () => {
    const given = problemOf(test);
    const first = weightBytes(await trained(runtimes.ffi, given));
    expect(weightBytes(await trained(runtimes.ffi, given))).toEqual(first);
    const { randomSites, scalars } = compileStep(describeStep(given, sgd({ momentum: 0, nesterov: false })));
    const random = randomSites.length > 0 || [...scalars.values()].some(({ kind }) => kind === 'drawn');
    // The order of rows stays: what differs is the regularizer's own.
    const other = weightBytes(await trained(runtimes.ffi, { ...given, seed: 2 }, { order: orderOf(given) }));
    if (test.excuses.seed !== undefined) return;
    if (random) expect(other).not.toEqual(first);
    else expect(other).toEqual(first);
  });

  it('looks at nothing that stands in the place of a label', async () => {
    if (test.regularizer.needs?.labels === true) return;
    const given = problemOf(test, { unlabelled: 12 });
    const first = weightBytes(await trained(runtimes.ffi, given));
    expect(weightBytes(await trained(runtimes.ffi, withOtherPlaceholders(given)))).toEqual(first);
  });

  it('gives the same bytes on both runtimes', async () => {
    const given = problemOf(test);
    const fast = await trained(runtimes.ffi, given);
    const stock = await trained(runtimes.stock, given);
    expect(weightBytes(stock)).toEqual(weightBytes(fast));
    expect(stock.outputs).toEqual(fast.outputs);
  });

  it('takes its step in the graph or on the host to the same bytes where its proximal hook does not act', async () => {
    if (test.regularizer.proximalFor === undefined) return;
    const given = problemOf(test);
    const inGraph = given.regularizers.map((active) => ({
      ...active,
      regularizer: { ...active.regularizer, proximalFor: () => true },
    }));
    const anywhere = weightBytes(await trained(runtimes.ffi, given));
    expect(weightBytes(await trained(runtimes.ffi, { ...given, regularizers: inGraph }))).toEqual(anywhere);
  });

  it('resumes from any checkpoint to the same bytes', async () => {
    const given = problemOf(test, { training: { epochs: 3, checkpointSeconds: 0 } });
    const whole = await trained(runtimes.ffi, given);
    const { checkpoints } = whole;
    expect(checkpoints.length).toBeGreaterThan(4);
    // In the middle of an epoch, between two, and at the last chance.
    for (const at of [2, 4, checkpoints.length - 1]) {
      const path = join(folder, 'checkpoint');
      await writeCheckpoint(path, checkpoints[at]);
      const resumed = await trained(runtimes.ffi, given, { resume: await readCheckpoint(path) });
      expect(weightBytes(resumed)).toEqual(weightBytes(whole));
      expect(resumed.outputs).toEqual(whole.outputs);
      expect(resumed.outcome).toBe(whole.outcome);
      expect(resumed.bestEpoch).toBe(whole.bestEpoch);
      const timeless = whole.history.map((record) => ({ ...record, seconds: expect.any(Number) as number }));
      expect(resumed.history).toEqual(timeless);
    }
  });

  it('survives a round trip through the manifest with its id', () => {
    const active = resolveEntry(test.entry, 'regularizers[0]');
    const manifest = manifestWith([active]);
    const id = regularizerId(manifest);
    expect(id).toMatch(/^rg-[0-9a-f]{16}$/);
    const read = JSON.parse(canonicalJson(manifest)) as typeof manifest;
    expect(regularizerId(read)).toBe(id);
    const again = read.regularizers.map((entry) => resolveEntry(specEntryOf(entry), 'again'));
    expect(manifestWith(again)).toEqual(manifest);
    expect(regularizerId(manifestWith(again))).toBe(id);
  });

  it('has one id whether its defaults are written or left out', () => {
    const { options, strength } = resolveEntry(test.entry, 'here');
    const spelled = { ...test.entry, ...(options as object) };
    expect(resolveEntry(spelled, 'here')).toEqual(resolveEntry(test.entry, 'here'));
    const bare = resolveEntry({ type: test.regularizer.type }, 'here');
    const full = resolveEntry({ ...defaultEntry(test.regularizer), ...(bare.options as object) }, 'here');
    expect(regularizerId(manifestWith([full]))).toBe(regularizerId(manifestWith([bare])));
    expect(strength).toBeGreaterThan(0);
  });

  it('is in the id at its strength, and not at strength 0', () => {
    const active = resolveEntry(test.entry, 'here');
    const nothing = regularizerId(manifestWith([]));
    expect(regularizerId(manifestWith([{ ...active, strength: 0 }]))).toBe(nothing);
    expect(regularizerId(manifestWith([active]))).not.toBe(nothing);
    if (test.regularizer.strength.switch === true) return;
    expect(regularizerId(manifestWith([{ ...active, strength: active.strength / 2 }]))).not.toBe(
      regularizerId(manifestWith([active])),
    );
  });
});

describe('the order of application', () => {
  const EVERYTHING = [
    { type: 'early-stopping', patience: 3 },
    { type: 'l1', strength: 1e-3 },
    { type: 'dropout', strength: 0.4 },
    { type: 'weight-decay', strength: 0.05 },
    { type: 'label-smoothing', strength: 0.1, schedule: { from: 0, to: 1, over: 3 } },
    { type: 'mixup', strength: 0.3 },
    { type: 'image-augmentation', strength: 1, zoom: 0.2 },
    { type: 'input-noise', strength: 0.2 },
    { type: 'tabular-augmentation', strength: 0.1 },
  ];
  const training = { epochs: 3, optimizer: { type: 'adamw', learningRate: 0.01, schedule: { type: 'cosine' } } };

  it('does not depend on the order of the spec: same bytes, same id', async () => {
    const forwards = problem({ regularizers: EVERYTHING, training });
    const backwards = problem({ regularizers: [...EVERYTHING].reverse(), training });
    expect(regularizerId(manifestWith(backwards.regularizers))).toBe(
      regularizerId(manifestWith(forwards.regularizers)),
    );
    const bytes = weightBytes(await trained(runtimes.ffi, forwards));
    expect(weightBytes(await trained(runtimes.ffi, backwards))).toEqual(bytes);
  });

  it('tells two of one type apart by their options', () => {
    const elements = resolveEntry({ type: 'dropout', strength: 0.1 }, 'a');
    const channels = resolveEntry({ type: 'dropout', strength: 0.3, mode: 'spatial' }, 'b');
    expect(regularizerId(manifestWith([elements, channels]))).toBe(regularizerId(manifestWith([channels, elements])));
  });

  it('resumes everything at once: schedules, plateau, monitors and drawn shares', async () => {
    const given = problem({
      rows: 36,
      regularizers: EVERYTHING,
      training: {
        epochs: 5,
        checkpointSeconds: 0,
        gradientClip: 1,
        optimizer: { type: 'adamw', learningRate: 0.05, schedule: { type: 'plateau', every: 1, factor: 0.5 } },
      },
    });
    const whole = await trained(runtimes.ffi, given);
    for (const at of [1, 10, 19]) {
      const resumed = await trained(runtimes.ffi, given, { resume: whole.checkpoints[at] });
      expect(weightBytes(resumed)).toEqual(weightBytes(whole));
    }
  });
});

function manifestWith(active: readonly Active[]) {
  return manifestOf(
    active,
    { normalization: [] },
    { optimizer: 'adamw', epochs: 2, batchSize: 8, gradientClip: null, classWeights: 'none' },
  );
}

/** The spec entry that a manifest entry came from. */
function specEntryOf({ type, strength, schedule, options }: ManifestEntry): Record<string, unknown> {
  const inverse = listRegularizers().find((regularizer) => regularizer.type === type)?.strength.inverse;
  return {
    type,
    ...(inverse === undefined ? { strength } : {}),
    ...(schedule === undefined ? {} : { schedule }),
    ...options,
  };
}
