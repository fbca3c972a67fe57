import { GraphBuilder, type Value } from '../graph/builder.js';
import type { Graph, ValueInfo } from '../graph/model.js';
import { convolutional } from './cnn.js';
import { type ModelInput, severalInputs, wrongInput } from './inputs.js';
import { LayerBuilder } from './layers.js';
import { logMel } from './log-mel.js';
import type { NativeModelOptions } from './options.js';
import { transformer } from './transformer.js';

export interface ModelSetting {
  readonly inputs: readonly ModelInput[];
  /** Classes, or 1 for regression. */
  readonly outputs: number;
  readonly seed: number;
}

/**
 * Builds an architecture with its initial weights. The result takes `inputs` with a leading symbolic `batch` axis and
 * gives `output` [batch, outputs]: logits, or the standardised prediction.
 *
 * @throws BallastError MODEL_INPUT where the architecture does not take such inputs
 */
export function buildModel(options: NativeModelOptions, { inputs, outputs, seed }: ModelSetting): Graph {
  const b = new GraphBuilder(options.type);
  const layers = new LayerBuilder(b, seed);
  const raw = inputs.map(({ name, type, shape }) => b.input(name, type, [1, ...shape]));
  const { values, seen } = seenThrough(options, layers, raw, inputs);
  const hidden = hiddenLayers(options, layers, values, seen);
  b.output('output', layers.dense(hidden, outputs, { gain: 1, name: 'output' }));
  const graph = b.graph();
  const anyBatch = (info: ValueInfo): ValueInfo => ({ ...info, shape: ['batch', ...(info.shape ?? []).slice(1)] });
  return { ...graph, inputs: graph.inputs.map(anyBatch), outputs: graph.outputs.map(anyBatch) };
}

/** Inputs as the layers see them: waveforms as spectrograms, for a cnn as images of bands by frames. */
function seenThrough(
  { type, frontEnd }: NativeModelOptions,
  layers: LayerBuilder,
  values: readonly Value[],
  inputs: readonly ModelInput[],
): { readonly values: readonly Value[]; readonly seen: readonly ModelInput[] } {
  if (frontEnd === undefined) return { values, seen: inputs };
  const { b } = layers;
  const made = inputs.map((input, i) => {
    const spectrogram = logMel(layers, frontEnd, values[i], input);
    return type === 'cnn' ? b.unsqueeze(b.transpose(spectrogram, [0, 2, 1]), [1]) : spectrogram;
  });
  return { values: made, seen: made.map(({ shape }, i) => ({ ...inputs[i], shape: shape.slice(1) })) };
}

function hiddenLayers(
  options: NativeModelOptions,
  layers: LayerBuilder,
  values: readonly Value[],
  inputs: readonly ModelInput[],
): Value {
  switch (options.type) {
    case 'linear':
    case 'logistic':
      return flat(options.type, layers, values, inputs);
    case 'mlp':
      return options.hidden.reduce(
        (x, width) =>
          layers.site(
            layers.activate(layers.normalize(layers.dense(x, width), options.normalization), options.activation),
          ),
        flat(options.type, layers, values, inputs),
      );
    case 'cnn':
      return convolutional(options, layers, only(options.type, values, inputs, 3));
    case 'transformer':
      return transformer(options, layers, values, inputs);
    default:
      return options satisfies never;
  }
}

/** All inputs as one row of numbers. */
function flat(type: string, layers: LayerBuilder, values: readonly Value[], inputs: readonly ModelInput[]): Value {
  const tokens = inputs.find(({ type: kind }) => kind !== 'float32');
  if (tokens !== undefined) throw wrongInput(type, tokens, 'numbers');
  return layers.b.concat(
    values.map((value) => layers.flatten(value)),
    1,
  );
}

function only(type: string, values: readonly Value[], inputs: readonly ModelInput[], rank: number): Value {
  const wanted = 'one image [channels, height, width]';
  if (inputs.length !== 1) throw severalInputs(type, inputs, wanted);
  const [input] = inputs;
  if (input.shape.length !== rank || input.type !== 'float32') throw wrongInput(type, input, wanted);
  return values[0];
}
