import { isDeepStrictEqual } from 'node:util';
import type { Figure } from '../../evaluation/figure.js';
import type { TrialCounts } from '../../store/sweep-types.js';
import type { Run, Store } from '../../store/types.js';
import type { BestTrial, SweepResult } from './result.js';

/** The winner's curse of a run that is one of a sweep's: among how many it was, and what the best is worth on other rows. */
export interface ChosenFrom {
  readonly sweep: string;
  /** Trials that were looked at, those that were ended early included. */
  readonly from: number;
  /** Whether the sweep recommends this run. */
  readonly best: boolean;
  /** Of the best only, by the record of the sweep. */
  readonly objective?: string;
  /** On the validation rows that it was chosen on. */
  readonly apparent?: number;
  /** On other rows, freed of the luck of having been the best of many; absent where it could not be worked out. */
  readonly corrected?: Figure;
}

/** Among how many a run was chosen; undefined where it is neither a trial of a sweep nor trained by the spec that one recommends. */
export async function chosenFrom(store: Store, run: Run): Promise<ChosenFrom | undefined> {
  const { id, groupId } = run;
  const trials = groupId === undefined ? undefined : (await store.countTrials([groupId])).get(groupId);
  if (groupId === undefined || trials === undefined) return trainedAsChosen(store, run);
  const { best } = ((await store.findSweep(groupId)).result ?? {}) as Partial<SweepResult>;
  return {
    sweep: groupId,
    from: lookedAt(trials),
    best: best?.run === id,
    ...(best?.run === id ? figuresOf(best) : {}),
  };
}

/** Of a run that was trained once more by the spec that a sweep recommends. */
async function trainedAsChosen(store: Store, { role, spec, dataVersion }: Run): Promise<ChosenFrom | undefined> {
  if (role !== 'model' || spec === null || spec === undefined) return undefined;
  const own = comparable(spec);
  for (const { id, result } of await store.listSweeps()) {
    const { best } = (result ?? {}) as Partial<SweepResult>;
    if (best === undefined || !isDeepStrictEqual(comparable(best.spec), own)) continue;
    const [trial] = await store.listRuns({ groupId: id, limit: 1 });
    if (trial?.dataVersion !== dataVersion) continue;
    const trials = (await store.countTrials([id])).get(id);
    if (trials !== undefined) return { sweep: id, from: lookedAt(trials), best: true, ...figuresOf(best) };
  }
  return undefined;
}

function lookedAt({ counts: { complete = 0, pruned = 0 } }: TrialCounts): number {
  return complete + pruned;
}

function figuresOf({
  objective,
  metric,
  correctedMetric,
}: BestTrial): Pick<ChosenFrom, 'objective' | 'apparent' | 'corrected'> {
  return { objective, apparent: metric, ...(correctedMetric === undefined ? {} : { corrected: correctedMetric }) };
}

/** A spec without what says nothing of the model, and without where its rows are: their version is compared. */
function comparable(spec: unknown): unknown {
  const { search: _, baseDirectory: __, data, ...rest } = JSON.parse(JSON.stringify(spec)) as Record<string, unknown>;
  const { source: ___, name: ____, ...read } = data as Record<string, unknown>;
  return { ...rest, data: read };
}

/** The same as tags of a registered version of the run's model. */
export async function choiceTags(store: Store, runId: string): Promise<Record<string, string>> {
  const chosen = await chosenFrom(store, await store.getRun(runId));
  if (chosen === undefined) return {};
  return { 'ballast.chosenFrom': String(chosen.from), 'ballast.chosenBySweep': chosen.sweep };
}
