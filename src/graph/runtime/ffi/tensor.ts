import type { DataType, NumericArray, Tensor } from '../../tensor.js';
import { foreignTensor, usedAfterRelease } from '../faults.js';
import { checkData } from '../ports.js';
import { ownedBy, type Reference, reference } from '../reference.js';
import type { BoundTensor, StringTensor } from '../runtime.js';
import type { Native } from './environment.js';
import type { Pointer } from './library.js';
import { type AlignedMemory, allocateAligned, heldMemory } from './memory.js';
import { copyIn, newValue, wrapMemory } from './values.js';

/** What a bound tensor is to the native side. */
export interface Backing {
  readonly value: Pointer;
  /** Held by each binding, so that releasing a tensor that is bound frees nothing yet. */
  readonly reference: Reference;
  /** What `value` reads and writes: whoever uses the value keeps this reachable. Strings are in the runtime's own memory. */
  readonly memory: AlignedMemory | undefined;
  isReleased(): boolean;
}

const backings = new WeakMap<BoundTensor, Backing>();

/** A zeroed, aligned tensor and the OrtValue over its memory. Errors: TENSOR_TOO_LARGE, OUT_OF_MEMORY. */
export function allocateBound(
  native: Native,
  type: Exclude<DataType, 'string'>,
  shape: readonly number[],
): BoundTensor {
  return boundOver(native, type, shape, allocateAligned(type, shape));
}

/** A tensor over the caller's memory. Errors: TENSOR_DATA. */
export function wrapBound(native: Native, tensor: Tensor<NumericArray>): BoundTensor {
  checkData('tensor to wrap', tensor);
  return boundOver(native, tensor.type as BoundTensor['type'], tensor.shape, heldMemory(tensor.data));
}

function boundOver(
  native: Native,
  type: BoundTensor['type'],
  shape: readonly number[],
  memory: AlignedMemory,
): BoundTensor {
  const { value, uses, isReleased, giveUp } = nativeValue(native, wrapMemory(native, type, shape, memory));
  const tensor: BoundTensor = { type, shape: [...shape], data: memory.data, release: () => release() };
  const release = ownedBy(tensor, giveUp);
  backings.set(tensor, { value, reference: uses, memory, isReleased });
  return tensor;
}

/** Strings in a value of their own, which is freed when its last user drops it; the caller is the first. */
export function stringBacking(native: Native, tensor: StringTensor): Backing {
  const held = newValue(native, tensor);
  const { value, uses, isReleased } = nativeValue(native, held.value);
  try {
    copyIn(native, held, tensor);
  } catch (error) {
    uses.drop();
    throw error;
  }
  return { value, reference: uses, memory: undefined, isReleased };
}

/** Apart from the memory, which the collector may then take back before it gets round to running a clean-up. */
function nativeValue({ api }: Native, value: Pointer) {
  const uses = reference(() => api.ReleaseValue(value));
  let released = false;
  const giveUp = (): void => {
    released = true;
    uses.drop();
  };
  return { value, uses, isReleased: () => released, giveUp };
}

/** The native side of a tensor. Errors: FOREIGN_TENSOR, USE_AFTER_RELEASE. */
export function backingOf(tensor: BoundTensor): Backing {
  const backing = backings.get(tensor);
  if (backing === undefined) throw foreignTensor();
  if (backing.isReleased()) throw usedAfterRelease('tensor');
  return backing;
}
