import type { CrossValidation } from '../paths/cross-validate.js';
import type { RegularizationPath } from '../paths/path.js';
import type { LinearModel } from '../paths/path-point.js';
import type { PathOptions } from '../paths/problem.js';
import type { ChosenModel } from '../paths/selection/choose.js';
import { isChain, type PenaltyShape } from '../paths/selection/penalized.js';
import type { Manifest } from '../regularizers/manifest.js';
import type { PathSpecOptions } from '../spec/path-options.js';
import type { PreparedData } from '../spec/prepare.js';
import type { ResolvedSpec } from '../spec/read.js';
import type { Store } from '../store/types.js';
import type { NestedScore, PathIntervals } from './path-inference.js';

/** All that regularizes a model of a path: its penalty, and how its columns were selected. */
export function manifestOfPath(
  options: PathOptions,
  chosen: ChosenModel,
  { shape, columns }: { shape: PenaltyShape | undefined; columns: PathSpecOptions | undefined },
): Manifest {
  const { alpha = 1, standardize = true, intercept = true, family, delta, quantile, grouped } = options;
  return {
    version: 1,
    regularizers: [
      {
        type: 'elastic-net',
        hooks: ['objective', 'proximal'],
        strength: chosen.lambda,
        options: {
          l1Ratio: alpha,
          standardize,
          intercept,
          family,
          ...(delta === undefined ? {} : { delta }),
          ...(quantile === undefined ? {} : { quantile }),
          ...(grouped === undefined ? {} : { grouped }),
          nonzero: chosen.model.columns.length,
          ...penaltyOf(shape),
          ...columns,
          ...selectionOf(chosen),
        },
      },
    ],
    architecture: { normalization: [] },
    training: { optimizer: 'coordinate-descent', epochs: 1, batchSize: 0, gradientClip: null, classWeights: 'none' },
  };
}

function penaltyOf(shape: PenaltyShape | undefined): Record<string, unknown> {
  if (shape === undefined) return {};
  if (isChain(shape)) return { penalty: shape.type };
  const { type, ...settings } = shape;
  return { penalty: type, ...settings };
}

function selectionOf({ relaxed, stability, knockoffs }: ChosenModel): Record<string, unknown> {
  return {
    ...(relaxed === undefined ? {} : { penalizedShare: relaxed.share }),
    ...(stability === undefined
      ? {}
      : {
          selection: 'stability',
          pairs: stability.pairs,
          threshold: stability.threshold,
          perHalf: stability.perHalf,
        }),
    ...(knockoffs === undefined ? {} : { selection: 'knockoffs', falseDiscoveryRate: knockoffs.rate }),
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

export interface PathRecord {
  readonly path: RegularizationPath;
  readonly cv: CrossValidation;
  readonly chosen: ChosenModel;
  readonly shape?: PenaltyShape | undefined;
  readonly intervals?: PathIntervals | undefined;
  readonly nested?: NestedScore | undefined;
  /** Names of the columns. */
  readonly features: readonly string[];
}

/** The path, its folds and how its model was chosen as an artifact, and its figures lambda by lambda as metrics. */
export async function recordPath(
  store: Store,
  runId: string,
  { path, cv, chosen, shape, intervals, nested, features }: PathRecord,
): Promise<void> {
  const points = path.points.map(plain);
  const { model, stability, knockoffs, ...choice } = chosen;
  const document = Buffer.from(
    JSON.stringify({
      features,
      path: {
        ...path,
        scales: [...path.scales],
        factors: [...path.factors],
        ...(path.groups === undefined ? {} : { groups: [...path.groups] }),
        points,
      },
      penalty: shape,
      cv,
      chosen: {
        ...choice,
        model: plain(model),
        ...(stability === undefined
          ? {}
          : {
              stability: {
                ...stability,
                frequencies: [...stability.frequencies],
                paths: Object.fromEntries([...stability.paths].map(([column, shares]) => [column, [...shares]])),
              },
            }),
        ...(knockoffs === undefined ? {} : { knockoffs: { ...knockoffs, statistics: [...knockoffs.statistics] } }),
      },
      intervals,
      nested,
    }),
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

/** A model whose typed arrays are lists. */
function plain(model: LinearModel): Record<string, unknown> {
  const { columns, coefficients, outputs, ...rest } = model;
  return {
    ...rest,
    columns: [...columns],
    coefficients: [...coefficients],
    ...(outputs === undefined ? {} : { outputs: outputs.map(plain) }),
  };
}
