import type { GraphBuilder, Value } from '../graph/builder.js';
import { sizeOf } from '../graph/tensor.js';
import type { Parameter, ParameterRole } from '../regularizers/regularizer.js';

/**
 * How parameters are laid out as state tensors. In a small network the optimizer's few operators a parameter cost more
 * than their arithmetic, so parameters of one role share a flat tensor (a pack): the update then runs once a role. In a
 * large one every parameter is a pack of its own, and nothing is copied.
 */
export interface Pack {
  readonly name: string;
  readonly role: ParameterRole;
  readonly shape: readonly number[];
  readonly members: readonly Parameter[];
}

/** Elements up to which copying parameters out of a shared tensor costs less than updating them one by one. */
const SMALL_NETWORK = 32_768;

export function packParameters(parameters: readonly Parameter[]): Pack[] {
  const total = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  if (total > SMALL_NETWORK) return packEach(parameters);
  const roles = new Map<ParameterRole, Parameter[]>();
  for (const parameter of parameters) roles.set(parameter.role, [...(roles.get(parameter.role) ?? []), parameter]);
  return [...roles].map(([role, members]) =>
    members.length === 1
      ? { ...members[0], members }
      : { name: `all.${role}`, role, shape: [members.reduce((sum, { shape }) => sum + sizeOf(shape), 0)], members },
  );
}

/** Every parameter a pack of its own: for updates outside the graph, which cost little more than their arithmetic. */
export function packEach(parameters: readonly Parameter[]): Pack[] {
  return parameters.map((parameter) => ({ ...parameter, members: [parameter] }));
}

/** The members of a pack as values of their own shapes. */
export function unpack(b: GraphBuilder, pack: Pack, value: Value): Map<string, Value> {
  if (pack.members.length === 1) return new Map([[pack.members[0].name, value]]);
  const parts = b.split(
    value,
    pack.members.map(({ shape }) => sizeOf(shape)),
    0,
  );
  return new Map(pack.members.map(({ name, shape }, index) => [name, b.reshape(parts[index], shape)]));
}

/** Copies members' arrays into a pack's array, or out of it. */
export function forEachMember(
  pack: Pack,
  packed: Float32Array,
  visit: (parameter: Parameter, part: Float32Array) => void,
): void {
  let offset = 0;
  for (const parameter of pack.members) {
    const size = sizeOf(parameter.shape);
    visit(parameter, packed.subarray(offset, offset + size));
    offset += size;
  }
}
