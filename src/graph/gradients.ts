import { BallastError } from '../errors.js';
import type { Application, GraphBuilder, TapeEntry, Value } from './builder.js';
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
  const wanted = new Set(wrt.map((value) => value.name));
  const tape = b.tape.slice();
  const reaches = new Set(wanted);
  for (const entry of tape) {
    if (entry.inputs.some((input) => input !== undefined && reaches.has(input.name)) && !stopsHere(entry)) {
      for (const made of entry.outputs) if (isFloat(made.type)) reaches.add(made.name);
    }
  }

  const arriving = new Map<string, Value[]>([[output.name, [seed]]]);
  const collect = (name: string): Value | undefined => {
    const parts = arriving.get(name);
    if (parts === undefined) return undefined;
    const sum = parts.length === 1 ? parts[0] : parts.reduce((total, part) => b.add(total, part));
    arriving.set(name, [sum]);
    return sum;
  };

  for (let i = tape.length - 1; i >= 0; i--) {
    const entry = tape[i];
    if (!entry.outputs.some((made) => arriving.has(made.name) && reaches.has(made.name))) continue;
    const needs = entry.inputs.map((input) => input !== undefined && reaches.has(input.name));
    if (!needs.some(Boolean)) continue;
    const outputGradients = entry.outputs.map((made) => collect(made.name));
    const inputGradients =
      entry.kind === 'composite' ? entry.gradient(outputGradients) : applyRule(b, entry, outputGradients, needs);
    entry.inputs.forEach((input, index) => {
      const gradient = inputGradients[index];
      if (input === undefined || gradient === undefined || !needs[index]) return;
      const parts = arriving.get(input.name);
      if (parts === undefined) arriving.set(input.name, [gradient]);
      else parts.push(gradient);
    });
  }
  return wrt.map((value) => collect(value.name));
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
