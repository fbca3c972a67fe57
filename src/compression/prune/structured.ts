import { BallastError } from '../../errors.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { sizeOf } from '../../graph/tensor.js';
import type { Feeds } from '../measure/feeds.js';
import { type ChoiceOptions, chooseUnits } from './choose.js';
import { cutUnits } from './cut.js';
import { type Dependencies, dependenciesOf } from './dependencies.js';
import { groupsOf, type PrunableGroup } from './groups.js';
import { type ByElement, type Criterion, importanceOf } from './importance.js';
import { sizesOf } from './shapes.js';

export interface StructuredOptions extends ChoiceOptions {
  readonly criterion: Criterion;
  /** What the criteria `taylor` and `movement` go by. */
  readonly products?: ByElement | undefined;
}

/** A model with fewer channels, neurons and heads. */
export interface Pruned {
  readonly model: Model;
  /** What each width was and is, by the weight that makes it. */
  readonly widths: readonly { readonly name: string; readonly before: number; readonly after: number }[];
  readonly parameters: { readonly before: number; readonly after: number };
  /** Operators without a rule, around which nothing was removed. */
  readonly unknown: readonly string[];
}

/** What of a model may be removed, seen on some rows. */
export async function prunableGroups(
  runtime: Runtime,
  model: Model,
  feeds: Feeds,
): Promise<{ dependencies: Dependencies; groups: PrunableGroup[] }> {
  const dependencies = dependenciesOf(model.graph, await sizesOf(runtime, model, feeds));
  return { dependencies, groups: groupsOf(model.graph, dependencies) };
}

/**
 * Removes the units that are worth least: whole channels, neurons, attention heads, with everything that depends on them.
 * The result is a smaller dense model, which every runtime runs faster. It has been loaded and run once.
 *
 * @param feeds a few rows
 * @throws BallastError PRUNE_NOTHING where nothing can be removed, naming the operators that stand in the way
 */
export async function pruneStructured(
  runtime: Runtime,
  model: Model,
  feeds: Feeds,
  options: StructuredOptions,
): Promise<Pruned> {
  const { dependencies, groups } = await prunableGroups(runtime, model, feeds);
  const { unknown } = dependencies;
  if (groups.length === 0) {
    throw new BallastError('no channel, neuron or head of this model can be removed as a whole', {
      code: 'PRUNE_NOTHING',
      remedy:
        unknown.length === 0
          ? 'It has one layer only'
          : `Operators without a rule stand in the way: ${unknown.join(', ')}; quantize instead`,
    });
  }
  const worth = groups.map((group) => importanceOf(model.graph, group, options.criterion, options.products));
  const removed = chooseUnits(groups, worth, options);
  const cut = cutUnits(model, dependencies, removed);
  await check(runtime, model, cut, feeds);
  return {
    model: cut,
    widths: groups.map(({ name, units }) => ({
      name,
      before: units.length,
      after: units.filter(({ id }) => !removed.has(id)).length,
    })),
    parameters: { before: parametersOf(model), after: parametersOf(cut) },
    unknown,
  };
}

/** Elements of all constants of floating point and of few bits. */
function parametersOf({ graph }: Model): number {
  let count = 0;
  for (const { type, shape } of graph.initializers.values()) {
    if (type.startsWith('float') || type === 'int8' || type === 'uint8') count += sizeOf(shape);
  }
  return count;
}

/** The cut model must run, and answer in the shapes of before. */
async function check(runtime: Runtime, before: Model, after: Model, feeds: Feeds): Promise<void> {
  const [a, b] = [await runtime.load(writeModel(before)), await runtime.load(writeModel(after))];
  try {
    const [expected, found] = [await a.run(feeds), await b.run(feeds)];
    const wrong = Object.keys(expected).find((name) => `${expected[name].shape}` !== `${found[name]?.shape}`);
    if (wrong !== undefined) {
      throw new BallastError(
        `after pruning, "${wrong}" would be [${found[wrong]?.shape}], not [${expected[wrong].shape}]`,
        {
          code: 'PRUNE_SHAPES',
          remedy: 'Sizes are computed in this model in a way that pruning cannot follow; quantize instead',
        },
      );
    }
  } finally {
    a.release();
    b.release();
  }
}
