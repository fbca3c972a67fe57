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
import type { Model } from '../graph/model.js';
import { renameValues } from '../graph/rename.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { differentiablePart, evenly } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import { codesIn, numbersIn } from './score.js';

export interface SubjectRequest {
  /** As it was read. */
  readonly model: Model;
  readonly ports: ModelPorts;
  readonly table: Table;
  /** Those that may be used; locked ones are not among them. */
  readonly rows: Uint32Array;
  readonly roles: Roles;
  readonly primary: string;
  readonly seed: number;
  readonly source: Subject['source'];
  /** At most so many rows, evenly spaced. */
  readonly mostRows: number;
}

/** Shares of the rows. */
const TUNE = 0.2;
const JUDGE = 0.3;

/**
 * A model with rows as compression works on it: the network of a model that Ballast exported on encoded rows, all of another
 * model on its inputs. Rows are cut into those to fit, tune and judge on by their content, so that equal rows stay together.
 *
 * @throws BallastError COMPRESS_ROWS, EVALUATE_TARGET, MODEL_FIXED_BATCH
 */
export async function compressionSubject(runtime: Runtime, request: SubjectRequest): Promise<Subject> {
  const { model, ports, table, roles, primary, seed, source } = request;
  const rows = evenly(request.rows, request.mostRows);
  const target = findColumn(table, roles.target ?? '');
  if (target === undefined) {
    throw new BallastError(`the data has no column "${roles.target ?? ''}", the target`, { code: 'EVALUATE_TARGET' });
  }
  const codes = ports.task === 'classification' ? codesIn(target, rows, ports.classes) : numbersIn(target, rows);
  const part = await differentiablePart(runtime, { model, ports, table, rows });
  const { model: network } = await prepareModel(
    runtime,
    { ...model, graph: part.graph },
    { foldNormalizations: false },
  );
  const weight = roles.weight === undefined ? undefined : findColumn(table, roles.weight);
  const examples: Examples = {
    task: ports.task,
    classes: ports.classes,
    output: ports.output,
    inputs: part.inputs,
    target: codes,
    weights: weight?.kind === 'number' ? numbersIn(weight, rows) : undefined,
  };
  const hashes = rowHashes(table);
  const parts = partsOf(
    BigUint64Array.from(rows, (row) => hashes[row]),
    ports.task === 'classification' ? (codes as Int32Array) : undefined,
    seed,
  );
  const { encoder } = part;
  return {
    network,
    examples,
    rows: parts,
    primary,
    seed,
    deploy: (made) => (encoder === undefined ? made : joined(encoder, made)),
    request: ports.feed(table, rows.subarray(0, 1)),
    source,
    dataVersion: contentVersion(table),
  };
}

/** Fewer rows say too little about what is lost. */
const LEAST_ROWS = 60;

function partsOf(hashes: BigUint64Array, strata: Int32Array | undefined, seed: number): Parts {
  if (hashes.length < LEAST_ROWS) {
    throw new BallastError(`${hashes.length} rows are too few to compress a model on`, {
      code: 'COMPRESS_ROWS',
      remedy: `Give ${LEAST_ROWS} at least, some thousand are better; a single step (--method) needs fewer`,
    });
  }
  const { train, validation, holdout } = split(
    { hashes, ...(strata === undefined ? {} : { strata }) },
    { strategy: strata === undefined ? 'random' : 'stratified', validation: TUNE, holdout: JUDGE, seed },
  );
  return { fit: train, tune: validation, judge: holdout };
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
