import { takeRows } from '../data/take-rows.js';
import { type StressTest, stressTest } from '../evaluation/stress/stress.js';
import type { Session } from '../graph/runtime/runtime.js';
import { evenly } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import type { RowsOfRun } from './run-rows.js';
import { scoreRows } from './score.js';

export interface StressSettings {
  readonly metric: string;
  readonly seed: number;
  readonly tell?: ((corruption: string, severity: number) => void) | undefined;
}

/** A stress test, and which rows of the table were stressed. */
export type StressedModel = StressTest & { readonly stressed: Uint32Array };

/** At most so many rows are stressed, evenly spaced: each is scored some forty times. */
const MOST_ROWS = 5000;

/** How any model bears rows that go wrong; see {@link stressTest}. */
export async function stressModel(
  session: Session,
  ports: ModelPorts,
  { table, rows, roles }: RowsOfRun,
  { metric, seed, tell }: StressSettings,
): Promise<StressedModel> {
  const own = evenly(rows, MOST_ROWS);
  const chosen = takeRows(table, own);
  const all = Uint32Array.from({ length: chosen.rows }, (_, row) => row);
  const { target = '', weight, event, features } = roles;
  const tested = await stressTest(
    chosen,
    (stressed) => scoreRows(session, ports, stressed, all, { target, weight, event }),
    {
      metric,
      features,
      seed,
      ...(tell === undefined ? {} : { tell }),
    },
  );
  return { ...tested, stressed: own };
}
