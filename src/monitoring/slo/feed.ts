import { countAbove } from '../../numeric/index.js';
import type { ObservationWindow, SliCount, Store } from '../../store/index.js';
import { answersOf, NOTHING_ASKED, type SliWindow } from './window.js';

const MINUTE = 60_000;

/** Everything that objectives of a model are computed from, between two times. */
export async function sliWindows(
  store: Store,
  model: string,
  range: { readonly from: number; readonly to: number },
): Promise<SliWindow[]> {
  const observed = await store.windowsOf(model, range);
  return [...observed.map(observedWindow), ...customWindows(await store.sliCounts(model, range))];
}

/** What the store counted of answers, as objectives see it. */
export function observedWindow(window: ObservationWindow): SliWindow {
  const { version, role, slice, start, ms, requests, rejected, failed, labelled, wrong, latency, confidence } = window;
  const at = slice.indexOf('=');
  const answers = answersOf(window);
  return {
    from: start,
    to: start + ms,
    version,
    role,
    ...(slice === '' ? {} : { slice: { by: slice.slice(0, at), value: slice.slice(at + 1) } }),
    requests,
    rejected,
    failed,
    labelled,
    wrong,
    bins: confidence.labelled.map((count, bin) => ({
      count,
      confidence: confidence.labelledSum[bin],
      right: confidence.right[bin],
    })),
    within: (bound) => answers - countAbove(latency, bound),
  };
}

/** An application's own counts as windows. */
function customWindows(counts: readonly SliCount[]): SliWindow[] {
  return counts.map(({ at, version, name, good, total }) => ({
    from: at,
    to: at + MINUTE,
    version,
    role: 'live',
    ...NOTHING_ASKED,
    custom: { [name]: { good, total } },
  }));
}
