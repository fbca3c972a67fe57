import type { Examples } from '../compression/examples.js';
import type { Parts, Subject } from '../compression/pipeline/subject.js';
import { prepareModel } from '../compression/quantize/prepare.js';
import { ENCODED_KEY, ENCODED_PREFIX } from '../data/preprocess/encoded-part.js';
import type { Roles } from '../data/roles.js';
import { split } from '../data/split.js';
import type { Table } from '../data/table.js';
import { findColumn } from '../data/table.js';
import { contentVersion, rowHashes } from '../data/version.js';
import { BallastError } from '../errors.js';
import type { Graph, Model } from '../graph/model.js';
import { renameValues } from '../graph/rename.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../graph/tensor.js';
import { differentiablePart, evenly } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import { codesIn, numbersIn } from './score.js';

/** Rows of a table. */
export interface RowSource {
  readonly table: Table;
  /** Those that may be used; locked ones are not among them. */
  readonly rows: Uint32Array;
  readonly roles: Roles;
}

export interface SubjectRequest {
  /** As it was read. */
  readonly model: Model;
  readonly ports: ModelPorts;
  /** Rows to calibrate and train on; also those to judge on, where no others are given. */
  readonly fit: RowSource;
  /** Rows that the model was not trained on. */
  readonly judge?: RowSource | undefined;
  readonly primary: string;
  readonly seed: number;
  readonly source: Subject['source'];
  /** At most so many rows of each source, evenly spaced. */
  readonly mostRows: number;
}

/** Shares of the rows, where one source gives all. */
const TUNE = 0.2;
const JUDGE = 0.3;
/** Share of the rows to judge on, where they are given, that epoch and temperature are chosen on. */
const TUNE_OF_JUDGE = 0.4;

/**
 * A model with rows as compression works on it: the network of a model that Ballast exported on encoded rows, all of another
 * model on its inputs. Rows are cut into those to fit, tune and judge on by their content, so that equal rows stay together.
 *
 * @throws BallastError COMPRESS_ROWS, EVALUATE_TARGET, MODEL_FIXED_BATCH
 */
export async function compressionSubject(runtime: Runtime, request: SubjectRequest): Promise<Subject> {
  const { model, ports, primary, seed, source, mostRows } = request;
  const first = await encodedRows(runtime, request, { ...request.fit, rows: evenly(request.fit.rows, mostRows) });
  const second =
    request.judge === undefined
      ? undefined
      : await encodedRows(runtime, request, { ...request.judge, rows: evenly(request.judge.rows, mostRows) });
  const all = second === undefined ? first : together(first, second);
  const { graph, encoder } = first;
  const { model: network } = await prepareModel(runtime, { ...model, graph }, { foldNormalizations: false });
  const { task, classes, output } = ports;
  const rows =
    second === undefined
      ? partsOf(first, { tune: TUNE, judge: JUDGE, seed })
      : partsOfTwo(first.hashes.length, partsOf(second, { tune: 0, judge: 1 - TUNE_OF_JUDGE, seed }));
  const judged = request.judge ?? request.fit;
  return {
    network,
    examples: { task, classes, output, inputs: all.inputs, target: all.target, weights: all.weights },
    rows,
    primary,
    seed,
    deploy: (made) => (encoder === undefined ? made : joined(encoder, made)),
    request: ports.feed(judged.table, judged.rows.subarray(0, 1)),
    source,
    dataVersion: contentVersion(judged.table),
  };
}

interface EncodedRows extends Pick<Examples, 'inputs' | 'target' | 'weights'> {
  readonly graph: Graph;
  readonly encoder: Model | undefined;
  readonly hashes: BigUint64Array;
  readonly classification: boolean;
}

