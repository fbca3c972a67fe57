import type { Runtime } from '../graph/runtime/runtime.js';
import { canonicalJson } from '../regularizers/canonical-json.js';
import { type Manifest, regularizerId } from '../regularizers/manifest.js';
import { regularizerOf } from '../regularizers/registry.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import { codeCommit, describeEnvironment } from './environment.js';
import { recordData } from './path-record.js';
import type { StrengthResponse } from './strength-path.js';

/**
 * Records a strength-response curve as a run: every figure by its place on the path, the whole as an artifact. Its manifest
 * names the best strength.
 *
 * @returns the run's id
 */
export async function recordStrengthPath(
  store: Store,
  resolved: ResolvedSpec,
  data: PreparedData,
  response: StrengthResponse,
  { runtime, ballastVersion, groupId }: { runtime: Runtime; ballastVersion: string; groupId: string },
): Promise<string> {
  const { spec, baseDirectory } = resolved;
  const { training } = spec;
  const { along, points, best } = response;
  const manifest: Manifest = {
    version: 1,
    regularizers: [
      {
        type: along,
        hooks: Object.keys(regularizerOf(along, '--along').hooks),
        strength: points[best].strength,
        options: { path: points.map(({ strength }) => strength) },
      },
    ],
    architecture: { normalization: [] },
    training: {
      optimizer: training.optimizer.type,
      epochs: training.epochs,
      batchSize: training.batchSize,
      gradientClip: training.gradientClip ?? null,
      classWeights: canonicalJson(training.classWeights),
    },
  };
  await recordData(store, resolved, data);
  const commit = await codeCommit(baseDirectory);
  const runId = await store.createRun({
    experiment: spec.name,
    name: `path along ${along}`,
    kind: 'path',
    spec: { ...spec, baseDirectory },
    seed: training.seed,
    datasetName: data.name,
    dataVersion: data.version,
    regularizerId: regularizerId(manifest),
    manifest,
    environment: await describeEnvironment(runtime, training, ballastVersion),
    groupId,
    ...(commit === undefined ? {} : { codeCommit: commit }),
  });
  await store.putArtifact(runId, 'strength-response.json', Buffer.from(JSON.stringify(response)), {
    mediaType: 'application/json',
  });
  await store.logMetrics(
    runId,
    points.flatMap(({ strength, train, validation, gap, biasSquared, variance }, step) =>
      Object.entries({
        strength,
        'train.loss': train.mean,
        'validation.loss': validation.mean,
        gap: gap.mean,
        biasSquared,
        variance,
      }).map(([name, value]) => ({ name, value, step })),
    ),
  );
  await store.finishRun(runId, 'finished');
  return runId;
}
