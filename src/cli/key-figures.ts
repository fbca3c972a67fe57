import type { Spec } from '../spec/schema.js';
import { primaryMetric } from '../tuning/judge.js';

/** What says most beside the primary metric. */
const COMPANIONS = { classification: ['accuracy', 'logLoss'], regression: ['rmse', 'r2'] } as const;

/**
 * The few figures that a list shows of a run: its primary metric first and others of its task, on validation, and the
 * gap.
 *
 * @param final the run's last figures: `validation.accuracy`, `gap`, ...
 */
export function keyFigures(final: Readonly<Record<string, number>>, spec: Partial<Spec>): Record<string, number> {
  const { task, objectives } = spec;
  if (task === undefined || objectives === undefined) return {};
  const names = new Set<string>([primaryMetric({ task, objectives }), ...COMPANIONS[task]]);
  const figures = [...names].map((name) => [name, final[`validation.${name}`]] as const);
  return Object.fromEntries(
    [...figures, ['gap', final.gap] as const].filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
