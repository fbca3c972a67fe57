import { stringAttribute } from '../../../graph/operators/operator.js';
import type { Axis, Units } from '../units.js';
import { type Rule, staying } from './rule.js';

/**
 * Hidden units of a recurrent layer: a unit is a row of each gate in W, R and B (and P of an LSTM), a column of R, an element
 * of every state. Both directions lie in the same tensors, so that they lose the same units. What is put in may lose features.
 */
const recurrent: Rule = ({ node, units, axes, makes }) => {
  // Batch first is something that the runtime has no kernel for.
  if (node.attributes.layout?.kind === 'int' && node.attributes.layout.value !== 0) return undefined;
  if (!/^(forward|reverse|bidirectional)$/.test(stringAttribute(node.attributes, 'direction', 'forward')))
    return undefined;
  const [x, w, r] = [axes(0), axes(1), axes(2)];
  const present = (input: number): boolean => (node.inputs[input] ?? '') !== '';
  units.fix(x[0]);
  for (let input = 1; input < node.inputs.length; input++) if (present(input) && input !== 4) units.fix(axes(input)[0]);
  units.merge(x[2], w[2]);
  makes(1, 1);
  makes(2, 1);
  let hidden = r[2];
  let batch = x[1];
  for (const input of [5, 6]) {
    if (!present(input)) continue;
    batch = units.merge(batch, axes(input)[1]);
    hidden = units.merge(hidden, axes(input)[2]);
  }
  for (const [input, axis] of [
    [1, 1],
    [2, 1],
    [3, 1],
    [7, 1],
  ]) {
    if (present(input)) joinGates(units, hidden, axes(input)[axis]);
  }
  if (present(4)) batch = units.merge(batch, axes(4)[0]);
  return node.outputs.map((_, i) => (i === 0 ? [...staying(2), batch, hidden] : [undefined, batch, hidden]));
};

/** Rows of gates, one block of all hidden units after another. */
function joinGates(units: Units, hidden: Axis, gates: Axis): void {
  if (hidden === undefined || gates === undefined) {
    units.fix(hidden);
    units.fix(gates);
    return;
  }
  gates.forEach((unit, row) => {
    units.join(unit, hidden[row % hidden.length]);
  });
}

export const RECURRENT: Readonly<Record<string, Rule>> = { RNN: recurrent, GRU: recurrent, LSTM: recurrent };
