import { BallastError } from '../../errors.js';
import type { Store } from '../types.js';
import type { ModelVersion } from './types.js';

interface Node {
  readonly kind: 'data' | 'run' | 'model' | 'version' | 'rollout';
  readonly id: string;
}

export interface VersionLineage {
  readonly nodes: readonly Node[];
  readonly edges: readonly { readonly from: Node; readonly to: Node; readonly relation: string }[];
}

/**
 * What a registered version came from and what came of it: the lineage of its run (data, the runs it goes back to, what
 * compression made of it), the version, and the rollouts that it was in.
 */
export async function lineageOfVersion(store: Store, version: ModelVersion): Promise<VersionLineage> {
  const self: Node = { kind: 'version', id: `${version.name}/${version.version}` };
  const { runId, onnxSha256 } = version;
  const run: Node | undefined = runId === undefined ? undefined : { kind: 'run', id: runId };
  const from: Node | undefined = onnxSha256 === undefined ? run : { kind: 'model', id: onnxSha256 };
  const known = run === undefined ? { nodes: [], edges: [] } : await lineageOf(store, run.id);
  const own = String(version.version);
  const rollouts = (await store.listRollouts({ model: version.name })).flatMap(({ id, baseline, candidate }) => {
    if (candidate !== own && baseline !== own) return [];
    const to: Node = { kind: 'rollout', id };
    return [{ from: self, to, relation: candidate === own ? 'candidate-of' : 'baseline-of' }];
  });
  return {
    nodes: [...known.nodes, self, ...rollouts.map(({ to }) => to)],
    edges: [
      ...known.edges,
      ...(from === undefined ? [] : [{ from, to: self, relation: 'registered-as' }]),
      ...rollouts,
    ],
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
