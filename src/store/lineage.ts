import type { Kysely } from 'kysely';
import { batches } from './batches.js';
import type { StoreContext } from './context.js';
import { requireRun } from './run-rows.js';
import type { LineageEdgeTable, StoreSchema } from './schema.js';
import { checkName } from './text.js';
import type { LineageEdge, LineageNode, LineageStore } from './types.js';

/** The {@link LineageStore} part of a store. */
export function lineageStore({ db }: StoreContext): LineageStore {
  return {
    addLineage: (edges) => insertLineage(db, edges),

    async lineage(runId) {
      await requireRun(db, runId, { deletedToo: true });
      const start: LineageNode = { kind: 'run', id: runId };
      const nodes = new Map([[keyOf(start), start]]);
      const edges = new Map<string, LineageEdge>();
      for (const direction of ['to', 'from'] as const) {
        for await (const edge of walk(db, start, direction)) {
          edges.set(`${keyOf(edge.from)} ${edge.relation} ${keyOf(edge.to)}`, edge);
          for (const node of [edge.from, edge.to]) nodes.set(keyOf(node), node);
        }
      }
      return { nodes: [...nodes.values()], edges: [...edges.values()] };
    },
  };
}

/** Records edges; those that are known are passed over. */
export async function insertLineage(db: Kysely<StoreSchema>, edges: readonly LineageEdge[]): Promise<void> {
  const rows = edges.map(({ from, to, relation }) => ({
    from_kind: from.kind,
    from_id: from.id,
    to_kind: to.kind,
    to_id: to.id,
    relation: checkName(relation, 'relation'),
    created_at: Date.now(),
  }));
  for (const batch of batches(rows)) {
    await db
      .insertInto('lineage_edge')
      .values(batch)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

/** Every edge that is reached from a node, breadth first: towards its origins by `to`, towards what it made by `from`. */
async function* walk(
  db: Kysely<StoreSchema>,
  start: LineageNode,
  direction: 'to' | 'from',
): AsyncGenerator<LineageEdge> {
  const seen = new Set([keyOf(start)]);
  let frontier: LineageNode[] = [start];
  while (frontier.length > 0) {
    const next: LineageNode[] = [];
    for (const batch of batches(frontier)) {
      const rows = await db
        .selectFrom('lineage_edge')
        .selectAll()
        .where(({ or, and }) =>
          or(batch.map(({ kind, id }) => and({ [`${direction}_kind`]: kind, [`${direction}_id`]: id }))),
        )
        .orderBy('created_at')
        .execute();
      for (const edge of rows.map(toEdge)) {
        yield edge;
        const other = direction === 'to' ? edge.from : edge.to;
        if (seen.has(keyOf(other))) continue;
        seen.add(keyOf(other));
        next.push(other);
      }
    }
    frontier = next;
  }
}

function toEdge(row: LineageEdgeTable): LineageEdge {
  return { from: toNode(row.from_kind, row.from_id), to: toNode(row.to_kind, row.to_id), relation: row.relation };
}

function toNode(kind: string, id: string): LineageNode {
  if (kind !== 'data' && kind !== 'run' && kind !== 'model') throw new Error(`lineage node of unknown kind ${kind}`);
  return { kind, id };
}

function keyOf({ kind, id }: LineageNode): string {
  return `${kind}:${id}`;
}
