import type { Store } from '../../store/index.js';
import type { ModelSlo } from './model-slos.js';
import { NOTHING_ASKED, type SliWindow } from './window.js';

const MINUTE = 60_000;

/** Trainings that ended between two times, of the experiments that objectives are about. */
export async function trainingWindows(
  store: Store,
  slos: readonly ModelSlo[],
  range: { readonly from: number; readonly to: number },
): Promise<SliWindow[]> {
  const experiments = new Set(
    slos.flatMap(({ slo: { sli } }) => (sli.type === 'training' ? (sli.experiment ?? []) : [])),
  );
  const windows: SliWindow[] = [];
  for (const experiment of experiments) {
    for (const { at, finished, failed } of await store.trainingOutcomes({ ...range, experiment })) {
      windows.push({
        ...{ from: at, to: at + MINUTE, version: '', role: 'live' },
        ...NOTHING_ASKED,
        trainings: { [experiment]: { good: finished, total: finished + failed } },
      });
    }
  }
  return windows;
}
