import { ENCODED_PREFIX, encodedPart } from '../data/preprocess/encoded-part.js';
import type { Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import { writeModel } from '../graph/format/encode.js';
import { normalize } from '../graph/format/normalize.js';
import type { Graph, Model, ValueInfo } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../graph/tensor.js';
import { upgrade } from '../graph/upgrade/index.js';
import { withAnyBatch } from '../models/foreign.js';
import type { ModelPorts } from './model-ports.js';

/** The part of a model that can be differentiated, and what it takes for some rows. */
export interface DifferentiablePart {
  /** Of Ballast's opset. */
  readonly graph: Graph;
  /** [rows, ...] by name of the graph's input. */
  readonly inputs: Readonly<Record<string, Tensor<NumericArray>>>;
  /** What stands before it in a model that Ballast exported: raw columns -> encoded rows. */
  readonly encoder: Model | undefined;
}

/**
 * The network of a model that Ballast exported, on encoded rows; all of another model, on its inputs as they are
 * and for any number of rows where it was exported for one.
 *
 * @param model as it was read
 * @throws BallastError MODEL_FIXED_BATCH
 */
export async function differentiablePart(
  runtime: Runtime,
  {
    model,
    ports,
    table,
    rows,
  }: { readonly model: Model; readonly ports: ModelPorts; readonly table: Table; readonly rows: Uint32Array },
): Promise<DifferentiablePart> {
  if (ports.batch !== undefined && ports.batch !== 1) {
    throw new BallastError(`the model takes exactly ${ports.batch} rows at a time`, {
      code: 'MODEL_FIXED_BATCH',
      remedy: 'Export it with a free batch dimension',
    });
  }
  const parts = encodedPart(model);
  const fed = ports.feed(table, rows);
  if (parts === undefined) {
    const { graph } = upgrade(normalize(model));
    return { graph: withAnyBatch(declared(graph, fed)), inputs: numeric(fed), encoder: undefined };
  }
  const { encoder, network } = parts;
  return {
    graph: upgrade({ ...model, graph: network }).graph,
    inputs: numeric(await encode(runtime, encoder, fed)),
    encoder,
  };
}

/** Inputs that a model declares without a shape have that of the rows. */
function declared(graph: Graph, fed: Readonly<Record<string, Tensor>>): Graph {
  const inputs = graph.inputs.map((info): ValueInfo => {
    const { name, type, shape } = info;
    const given = fed[name];
    return shape !== undefined || given === undefined
      ? info
      : { name, type, shape: ['batch', ...given.shape.slice(1)] };
  });
  return { ...graph, inputs };
}

function numeric(tensors: Readonly<Record<string, Tensor>>): Record<string, Tensor<NumericArray>> {
  return tensors as Record<string, Tensor<NumericArray>>;
}

async function encode(
  runtime: Runtime,
  encoder: Model,
  fed: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await runtime.load(writeModel(encoder));
  try {
    const encoded = Object.entries(await session.run(fed));
    return Object.fromEntries(encoded.map(([name, tensor]) => [name.slice(ENCODED_PREFIX.length), tensor]));
  } finally {
    session.release();
  }
}

/** At most `limit` of the rows, evenly spaced. */
export function evenly(rows: Uint32Array, limit: number): Uint32Array {
  if (rows.length <= limit) return rows;
  return Uint32Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)]);
}
