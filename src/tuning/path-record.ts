import type { CrossValidation } from '../paths/cross-validate.js';
import type { RegularizationPath } from '../paths/path.js';
import type { PathOptions } from '../paths/problem.js';
import type { Manifest } from '../regularizers/manifest.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';

/** All that regularizes a model of a path. */
export function manifestOfPath(options: PathOptions, lambda: number, { columns }: { columns: Int32Array }): Manifest {
  const { alpha = 1, standardize = true, intercept = true, family } = options;
  return {
    version: 1,
    regularizers: [
      {
        type: 'elastic-net',
        hooks: ['objective', 'proximal'],
        strength: lambda,
        options: { l1Ratio: alpha, standardize, intercept, family, nonzero: columns.length },
      },
    ],
    architecture: { normalization: [] },
    training: { optimizer: 'coordinate-descent', epochs: 1, batchSize: 0, gradientClip: null, classWeights: 'none' },
  };
}

export async function recordData(store: Store, { spec }: ResolvedSpec, data: PreparedData): Promise<void> {
  const { train, validation, holdout } = data.split;
  await store.putDataVersion({
    name: data.name,
    version: data.version,
    rows: data.table.rows,
    schema: data.table.columns.map(({ name, kind }) => ({ name, kind })),
    source: [spec.data.source].flat().join(' '),
    splits: { train: train.length, validation: validation.length, holdout: holdout.length },
  });
}

/** The path and its folds as an artifact, and its figures lambda by lambda as metrics. */
export async function recordPath(
  store: Store,
  runId: string,
  path: RegularizationPath,
  cv: CrossValidation,
  names: readonly string[],
): Promise<void> {
  const points = path.points.map(({ columns, coefficients, ...point }) => ({
    ...point,
    columns: [...columns],
    coefficients: [...coefficients],
  }));
  const document = Buffer.from(
    JSON.stringify({ features: names, path: { ...path, scales: [...path.scales], points }, cv }),
  );
  await store.putArtifact(runId, 'path.json', document, { mediaType: 'application/json' });
  await store.logMetrics(
    runId,
    path.points.flatMap(({ lambda, columns, deviance, dualityGap, kkt }, step) =>
      Object.entries({
        lambda,
        nonzero: columns.length,
        deviance,
        dualityGap,
        kkt,
        'cv.mean': cv.mean[step],
        'cv.se': cv.se[step],
      }).map(([name, value]) => ({ name, value, step })),
    ),
  );
}