async function encodedRows(
  runtime: Runtime,
  { model, ports }: SubjectRequest,
  { table, rows, roles }: RowSource,
): Promise<EncodedRows> {
  const column = findColumn(table, roles.target ?? '');
  if (column === undefined) {
    throw new BallastError(`the data has no column "${roles.target ?? ''}", the target`, { code: 'EVALUATE_TARGET' });
  }
  const classification = ports.task === 'classification';
  const weight = roles.weight === undefined ? undefined : findColumn(table, roles.weight);
  const hashes = rowHashes(table);
  return {
    ...(await differentiablePart(runtime, { model, ports, table, rows })),
    target: classification ? codesIn(column, rows, ports.classes) : numbersIn(column, rows),
    weights: weight?.kind === 'number' ? numbersIn(weight, rows) : undefined,
    hashes: BigUint64Array.from(rows, (row) => hashes[row]),
    classification,
  };
}

/** The rows of both, those of the first first. */
function together(first: EncodedRows, second: EncodedRows): Pick<Examples, 'inputs' | 'target' | 'weights'> {
  const { weights, target } = first;
  const inputs = Object.entries(first.inputs).map(([name, { type, shape, data }]): [string, Tensor<NumericArray>] => {
    const other = second.inputs[name];
    const joinedData = new (data.constructor as Float32ArrayConstructor)(data.length + other.data.length);
    joinedData.set(data as Float32Array);
    joinedData.set(other.data as Float32Array, data.length);
    return [name, { type, shape: [shape[0] + other.shape[0], ...shape.slice(1)], data: joinedData }];
  });
  const numbers = [...target, ...second.target];
  return {
    inputs: Object.fromEntries(inputs),
    target: target instanceof Int32Array ? Int32Array.from(numbers) : Float64Array.from(numbers),
    weights:
      weights === undefined || second.weights === undefined
        ? undefined
        : Float64Array.from([...weights, ...second.weights]),
  };
}

/** Fewer rows say too little about what is lost. */
const LEAST_ROWS = 60;

function partsOf(
  { hashes, target, classification }: EncodedRows,
  { tune, judge, seed }: { tune: number; judge: number; seed: number },
): Parts {
  if (hashes.length < LEAST_ROWS) {
    throw new BallastError(`${hashes.length} rows are too few to judge a compressed model on`, {
      code: 'COMPRESS_ROWS',
      remedy: `Give ${LEAST_ROWS} at least, some thousand are better; a single step (--method) needs fewer`,
    });
  }
  const { train, validation, holdout } = split(
    { hashes, ...(classification ? { strata: target as Int32Array } : {}) },
    { strategy: classification ? 'stratified' : 'random', validation: tune, holdout: judge, seed },
  );
  return { fit: train, tune: validation, judge: holdout };
}

/** All of the first source to fit on; the second cut into those to tune and to judge on. */
function partsOfTwo(count: number, { fit, judge }: Parts): Parts {
  const behind = (rows: Uint32Array): Uint32Array => rows.map((row) => row + count);
  return { fit: Uint32Array.from({ length: count }, (_, row) => row), tune: behind(fit), judge: behind(judge) };
}

/** The encoder, and behind it the network: a model of raw columns again. */
function joined(encoder: Model, network: Model): Model {
  const inner = renameValues(
    network.graph,
    (name) => (network.graph.outputs.some((output) => output.name === name) ? name : `network/${name}`),
    'network/',
  );
  const given = new Map(inner.inputs.map(({ name }) => [name, `${ENCODED_PREFIX}${name.slice('network/'.length)}`]));
  const nodes = inner.nodes.map((node) => ({ ...node, inputs: node.inputs.map((name) => given.get(name) ?? name) }));
  const { graph } = encoder;
  const encoded = network.graph.inputs.map(({ name, type, shape }) => ({
    name,
    value: `${ENCODED_PREFIX}${name}`,
    type,
    shape: (shape ?? []).slice(1),
  }));
  return {
    ...network,
    opsets: new Map([...encoder.opsets, ...network.opsets]),
    metadata: new Map([...network.metadata, [ENCODED_KEY, JSON.stringify(encoded)]]),
    graph: {
      ...graph,
      outputs: inner.outputs,
      nodes: [...graph.nodes, ...nodes],
      initializers: new Map([...graph.initializers, ...inner.initializers]),
      valueInfo: new Map(),
    },
  };
}
