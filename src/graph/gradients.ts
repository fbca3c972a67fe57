import { BallastError } from '../errors.js';
import type { Application, Composite, GraphBuilder, TapeEntry, Value } from './builder.js';
import { isFloat } from './operators/operator.js';
import { operatorOf } from './operators/registry.js';

/**
 * Reverse-mode differentiation, graph to graph: adds to the builder the nodes that compute d`output`/d`wrt`.
 *
 * The tape (every operator application, in order) is walked backwards. Each value collects the gradients that arrive
 * from its consumers; when the walk reaches the application that made it, their sum is handed to the operator's rule,
 * which adds nodes for the gradients of its inputs. Applications through which no wanted value is reached are skipped,
 * so that no work is done for constants and data.
 *
 * @param output scalar to differentiate (or any value, with `seed` of its shape as the gradient to start from)
 * @param wrt values to differentiate by: inputs, initializers or intermediate values
 * @returns one gradient per `wrt`, of its shape; undefined where `output` does not depend on it
 * @throws BallastError GRAPH_NOT_DIFFERENTIABLE naming node and operator, where an operator on the way has no rule
 */
export function gradients(
  b: GraphBuilder,
  output: Value,
  wrt: readonly Value[],
  seed: Value = b.scalar(1, output.type, output.shape),
): (Value | undefined)[] {
  const tape = b.tape.slice();
  const reaches = reachedFrom(
    tape,
    wrt.map((value) => value.name),
  );
  const arriving = new Map<string, Value[]>([[output.name, [seed]]]);
  const arrive = (name: string, gradient: Value): void => {
    const parts = arriving.get(name);
    if (parts === undefined) arriving.set(name, [gradient]);
    else parts.push(gradient);
  };
  const collect = (name: string): Value | undefined => {
    const parts = arriving.get(name);
    if (parts === undefined || parts.length === 1) return parts?.[0];
    const sum = parts.length === 2 ? b.add(parts[0], parts[1]) : b.op('Sum', parts);
    arriving.set(name, [sum]);
    return sum;
  };

  const walk = (entries: readonly TapeEntry[]): void => {
    for (let i = entries.length - 1; i >= 0; i--) {
      const entry = entries[i];
      const needs = entry.inputs.map((input) => input !== undefined && reaches.has(input.name));
      if (!needs.some(Boolean)) continue;
      const flowing = entry.outputs.map((made) => (reaches.has(made.name) ? collect(made.name) : undefined));
      if (flowing.some((gradient) => gradient !== undefined)) {
        const inputGradients =
          entry.kind === 'composite' ? entry.gradient(flowing) : applyRule(b, entry, flowing, needs);
        entry.inputs.forEach((input, index) => {
          const gradient = inputGradients[index];
          if (input !== undefined && gradient !== undefined && needs[index]) arrive(input.name, gradient);
        });
      }
      if (entry.kind === 'composite') walkInside(entry, flowing);
    }
  };
  // A first derivative may have used values inside a composite: what flows back to those takes the long way. What
  // reached the outputs has been dealt with.
  const walkInside = (entry: Composite, flowing: readonly (Value | undefined)[]): void => {
    for (const made of entry.outputs) arriving.delete(made.name);
    walk(entry.inner);
    entry.outputs.forEach((made, index) => {
      const gradient = flowing[index];
      if (gradient !== undefined) arrive(made.name, gradient);
    });
  };
  walk(tape);
  return wrt.map((value) => collect(value.name));
}

/** Names of the float values that depend on the given ones. */
function reachedFrom(tape: readonly TapeEntry[], names: readonly string[]): ReadonlySet<string> {
  const reaches = new Set(names);
  const visit = (entries: readonly TapeEntry[]): void => {
    for (const entry of entries) {
      if (stopsHere(entry) || !entry.inputs.some((input) => input !== undefined && reaches.has(input.name))) continue;
      if (entry.kind === 'composite') visit(entry.inner);
      for (const made of entry.outputs) if (isFloat(made.type)) reaches.add(made.name);
    }
  };
  visit(tape);
  return reaches;
}

function stopsHere(entry: TapeEntry): boolean {
  return entry.kind === 'node' && operatorOf(entry.node.opType, entry.node.domain)?.gradient === 'zero';
}

function applyRule(
  b: GraphBuilder,
  entry: Application,
  outputGradients: readonly (Value | undefined)[],
  needs: readonly boolean[],
): readonly (Value | undefined)[] {
  const { node, inputs, outputs } = entry;
  const rule = operatorOf(node.opType, node.domain)?.gradient;
  if (rule === undefined || rule === 'zero') {
    throw new BallastError(`operator ${node.opType} has no gradient rule`, {
      code: 'GRAPH_NOT_DIFFERENTIABLE',
      place: `node ${node.name}`,
      remedy: 'Freeze the layers before it, or replace it; docs/operators.md lists what differentiates',
    });
  }
  return rule({ b, node, inputs, outputs, gradients: outputGradients, needs });
}
