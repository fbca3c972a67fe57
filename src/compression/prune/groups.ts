import type { Graph } from '../../graph/model.js';
import type { Dependencies } from './dependencies.js';

/** An index of an axis of an initializer. */
export interface Member {
  readonly name: string;
  readonly axis: number;
  readonly index: number;
  /** Whether the slice is what makes the unit, rather than what takes it. */
  readonly makes: boolean;
}

/** Units that go together: one channel (or head) everywhere that it is seen. */
export interface PrunableUnit {
  readonly id: number;
  readonly members: readonly Member[];
}

/** Units that are alternatives: channels of one width. */
export interface PrunableGroup {
  /** The first weight that makes them, for messages. */
  readonly name: string;
  readonly units: readonly PrunableUnit[];
}

/**
 * Groups of units of a graph, in its order: two units are of one group where they lie along one axis. Groups without a
 * weight that makes them are left out.
 */
export function groupsOf(graph: Graph, { units, axes, makers }: Dependencies): PrunableGroup[] {
  const members = new Map<number, Member[]>();
  const groupOf = new Map<number, number>();
  const root = (unit: number): number => {
    let at = unit;
    while (groupOf.get(at) !== undefined && groupOf.get(at) !== at) at = groupOf.get(at)!;
    return at;
  };
  for (const name of graph.initializers.keys()) {
    axes.get(name)?.forEach((axis, position) => {
      let first: number | undefined;
      axis?.forEach((unit, index) => {
        const id = units.find(unit);
        if (!units.removable(id)) return;
        const member = { name, axis: position, index, makes: makers.has(unit) };
        const known = members.get(id);
        if (known === undefined) {
          members.set(id, [member]);
          groupOf.set(id, groupOf.get(id) ?? id);
        } else known.push(member);
        first ??= id;
        const [a, b] = [root(first), root(id)];
        if (a !== b) groupOf.set(Math.max(a, b), Math.min(a, b));
      });
    });
  }
  const groups = new Map<number, PrunableUnit[]>();
  for (const [id, list] of members) {
    const key = root(id);
    const known = groups.get(key);
    const unit = { id, members: list };
    if (known === undefined) groups.set(key, [unit]);
    else known.push(unit);
  }
  return [...groups.values()].flatMap((list) => {
    const maker = list.flatMap((unit) => unit.members).find(({ makes }) => makes);
    return maker === undefined || list.length < 2 ? [] : [{ name: maker.name, units: list }];
  });
}
