import type { Graph } from '../../graph/model.js';
import { sizeOf, type Tensor } from '../../graph/tensor.js';
import type { Member, PrunableGroup } from './groups.js';

/** How it is judged what a unit is worth. */
export const CRITERIA = ['magnitude', 'bn-scale', 'taylor', 'movement'] as const;
export type Criterion = (typeof CRITERIA)[number];

/** A number for each element of some weights, by name: weight times gradient, or how far a weight moved away from 0. */
export type ByElement = ReadonlyMap<string, Float32Array>;

/**
 * What each unit of a group is worth, the mean over a group being 1:
 *
 * - `magnitude`: squared norm of the weights that make it, each weight by its mean (Li et al., 2017);
 * - `bn-scale`: |scale| of the normalizations behind it, magnitude where there is none (Liu et al., Network Slimming, 2017);
 * - `taylor`: squared sum of weight times gradient of the loss over what makes it: what the loss would change to first
 *   order (Molchanov et al., 2019);
 * - `movement`: how much what makes it moves away from 0 while it is trained (Sanh et al., 2020; by blocks as Lagunas et al.,
 *   2021); below 0 for what training makes smaller, the mean absolute value over a group being 1.
 *
 * @param products for `taylor` and `movement`
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
    return new Map(sliced(chosen).map(([key, slices]) => [key, worthOf(graph, slices, criterion, products)]));
  });
  const means = new Map<string, number>();
  for (const score of scored) for (const [key, value] of score) means.set(key, (means.get(key) ?? 0) + Math.abs(value));
  return Float64Array.from(scored, (score) => {
    let sum = 0;
    for (const [key, value] of score) sum += (value * group.units.length) / Math.max(means.get(key)!, 1e-30);
    return score.size === 0 ? 0 : sum / score.size;
  });
}

function worthOf(graph: Graph, members: readonly Member[], criterion: Criterion, products: ByElement): number {
  if (criterion === 'taylor') return sumOver(graph, members, products) ** 2;
  return criterion === 'movement' ? sumOver(graph, members, products) : norm(graph, members);
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

function sumOver({ initializers }: Graph, members: readonly Member[], products: ByElement): number {
  let sum = 0;
  for (const member of members) {
    const values = products.get(member.name);
    if (values === undefined) continue;
    eachElement(initializers.get(member.name)!, member, (index) => {
      sum += values[index];
    });
  }
  return sum;
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
