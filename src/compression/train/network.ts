import { BallastError } from '../../errors.js';
import { logitsOf } from '../../evaluation/classifier-output.js';
import type { Graph, Model } from '../../graph/model.js';
import type { InputDescription } from '../../regularizers/regularizer.js';
import type { Examples } from '../examples.js';

/** The graph that is trained: one output of scores before any Softmax, named as the examples' output leads to it. */
export function trainable({ graph }: Model, { output, task, classes }: Examples): Graph {
  if (output.kind === 'labels') throw untrainable('its output is labels, which have no gradient');
  const { source, name } = logitsOf(graph, output.name);
  if (output.kind === 'probabilities' && name === output.name) {
    throw untrainable('its probabilities do not come from a Softmax at the end');
  }
  const width = graph.outputs.find((candidate) => candidate.name === output.name)?.shape?.at(-1);
  const wanted = task === 'classification' ? classes.length : 1;
  if (typeof width === 'number' && width !== wanted) {
    throw untrainable(`it gives ${width} values a row, and training wants ${wanted}`);
  }
  return { ...source, outputs: [{ name, type: 'float32', shape: ['batch', wanted] }] };
}

function untrainable(reason: string): BallastError {
  return new BallastError(`the model cannot be trained further: ${reason}`, {
    code: 'MODEL_NOT_TRAINABLE',
    remedy: 'Name an output of logits with --output, or compress without training (--epochs 0)',
  });
}

/** Inputs as training describes them; by their shapes, where nothing more is known. */
export function describeInputs({ inputs }: Pick<Examples, 'inputs'>): (InputDescription & {
  readonly type: Examples['inputs'][string]['type'];
})[] {
  return Object.entries(inputs).map(([name, { type, shape }]) => ({
    name,
    type,
    shape: shape.slice(1),
    content:
      type === 'int64' || type === 'int32'
        ? 'tokens'
        : shape.length === 4
          ? 'image'
          : shape.length === 3
            ? 'series'
            : 'tabular',
  }));
}
