import { BallastError } from '../../errors.js';
import { type Graph, int, ints, type Model, strings, type ValueInfo } from '../../graph/model.js';
import { renameValues } from '../../graph/rename.js';
import { ENCODED_KEY, ENCODER_PREFIX } from './encoded-part.js';
import { MISSING_INTEGER } from './feature-block.js';
import { ML_DOMAIN, NodeList } from './node-list.js';
import { type NetworkInput, type Preprocessor, rawValueInfo } from './preprocessor.js';
import type { ClassLabel } from './target.js';

export interface ExportOptions {
  /** Entries of the model's metadata beside those that the export writes. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Opset imports of the network (a foreign one); default: opset 21. */
  readonly opsets?: ReadonlyMap<string, number>;
  readonly producer?: Model['producer'];
}

const OPSET = 21;
const IR_VERSION = 10;
const ML_OPSET = 3;
/** StringSplit, which bags of words need. */
const OPSET_WITH_STRINGS = 20;
/** Outputs in the unit of the target. */
const DEVIATIONS: readonly string[] = ['deviation', 'predictiveDeviation'];
/** Beginning of the names of outputs that predict further targets, each in its own unit. */
export const PREDICTION_OF = 'prediction.';
/** Output of a mixture of networks: the share of them that decides for each class, by which one may be drawn. */
export const VOTES = 'votes';

/**
 * The served model: raw columns -> encoding -> network -> answers, as one ONNX model.
 *
 * Inputs are the raw columns ({@link Preprocessor.inputs}), [N, 1] or [N, ...shape]. Outputs of a classifier:
 * `logits` and `probabilities` float32 [N, classes], `labelIndex` int64 [N], `label` [N] in the target's own terms
 * (string or int64). Of a regression: `prediction` float32 [N, 1] on the target's own scale, and `prediction.NAME` of each
 * further target that the network predicts. Beside them what the network
 * says of its uncertainty, where it does: `entropy` and `mutualInformation`, or `deviation` and `predictiveDeviation`, [N, 1]; and
 * the `votes` of a mixture, [N, classes].
 *
 * Metadata: `ballast.task`, `ballast.classes`, `ballast.inputs`, which says what each input is made of, and
 * `ballast.encoded`, which says where the preprocessing ends and the network begins.
 *
 * @param network float32 logits [N, classes] (for two classes also [N, 1], the log odds of the second), or predictions
 *   [N, 1] of the standardised target, from inputs named as {@link Preprocessor.outputs}; N symbolic
 * @throws BallastError EXPORT_INPUT, EXPORT_OUTPUT, EXPORT_OPSET, EXPORT_NO_TARGET
 */
export function exportModel(preprocessor: Preprocessor, network: Graph, options: ExportOptions = {}): Model {
  const { metadata = {}, producer = { name: 'ballast', version: '' } } = options;
  const opsets = exportOpsets(preprocessor, options.opsets);
  const list = new NodeList(ENCODER_PREFIX);
  const encoded = preprocessor.appendTo(list);
  checkInputs(network, preprocessor.outputs);
  const output = network.outputs[0];
  if (output === undefined) throw new BallastError('the network has no output', { code: 'EXPORT_OUTPUT' });
  const isInput = new Set(network.inputs.map(({ name }) => name));
  const inner = renameValues(
    network,
    (name) => (isInput.has(name) && encoded[name] !== undefined ? encoded[name] : `network/${name}`),
    'network/',
  );
  const head = new NodeList('output/');
  const result = head.op('Flatten', [inner.outputs[0].name], { axis: int(1) });
  const answers =
    preprocessor.classes === undefined
      ? predictionOutputs(head, result, preprocessor)
      : classOutputs(head, result, preprocessor.classes, widthOf(output));
  const outputs = [
    ...answers,
    ...furtherPredictions(head, network, inner, preprocessor),
    ...uncertaintyOutputs(head, network, inner, preprocessor),
  ];
  return {
    irVersion: IR_VERSION,
    opsets,
    producer,
    graph: {
      name: network.name,
      inputs: preprocessor.inputs.map(rawValueInfo),
      outputs,
      initializers: new Map([...list.initializers, ...inner.initializers, ...head.initializers]),
      nodes: [...list.nodes, ...inner.nodes, ...head.nodes],
      valueInfo: new Map(),
    },
    metadata: new Map(Object.entries({ ...metadata, ...describe(preprocessor, encoded) })),
  };
}

function exportOpsets(preprocessor: Preprocessor, given: ReadonlyMap<string, number> | undefined): Map<string, number> {
  const opsets = new Map(given ?? [['', OPSET]]);
  if (!opsets.has(ML_DOMAIN)) opsets.set(ML_DOMAIN, ML_OPSET);
  const opset = opsets.get('') ?? OPSET;
  opsets.set('', opset);
  if (preprocessor.state.texts.length > 0 && opset < OPSET_WITH_STRINGS) {
    throw new BallastError(`text columns need opset ${OPSET_WITH_STRINGS}, but the network is of opset ${opset}`, {
      code: 'EXPORT_OPSET',
      remedy: 'Exclude the text columns, or convert the network to a newer opset.',
    });
  }
  return opsets;
}

