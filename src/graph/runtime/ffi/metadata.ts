import koffi from 'koffi';
import type { Dimension } from '../../model.js';
import { typeOfNumber } from '../../tensor.js';
import { modelRejected } from '../faults.js';
import type { Ports } from '../ports.js';
import type { PortInfo } from '../runtime.js';
import { check, created, type Native, reported } from './environment.js';
import type { Pointer } from './library.js';

/** ONNXType: what kind of value a port holds. */
const KIND = ['nothing known', 'a tensor', 'a sequence', 'a map', 'an opaque value', 'a sparse tensor', 'an optional'];
const TENSOR = 1;

/** Reads the names, types and shapes of a session's inputs and outputs. Errors: MODEL_REJECTED for a non-tensor input. */
export function readPorts(native: Native, session: Pointer): Ports {
  const { api } = native;
  const inputs: PortInfo[] = [];
  const outputs: PortInfo[] = [];
  const unreadable = new Map<string, string>();
  const inputCount = Number(created(api, (out) => api.SessionGetInputCount(session, out)));
  for (let i = 0; i < inputCount; i++) {
    const name = takeName(native, (out) => api.SessionGetInputName(session, i, native.allocator, out));
    const port = describe(native, name, (out) => api.SessionGetInputTypeInfo(session, i, out));
    if (typeof port === 'string') throw modelRejected(`input "${name}" is ${port}, not a tensor`);
    inputs.push(port);
  }
  const outputCount = Number(created(api, (out) => api.SessionGetOutputCount(session, out)));
  for (let i = 0; i < outputCount; i++) {
    const name = takeName(native, (out) => api.SessionGetOutputName(session, i, native.allocator, out));
    const port = describe(native, name, (out) => api.SessionGetOutputTypeInfo(session, i, out));
    if (typeof port === 'string') unreadable.set(name, port);
    else outputs.push(port);
  }
  return { inputs, outputs, unreadable };
}

type Reader = (out: BigUint64Array) => Pointer | null;

function takeName({ api, allocator }: Native, read: Reader): string {
  const text = created(api, read);
  const name = koffi.decode.string(text);
  check(api, api.AllocatorFree(allocator, text));
  return name;
}

/** The port, or in words what it is instead of a tensor that Ballast can hold. */
function describe({ api }: Native, name: string, read: Reader): PortInfo | string {
  const info = created(api, read);
  try {
    const kind = reported(api, (out) => api.GetOnnxTypeFromTypeInfo(info, out));
    if (kind !== TENSOR) return KIND[kind] ?? 'of an unknown kind';
    const tensor = created(api, (out) => api.CastTypeInfoToTensorInfo(info, out));
    const number = reported(api, (out) => api.GetTensorElementType(tensor, out));
    const type = typeOfNumber(number);
    if (type === undefined) return `a tensor of the unsupported element type ${number}`;
    return { name, type, shape: readDimensions(api, tensor) };
  } finally {
    api.ReleaseTypeInfo(info);
  }
}

function readDimensions(api: Native['api'], tensor: Pointer): Dimension[] {
  const rank = Number(created(api, (out) => api.GetDimensionsCount(tensor, out)));
  const extents = new BigInt64Array(rank);
  const symbols = new BigUint64Array(rank);
  check(api, api.GetDimensions(tensor, extents, rank));
  check(api, api.GetSymbolicDimensions(tensor, symbols, rank));
  return Array.from(extents, (extent, axis) => {
    if (extent >= 0n) return Number(extent);
    return koffi.decode.string(symbols[axis]) || null;
  });
}

/** Shape and element type of a value that a run made. */
export function readTensorInfo({ api }: Native, value: Pointer): { number: number; shape: number[] } {
  const info = created(api, (out) => api.GetTensorTypeAndShape(value, out));
  try {
    const number = reported(api, (out) => api.GetTensorElementType(info, out));
    const rank = Number(created(api, (out) => api.GetDimensionsCount(info, out)));
    const extents = new BigInt64Array(rank);
    check(api, api.GetDimensions(info, extents, rank));
    return { number, shape: Array.from(extents, Number) };
  } finally {
    api.ReleaseTensorTypeAndShapeInfo(info);
  }
}
