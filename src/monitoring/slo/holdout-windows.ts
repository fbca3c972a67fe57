import type { Evaluation, MetricSet } from '../../evaluation/index.js';
import type { Store } from '../../store/index.js';
import { MODEL } from '../../tuning/result-record.js';
import type { WatchedModel } from './model-slos.js';
import { NOTHING_ASKED, type SliWindow } from './window.js';

/**
 * What a version was judged by on the holdout, as answers whose labels are known: all rows, and each slice of them. Nothing of a version
 * whose file is not the one that was judged: calibrated or compressed since.
 */
export async function holdoutWindows(store: Store, { version, run }: WatchedModel): Promise<SliWindow[]> {
  if (run === undefined || version === undefined) return [];
  const found = (await store.getEvaluations(run.id)).find(({ stage }) => stage === 'holdout');
  const judged = (await store.listArtifacts(run.id)).find(({ path }) => path === MODEL);
  if (found === undefined || (judged !== undefined && judged.sha256 !== version.onnxSha256)) return [];
  const { reliability, slices = [], ...whole } = found.record as Evaluation;
  const at = found.createdAt.getTime();
  const windowOf = ({ rows, metrics }: MetricSet): SliWindow[] => {
    const accuracy = metrics.accuracy?.value;
    if (accuracy === undefined) return [];
    return [
      {
        ...{ from: at, to: at, version: String(version.version), role: 'holdout' },
        ...NOTHING_ASKED,
        ...{ requests: rows, labelled: rows, wrong: Math.round(rows * (1 - accuracy)) },
      },
    ];
  };
  const bins = reliability?.map(({ count, confidence, accuracy }) => ({
    count,
    confidence: count === 0 ? 0 : count * confidence,
    right: count === 0 ? 0 : Math.round(count * accuracy),
  }));
  return [
    ...windowOf(whole).map((window) => (bins === undefined ? window : { ...window, bins })),
    ...slices.flatMap(({ slice: by, value, ...of }) =>
      value === undefined ? [] : windowOf(of).map((window) => ({ ...window, slice: { by, value } })),
    ),
  ];
}
