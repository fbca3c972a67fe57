import { fromBinary } from '@bufbuild/protobuf';
import { type ModelProto, ModelProtoSchema } from 'onnx-buf';
import type { Graph, Model } from '../model.js';
import { type DecodeContext, decodeGraph } from './decode-graph.js';
import { externalReader } from './external-reader.js';
import { modelFault } from './fault.js';
import { functionInliner } from './functions.js';
import { DEFAULT_LIMITS, type ReadLimits } from './limits.js';
import { decodeOpsets } from './opset-import.js';
import { resolveShadowing } from './shadowing.js';
import { allNodes } from './subgraphs.js';
import type { TensorSource } from './tensor-proto.js';
import { sortGraph } from './topological-sort.js';
import { validate } from './validate.js';
import { checkWire } from './wire.js';

export interface ReadOptions {
  /** Directory that external data is read from, and the only one. Without it, external data is an error. */
  readonly externalData?: string;
  /** What reading may cost at most; {@link DEFAULT_LIMITS} where not given. */
  readonly limits?: Partial<ReadLimits>;
}

/**
 * Reads an ONNX model (a serialized ModelProto) that nobody has to trust: sizes are bounded before anything is
 * allocated, and the result passes {@link validate}. Tensors are copied out of the bytes, whatever their encoding
 * (raw, typed fields, external, sparse -> dense); nodes are put in topological order; model-local functions are
 * inlined; inner names that shadow outer ones are renamed; `ai.onnx` becomes ''. Doc strings, training info,
 * quantization annotations and the metadata of parts are dropped.
 *
 * @throws BallastError with one of the codes of `ModelFault`
 */
export function readModel(bytes: Uint8Array, options: ReadOptions = {}): Model {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const proto = parse(bytes, limits);
  const external = externalReader(options.externalData);
  try {
    return decodeModel(proto, { external, denseBytes: limits.denseBytes, decoded: new Map() }, limits);
  } finally {
    external.close();
  }
}

function parse(bytes: Uint8Array, limits: ReadLimits): ModelProto {
  if (bytes.length === 0) throw modelFault('MODEL_MALFORMED', 'byte 0', 'this is not an ONNX model: it is empty');
  // A plain Uint8Array: slices of a Buffer would share its pool.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  checkWire(plain, ModelProtoSchema, limits.objectBytes);
  try {
    return fromBinary(ModelProtoSchema, plain, { readUnknownFields: false });
  } catch (cause) {
    throw modelFault('MODEL_MALFORMED', 'model', 'this is not an ONNX model, or a damaged one', { cause });
  }
}

function decodeModel(proto: ModelProto, tensors: TensorSource, limits: ReadLimits): Model {
  if (proto.graph === undefined) {
    throw modelFault('MODEL_MALFORMED', 'model', 'this is not an ONNX model: it has no graph');
  }
  const irVersion = Number(proto.irVersion);
  const opsets = decodeOpsets(proto.opsetImport, 'model');
  // Files older than IR 3 have no opset imports and mean version 1.
  if (opsets.size === 0 && irVersion < 3) opsets.set('', 1);
  const functions = functionInliner(proto, opsets, limits.inlinedParts);
  const context: DecodeContext = { tensors, functions, bindings: undefined, rename: (name) => name, prefix: '' };
  const graph = sortGraph(resolveShadowing(decodeGraph(proto.graph, context)));
  dropImports(opsets, functions.domains, graph);
  const model: Model = {
    irVersion,
    opsets,
    producer: { name: proto.producerName, version: proto.producerVersion },
    graph,
    metadata: new Map(proto.metadataProps.map((entry) => [entry.key, entry.value])),
  };
  validate(model);
  return model;
}

/** Drops the imports of domains that only inlined functions had: no runtime knows them. */
function dropImports(opsets: Map<string, number>, domains: ReadonlySet<string>, graph: Graph): void {
  if (domains.size === 0) return;
  const inUse = new Set<string>();
  for (const node of allNodes(graph)) inUse.add(node.domain);
  for (const domain of domains) if (domain !== '' && !inUse.has(domain)) opsets.delete(domain);
}
