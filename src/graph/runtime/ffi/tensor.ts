import type { DataType } from '../../tensor.js';
import { foreignTensor, usedAfterRelease } from '../faults.js';
import { ownedBy, type Reference, reference } from '../reference.js';
import type { BoundTensor } from '../runtime.js';
import type { Native } from './environment.js';
import type { Pointer } from './library.js';
import { type AlignedMemory, allocateAligned } from './memory.js';
import { wrapMemory } from './values.js';

/** What a bound tensor is to the native side. */
export interface Backing {
  readonly value: Pointer;
  /** Held by each binding, so that releasing a tensor that is bound frees nothing yet. */
  readonly reference: Reference;
  /** Kept referenced: the memory that `value` reads and writes. */
  readonly memory: AlignedMemory;
  released: boolean;
}

const backings = new WeakMap<BoundTensor, Backing>();

/** A zeroed, aligned tensor and the OrtValue over its memory. Errors: TENSOR_TOO_LARGE, OUT_OF_MEMORY. */
export function allocateBound(
  native: Native,
  type: Exclude<DataType, 'string'>,
  shape: readonly number[],
): BoundTensor {
  const memory = allocateAligned(type, shape);
  const value = wrapMemory(native, type, shape, memory);
  const backing: Backing = {
    value,
    reference: reference(() => native.api.ReleaseValue(value)),
    memory,
    released: false,
  };
  const giveUp = (): void => {
    backing.released = true;
    backing.reference.drop();
  };
  const tensor: BoundTensor = { type, shape: [...shape], data: memory.data, release: () => release() };
  const release = ownedBy(tensor, giveUp);
  backings.set(tensor, backing);
  return tensor;
}

/** The native side of a tensor. Errors: FOREIGN_TENSOR, USE_AFTER_RELEASE. */
export function backingOf(tensor: BoundTensor): Backing {
  const backing = backings.get(tensor);
  if (backing === undefined) throw foreignTensor();
  if (backing.released) throw usedAfterRelease('tensor');
  return backing;
}
