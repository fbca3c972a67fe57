import { beforeAll, describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import {
  expectGoldenGradient,
  type GoldenCase,
  type GoldenNetwork,
  readGolden,
} from '../../../test/support/golden-network.js';
import { FEATURES, problem, TOKENS, trained } from '../../../test/support/training-problem.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32 } from '../../graph/tensor.js';
import { derive, type Random } from '../../numeric/random.js';
import type { Active, Hooks, Setting, SiteDescription, StepContext } from '../regularizer.js';
import { findConflicts, resolveEntry } from '../resolve.js';
import { manifoldMixup } from './index.js';

type Draws = Readonly<Record<string, number>>;
type Draw = (stream: Random, strength: number, step: number) => number;

const golden = readGolden<GoldenNetwork & { readonly cases: readonly (GoldenCase & { readonly draws: Draws })[] }>(
  import.meta.url,
  'manifold-mixup',
);

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

/** The regularizer with numbers in the place of its draws. */
function withDraws(draws: Draws): (active: Active) => Active {
  const fixed = (context: StepContext): StepContext =>
    Object.create(context, { drawn: { value: (label: string) => context.drawn(label, () => draws[label]) } });
  return (active) => {
    const { batch, forward } = active.regularizer.hooks as Required<Hooks<unknown>>;
    const hooks: Hooks<unknown> = {
      batch: (context, options, made) => batch(fixed(context), options, made),
      forward: (context, options, site) => forward(fixed(context), options, site),
    };
    return { ...active, regularizer: { ...active.regularizer, hooks } };
  };
}

describe('manifold-mixup against PyTorch', () => {
  it.each(golden.cases)('mixed by $draws', (test) =>
    expectGoldenGradient(runtime, golden, test, withDraws(test.draws)),
  );
});

const SITES: SiteDescription[] = [
  { name: 'first', kind: 'hidden', map: true, whole: true },
  { name: 'branch', kind: 'branch', map: true },
  { name: 'second', kind: 'hidden', map: true, whole: true },
  { name: 'third', kind: 'hidden', whole: true },
];

/** Which of the inputs and sites are mixed where the draws are these: rows 0 and 10, of which mixing makes others. */
async function mixedAt(entry: Readonly<Record<string, unknown>>, draws: Draws, sites = SITES): Promise<string[]> {
  const options = resolveEntry({ type: 'manifold-mixup', ...entry }, 'here').options as never;
  const results = await computed({ x: float32([2, 1], [0, 10]), t: float32([2, 2], [1, 0, 0, 1]) }, (computation) => {
    const { b, inputs } = computation;
    const context = stepContext(computation, b.scalar(2), {
      inputs: FEATURES,
      batchSize: 2,
      sites,
      drawn: (label) => b.scalar(draws[label]),
    });
    const made = manifoldMixup.hooks.batch!(context, options, { inputs: { x: inputs.x }, target: inputs.t });
    return {
      target: made.target,
      inputs: made.inputs.x,
      ...Object.fromEntries(
        sites.map(({ name, kind }) => [
          name,
          manifoldMixup.hooks.forward!(context, options, { name, kind, value: inputs.x }),
        ]),
      ),
    };
  });
  const { target, ...places } = results;
  const { share } = draws;
  [share, 1 - share, 1 - share, share].forEach((value, i) => {
    expect(target[i]).toBeCloseTo(value, 6);
  });
  return Object.entries(places).flatMap(([name, [first, second]]) => {
    if (Math.abs(first) < 1e-5) return [];
    expect(first).toBeCloseTo(10 * (1 - share), 5);
    expect(second).toBeCloseTo(10 * share, 5);
    return [name];
  });
}

describe('manifold-mixup', () => {
  it('mixes at the layer drawn and nowhere else, never within a branch', async () => {
    expect(await mixedAt({}, { share: 0.3, layer: 0 })).toEqual(['inputs']);
    expect(await mixedAt({}, { share: 0.3, layer: 1 })).toEqual(['first']);
    expect(await mixedAt({}, { share: 0.3, layer: 2 })).toEqual(['second']);
    expect(await mixedAt({ layers: [1, 3] }, { share: 0.6, layer: 3 })).toEqual(['third']);
    expect(await mixedAt({ layers: [3] }, { share: 0.6 })).toEqual(['third']);
  });

  it('mixes networks side by side at the same layer', async () => {
    const sites = [...SITES, ...SITES.map((site) => ({ ...site, name: `${site.name}.member.1` }))];
    expect(await mixedAt({}, { share: 0.3, layer: 2 }, sites)).toEqual(['second', 'second.member.1']);
  });

  it('draws each layer as often as another, and shares as mixup does', async () => {
    const found = new Map<string, Draw>();
    await computed({ x: float32([2, 1], [0, 1]), t: float32([2, 1], [0, 1]) }, (computation) => {
      const { b, inputs } = computation;
      const context = stepContext(computation, b.scalar(2), {
        inputs: FEATURES,
        batchSize: 2,
        sites: SITES,
        drawn: (label, draw) => {
          found.set(label, draw);
          return b.scalar(0.5);
        },
      });
      return { y: manifoldMixup.hooks.batch!(context, {}, { inputs: { x: inputs.x }, target: inputs.t }).target };
    });
    const count = 9000;
    const of = (label: string): number[] =>
      Array.from({ length: count }, (_, step) => found.get(label)!(derive(1, label, step), 2, step));
    for (const layer of [0, 1, 2]) {
      const share = of('layer').filter((drawn) => drawn === layer).length / count;
      expect(Math.abs(share - 1 / 3)).toBeLessThan(5 * Math.sqrt(2 / 9 / count));
    }
    // Beta(2, 2): mean 1 / 2, variance 1 / 20.
    const shares = of('share');
    const mean = shares.reduce((a, b) => a + b) / count;
    const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / count;
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(0.05 / count));
    expect(Math.abs(variance / 0.05 - 1)).toBeLessThan(0.06);
    expect(found.get('share')!(derive(1, 'any'), 0, 1)).toBe(1);
  });

  it('trains several networks side by side', async () => {
    const regularizers = [{ type: 'manifold-mixup' }, { type: 'ensemble', members: 2 }];
    expect((await trained(runtime, problem({ inputs: FEATURES, regularizers }))).outcome).toBe('completed');
  });

  it('refuses values that have no rows of the batch', async () => {
    const fold = computed({ x: float32([6, 1], [1, 2, 3, 4, 5, 6]) }, (computation) => {
      const context = stepContext(computation, computation.b.scalar(2), {
        inputs: FEATURES,
        batchSize: 3,
        sites: SITES,
      });
      const site = { name: 'first', kind: 'hidden' as const, value: computation.inputs.x };
      return { y: manifoldMixup.hooks.forward!(context, {}, site) };
    });
    await expect(fold).rejects.toMatchObject({ code: 'MANIFOLD_MIXUP_LAYER_WITHOUT_ROWS' });
  });

  it.each([
    ['layers that are there', {}, {}, []],
    ['a layer that is not', { layers: [1, 4] }, {}, ['MANIFOLD_MIXUP_LAYER_UNKNOWN']],
    ['the inputs alone', { layers: [0] }, {}, ['MANIFOLD_MIXUP_WITHOUT_HIDDEN']],
    ['a linear network', {}, { sites: [] }, ['MANIFOLD_MIXUP_WITHOUT_HIDDEN']],
    ['tokens, which it leaves alone', {}, { inputs: TOKENS }, []],
    ['tokens at layer 0', { layers: [0, 1] }, { inputs: TOKENS }, ['MANIFOLD_MIXUP_NEEDS_CONTINUOUS_INPUTS']],
    ['rows without labels', {}, { unlabelled: 3 }, ['MANIFOLD_MIXUP_NEEDS_LABELS']],
  ])('judges %s', (_title, entry, setting, expected) => {
    const active = [resolveEntry({ type: 'manifold-mixup', ...entry }, 'here')];
    const whole = { active, task: 'classification', inputs: FEATURES, columns: [], sites: SITES, ...setting };
    expect(findConflicts(whole as unknown as Setting).map(({ code }) => code)).toEqual(expected);
  });
});
