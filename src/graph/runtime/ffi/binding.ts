import { runInFlight, usedAfterRelease } from '../faults.js';
import { lifetime, ownedBy, type Reference } from '../reference.js';
import type { Binding, BoundInputs, BoundTensor, StringTensor } from '../runtime.js';
import { boundCall, type NativeCall, plainCall, runAsync, runSync } from './call.js';
import { check, created, type Native } from './environment.js';
import type { Pointer } from './library.js';
import { pointerArray } from './memory.js';
import { type Backing, backingOf, stringBacking } from './tensor.js';

/** What a binding needs of its session. */
export interface BindableSession {
  readonly pointer: Pointer;
  readonly reference: Reference;
  /**
   * Whether values in CPU memory are used where they lie. A session on another device copies a bound input once, when
   * it is bound, and would not see later changes: it is run with plain calls, which copy at every run.
   */
  readonly inPlace: boolean;
}

type Bound = ReadonlyMap<string, Backing>;

/**
 * Binds tensors that have been checked. The binding holds the session, the tensors' native values and, through them,
 * their memory until it is released or collected.
 */
export function bindTensors(
  native: Native,
  session: BindableSession,
  inputs: BoundInputs,
  outputs: Readonly<Record<string, BoundTensor>>,
): Binding {
  const strings: Backing[] = [];
  try {
    const reads = new Map<string, Backing>();
    for (const [name, tensor] of Object.entries(inputs))
      reads.set(name, isString(tensor) ? own(tensor) : backingOf(tensor));
    const writes = new Map(Object.entries(outputs).map(([name, tensor]) => [name, backingOf(tensor)]));
    const prepare = session.inPlace ? prepareBound : preparePlain;
    const { call, free } = prepare(native, session.pointer, reads, writes);
    const held = [session.reference, ...[...reads.values(), ...writes.values()].map((backing) => backing.reference)];
    for (const reference of held) reference.retain();
    return bindingOf(native, call, () => {
      free();
      for (const reference of held) reference.drop();
    });
  } finally {
    // The binding is their only user from here on.
    for (const { reference } of strings) reference.drop();
  }

  function own(tensor: StringTensor): Backing {
    const backing = stringBacking(native, tensor);
    strings.push(backing);
    return backing;
  }
}

const isString = (tensor: BoundTensor | StringTensor): tensor is StringTensor => tensor.type === 'string';

interface Prepared {
  readonly call: NativeCall;
  free(): void;
}

function prepareBound(native: Native, session: Pointer, inputs: Bound, outputs: Bound): Prepared {
  const { api } = native;
  const binding = created(api, (out) => api.CreateIoBinding(session, out));
  const free = (): void => api.ReleaseIoBinding(binding);
  try {
    for (const [name, { value }] of inputs) check(api, api.BindInput(binding, name, value));
    for (const [name, { value }] of outputs) check(api, api.BindOutput(binding, name, value));
  } catch (error) {
    free();
    throw error;
  }
  return { call: boundCall(native, session, binding, { inputs, outputs }), free };
}

function preparePlain(native: Native, session: Pointer, inputs: Bound, outputs: Bound): Prepared {
  const values = new Map([...inputs].map(([name, { value }]) => [name, value]));
  const written = pointerArray([...outputs.values()].map(({ value }) => value));
  const call = plainCall(native, session, values, [...outputs.keys()], written, { inputs, outputs });
  return { call, free: () => {} };
}

function bindingOf(native: Native, call: NativeCall, free: () => void): Binding {
  const life = lifetime(free);
  const mayRun = (): void => {
    if (life.released) throw usedAfterRelease('binding');
    if (life.running) throw runInFlight();
  };
  const binding: Binding = {
    runSync: () => {
      mayRun();
      runSync(native, call);
    },
    run: async (options) => {
      mayRun();
      life.begin();
      try {
        await runAsync(native, call, options);
      } finally {
        life.end();
      }
    },
    release: () => release(),
  };
  const release = ownedBy(binding, life.release);
  return binding;
}
