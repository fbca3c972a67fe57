import { BallastError } from '../errors.js';
import type { ModelVersion } from '../store/registry/types.js';
import type { Store } from '../store/types.js';

interface Node {
  readonly kind: 'data' | 'run' | 'model' | 'version';
  readonly id: string;
}

/** What a registered version came from and what came of it: the lineage of its run, with the version in it. */
export async function lineageOfVersion(
  store: Store,
  version: ModelVersion,
): Promise<{ nodes: Node[]; edges: { from: Node; to: Node; relation: string }[] }> {
  const self: Node = { kind: 'version', id: `${version.name}/${version.version}` };
  const { runId, onnxSha256 } = version;
  const run: Node | undefined = runId === undefined ? undefined : { kind: 'run', id: runId };
  const from: Node | undefined = onnxSha256 === undefined ? run : { kind: 'model', id: onnxSha256 };
  const known = run === undefined ? { nodes: [], edges: [] } : await lineageOf(store, run.id);
  return {
    nodes: [...known.nodes, self],
    edges: [...known.edges, ...(from === undefined ? [] : [{ from, to: self, relation: 'registered-as' }])],
  };
}

/** The lineage of a run; of one that was collected, only itself. */
async function lineageOf(store: Store, runId: string) {
  try {
    return await store.lineage(runId);
  } catch (error) {
    if (!(error instanceof BallastError) || error.code !== 'RUN_NOT_FOUND') throw error;
    return { nodes: [{ kind: 'run' as const, id: runId }], edges: [] };
  }
}
