import type { Axis, Units } from '../units.js';
import { type Rule, staying } from './rule.js';

/** What an input axis and an output axis have in common: both are products of such factors, the outermost first. */
interface Factor {
  readonly size: number;
  readonly input: number;
  readonly output: number;
}

/**
 * Axes that are split and merged, several at once too: [batch, heads x width] to [batch x heads, width] is of the factors batch,
 * heads, width. Of each input axis the indices of one factor are what may be lost (heads of an attention): the one by which what
 * goes together is already counted, or else the first, or a later one where the first is read by position (query, key and value in
 * one). An output axis loses every index that a lost one of its factor stands for.
 */
export const reshape: Rule = ({ units, axes, shape, outputShape, losing, chooses }) => {
  const [from, to] = [shape(0), outputShape(0)];
  const given = axes(0);
  const result: Axis[] = staying(to.length);
  for (const { inputs, outputs } of alignedAxes(from, to)) {
    const factors = factorsOf({ inputs, outputs }, from, to);
    if (factors === undefined) {
      for (const i of inputs) units.fix(given[i]);
      continue;
    }
    const losable = new Map<Factor, Int32Array>();
    for (const i of inputs) {
      const axis = given[i];
      const own = factors.filter(({ input }) => input === i);
      if (axis === undefined || own.length === 0) continue;
      const counted = own.find((factor) => countedBy(units, axis, own, factor));
      if (counted === undefined) chooses();
      const chosen = counted ?? own[Math.min(losing, own.length - 1)];
      losable.set(chosen, oneUnitEach(units, axis, own, chosen));
    }
    for (const i of outputs) {
      const own = factors.filter(({ output }) => output === i);
      const [first, ...rest] = own.filter((factor) => losable.has(factor));
      if (first === undefined) continue;
      for (const factor of rest) units.fix(losable.get(factor));
      const kinds = losable.get(first)!;
      const index = indexWithin(own, first);
      const axis = Int32Array.from({ length: to[i] }, (_, at) => kinds[index(at)]);
      if (own.some((factor) => factor !== first && !units.steady(given[factor.input]))) units.mix(axis);
      result[i] = axis;
    }
  }
  return [result];
};

/** From an index of an axis to that of one of its factors. */
function indexWithin(factors: readonly Factor[], chosen: Factor): (index: number) => number {
  const inner = innerOf(factors, chosen);
  return (index) => Math.floor(index / inner) % chosen.size;
}

const innerOf = (factors: readonly Factor[], chosen: Factor): number =>
  factors.slice(factors.indexOf(chosen) + 1).reduce((product, { size }) => product * size, 1);

/** Whether indices that are alike in a factor go together already. */
function countedBy(units: Units, axis: Int32Array, factors: readonly Factor[], chosen: Factor): boolean {
  const [index, inner] = [indexWithin(factors, chosen), innerOf(factors, chosen)];
  return axis.every((unit, at) => units.find(unit) === units.find(axis[index(at) * inner]));
}

/** Joins indices that are alike in a factor; a unit for each of the factor's own indices. */
function oneUnitEach(units: Units, axis: Int32Array, factors: readonly Factor[], chosen: Factor): Int32Array {
  const [index, inner] = [indexWithin(factors, chosen), innerOf(factors, chosen)];
  axis.forEach((unit, at) => {
    units.join(unit, axis[index(at) * inner]);
  });
  return Int32Array.from({ length: chosen.size }, (_, i) => axis[i * inner]);
}

interface Run {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Common factors of both sides of a run; undefined where there are none, as between [4, 6] and [6, 4]. */
function factorsOf({ inputs, outputs }: Run, from: readonly number[], to: readonly number[]): Factor[] | undefined {
  const [wide, narrow] = [inputs.filter((i) => from[i] > 1), outputs.filter((i) => to[i] > 1)];
  const factors: Factor[] = [];
  let [i, j] = [0, 0];
  let [a, b] = [from[wide[0]], to[narrow[0]]];
  while (i < wide.length && j < narrow.length) {
    const size = Math.min(a, b);
    if (a % size !== 0 || b % size !== 0) return undefined;
    factors.push({ size, input: wide[i], output: narrow[j] });
    a /= size;
    b /= size;
    if (a === 1) a = from[wide[++i]];
    if (b === 1) b = to[narrow[++j]];
  }
  return factors;
}

/** Runs of axes on both sides with equal products. */
export function alignedAxes(from: readonly number[], to: readonly number[]): Run[] {
  const runs: Run[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const run = { inputs: [] as number[], outputs: [] as number[] };
    let [a, b] = [1, 1];
    do {
      if ((a <= b && i < from.length) || j >= to.length) {
        a *= from[i];
        run.inputs.push(i++);
      } else {
        b *= to[j];
        run.outputs.push(j++);
      }
    } while (a !== b && (i < from.length || j < to.length));
    runs.push(run);
  }
  return runs;
}
