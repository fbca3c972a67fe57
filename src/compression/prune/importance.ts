import type { Graph } from '../../graph/model.js';
import { sizeOf, type Tensor } from '../../graph/tensor.js';
import type { Member, PrunableGroup } from './groups.js';

/** How it is judged what a unit is worth. */
export const CRITERIA = ['magnitude', 'bn-scale', 'taylor'] as const;
export type Criterion = (typeof CRITERIA)[number];

/** A number for each element of some weights, by name: weights themselves, or weight times gradient. */
export type ByElement = ReadonlyMap<string, Float32Array>;

/**
 * What each unit of a group is worth, the mean over a group being 1:
 *
 * - `magnitude`: squared norm of the weights that make it, each weight by its mean (Li et al., 2017);
 * - `bn-scale`: |scale| of the normalizations behind it, magnitude where there is none (Liu et al., Network Slimming, 2017);
 * - `taylor`: squared sum of weight times gradient of the loss over what makes it: what the loss would change to first
 *   order (Molchanov et al., 2019).
 *
 * @param products weight times gradient, for `taylor`
 */
export function importanceOf(
  graph: Graph,
  group: PrunableGroup,
  criterion: Criterion,
  products: ByElement = new Map(),
): Float64Array {
  const scales = new Set(
    graph.nodes.flatMap(({ opType, inputs }) => (opType === 'BatchNormalization' ? [inputs[1]] : [])),
  );
  const scored = group.units.map(({ members }) => {
    const own = members.filter(({ name }) => criterion === 'bn-scale' && scales.has(name));
    const chosen = own.length > 0 ? own : members.filter(({ makes }) => makes);
    return new Map(
      sliced(chosen).map(([key, slices]) => [
        key,
        criterion === 'taylor' ? squaredSum(graph, slices, products) : norm(graph, slices),
      ]),
    );
  });
  const means = new Map<string, number>();
  for (const score of scored) for (const [key, value] of score) means.set(key, (means.get(key) ?? 0) + value);
  return Float64Array.from(scored, (score) => {
    let sum = 0;
    for (const [key, value] of score) sum += (value * group.units.length) / Math.max(means.get(key)!, 1e-30);
    return score.size === 0 ? 0 : sum / score.size;
  });
}

/** Members by weight and axis. */
function sliced(members: readonly Member[]): [string, Member[]][] {
  const byAxis = new Map<string, Member[]>();
  for (const member of members) {
    const key = `${member.name}:${member.axis}`;
    const known = byAxis.get(key);
    if (known === undefined) byAxis.set(key, [member]);
    else known.push(member);
  }
  return [...byAxis];
}

function norm({ initializers }: Graph, members: readonly Member[]): number {
  let sum = 0;
  for (const member of members) {
    const tensor = initializers.get(member.name)!;
    eachElement(tensor, member, (index) => {
      sum += Number(tensor.data[index]) ** 2;
    });
  }
  return sum;
}

function squaredSum({ initializers }: Graph, members: readonly Member[], products: ByElement): number {
  let sum = 0;
  for (const member of members) {
    const values = products.get(member.name);
    if (values === undefined) continue;
    eachElement(initializers.get(member.name)!, member, (index) => {
      sum += values[index];
    });
  }
  return sum * sum;
}

/** Positions of the elements of a slice. */
export function eachElement(
  { shape }: Pick<Tensor, 'shape'>,
  { axis, index }: Pick<Member, 'axis' | 'index'>,
  use: (position: number) => void,
): void {
  const inner = sizeOf(shape.slice(axis + 1));
  const outer = sizeOf(shape.slice(0, axis));
  for (let o = 0; o < outer; o++) {
    const from = (o * shape[axis] + index) * inner;
    for (let i = 0; i < inner; i++) use(from + i);
  }
}
