import { diagnoseLogged, type LoggedDiagnosis } from '../diagnosis/logged/diagnose-logged.js';
import type { Series } from '../diagnosis/logged/pairs.js';
import type { Run, Store } from '../store/types.js';

/** The kind of a run that a client logged, or that was imported. */
const LOGGED = 'logged';

/** Whether there is only what a client logged: no spec, no rows, no model that Ballast trained. */
export const isLogged = ({ kind }: Pick<Run, 'kind'>): boolean => kind === LOGGED;

/** Diagnoses a run that a client logged, from its curves and parameters. */
export async function diagnoseLoggedRun(store: Store, run: Run, { gap }: { gap: number }): Promise<LoggedDiagnosis> {
  const series = new Map<string, Map<number, number>>();
  for (const { name, step, value } of await store.metricHistory(run.id)) {
    const points = series.get(name) ?? new Map<number, number>();
    // By step and time: of several at one step the last stands.
    points.set(step, value);
    series.set(name, points);
  }
  return diagnoseLogged({
    series: [...series].map(([name, points]): Series => {
      return { name, points: [...points].map(([step, value]) => ({ step, value })) };
    }),
    parameters: await store.getParams(run.id),
    manifest: run.manifest !== null,
    limit: gap,
  });
}