function checkInputs(network: Graph, encoded: readonly NetworkInput[]): void {
  const known = new Map(encoded.map((input) => [input.name, input]));
  for (const { name, type, shape } of network.inputs) {
    if (network.initializers.has(name) && !known.has(name)) continue;
    const made = known.get(name);
    const fits =
      made !== undefined &&
      made.type === type &&
      (shape === undefined ||
        (shape.length === made.shape.length + 1 &&
          made.shape.every((extent, i) => typeof shape[i + 1] !== 'number' || shape[i + 1] === extent)));
    if (fits) continue;
    const offered = encoded.map((input) => `${input.name}: ${input.type} [N, ${input.shape.join(', ')}]`).join('; ');
    throw new BallastError(
      `the network takes "${name}": ${type} [${shape?.join(', ') ?? ''}], which the data does not give`,
      {
        code: 'EXPORT_INPUT',
        place: `input ${name}`,
        remedy: `The encoded data are ${offered}.`,
      },
    );
  }
}

/** Outputs of one row, where the network says: the last extent. */
function widthOf({ shape }: ValueInfo): number | undefined {
  const extents = shape?.slice(1) ?? [];
  if (extents.length === 0 || !extents.every((extent) => typeof extent === 'number')) return undefined;
  return extents.reduce((size, extent) => size * extent, 1);
}

function classOutputs(
  list: NodeList,
  result: string,
  classes: readonly ClassLabel[],
  width: number | undefined,
): ValueInfo[] {
  if (width !== undefined && width !== classes.length && !(width === 1 && classes.length === 2)) {
    throw new BallastError(`the network has ${width} outputs for ${classes.length} classes`, { code: 'EXPORT_OUTPUT' });
  }
  // One output is the log odds of the second class: as two logits, 0 and z, whose softmax is the sigmoid.
  const logits = width === 1 ? list.concatenate([list.op('Sub', [result, result]), result]) : result;
  const index = list.op('ArgMax', [logits], { axis: int(1), keepdims: int(0) });
  list.name('Identity', [logits], 'logits');
  list.name('Softmax', [logits], 'probabilities', { axis: int(1) });
  list.name('Identity', [index], 'labelIndex');
  const isText = typeof classes[0] === 'string';
  if (isText) {
    list.name(
      'LabelEncoder',
      [index],
      'label',
      {
        keys_int64s: ints(classes.map((_, position) => position)),
        values_strings: strings(classes as readonly string[]),
      },
      ML_DOMAIN,
    );
  } else {
    list.name('Gather', [list.integers(classes as readonly number[]), index], 'label');
  }
  return [
    { name: 'logits', type: 'float32', shape: ['batch', classes.length] },
    { name: 'probabilities', type: 'float32', shape: ['batch', classes.length] },
    { name: 'labelIndex', type: 'int64', shape: ['batch'] },
    { name: 'label', type: isText ? 'string' : 'int64', shape: ['batch'] },
  ];
}

function predictionOutputs(list: NodeList, result: string, { targetScaling }: Preprocessor): ValueInfo[] {
  if (targetScaling === undefined) {
    throw new BallastError('a model is exported with the target that it predicts, but none was fitted', {
      code: 'EXPORT_NO_TARGET',
      place: 'data.target',
    });
  }
  const scaled = list.op('Mul', [result, list.floats(targetScaling.scale)]);
  list.name('Add', [scaled, list.floats(targetScaling.mean)], 'prediction');
  return [{ name: 'prediction', type: 'float32', shape: ['batch', 1] }];
}

/** @throws BallastError EXPORT_OUTPUT where a raw column is named as such an output */
function furtherPredictions(list: NodeList, network: Graph, inner: Graph, { inputs }: Preprocessor): ValueInfo[] {
  return network.outputs.flatMap(({ name }, i) => {
    if (!name.startsWith(PREDICTION_OF)) return [];
    if (inputs.some((input) => input.name === name)) {
      throw new BallastError(`the model has an output "${name}", and an input of that name`, {
        code: 'EXPORT_OUTPUT',
        place: name,
        remedy: 'Rename the column',
      });
    }
    list.name('Identity', [inner.outputs[i].name], name);
    return [{ name, type: 'float32', shape: ['batch', 1] }];
  });
}

/**
 * What a network says of its own uncertainty, where it does: `entropy` and `mutualInformation` in nats as they are,
 * `deviation` and `predictiveDeviation` on the target's own scale; and the votes of a mixture.
 */
function uncertaintyOutputs(
  list: NodeList,
  network: Graph,
  inner: Graph,
  { targetScaling, classes }: Preprocessor,
): ValueInfo[] {
  return network.outputs.flatMap(({ name }, i) => {
    if (i > 0 && name === VOTES) {
      list.name('Identity', [inner.outputs[i].name], name);
      return [{ name, type: 'float32', shape: ['batch', classes?.length ?? 1] }];
    }
    if (i === 0 || !['entropy', 'mutualInformation', ...DEVIATIONS].includes(name)) return [];
    const scale = DEVIATIONS.includes(name) ? targetScaling?.scale : undefined;
    if (scale === undefined) list.name('Identity', [inner.outputs[i].name], name);
    else list.name('Mul', [inner.outputs[i].name, list.floats(scale)], name);
    return [{ name, type: 'float32', shape: ['batch', 1] }];
  });
}

function describe(preprocessor: Preprocessor, encoded: Readonly<Record<string, string>>): Record<string, string> {
  const inputs = preprocessor.inputs.map(({ name, column, type, shape }) => ({
    name,
    column,
    type,
    shape,
    missing: type === 'string' ? '' : type === 'float32' ? 'NaN' : String(MISSING_INTEGER),
  }));
  return {
    'ballast.task': preprocessor.classes === undefined ? 'regression' : 'classification',
    'ballast.inputs': JSON.stringify(inputs),
    [ENCODED_KEY]: JSON.stringify(
      preprocessor.outputs.map(({ name, type, shape }) => ({ name, value: encoded[name], type, shape })),
    ),
    ...(preprocessor.classes === undefined ? {} : { 'ballast.classes': JSON.stringify(preprocessor.classes) }),
  };
}
