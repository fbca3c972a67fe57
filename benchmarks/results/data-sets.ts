/** Baseline and regularized model on six data sets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Figure, findMetric, meanOverSeeds, pairedOverSeeds } from '../../src/evaluation/index.js';
import { openRuntime } from '../../src/graph/index.js';
import { resolveSpec } from '../../src/spec/index.js';
import { openStore } from '../../src/store/index.js';
import { evaluateHoldout, runExperiment } from '../../src/tuning/index.js';
import { DATA_SETS, type DataSetCase } from './data-sets-cases.js';
import type { Results } from './page.js';

const SEEDS = 5;

interface CaseResult {
  readonly case: DataSetCase;
  readonly metric: string;
  readonly rows: { readonly train: number; readonly validation: number; readonly holdout: number };
  /** Means over seeds, on the holdout. */
  readonly baseline: Figure;
  readonly model: Figure;
  /** Quality gained by the model, paired by seed; above 0 is better. */
  readonly gain: Figure;
  /** Mean quality lost from train to holdout. */
  readonly gaps: { readonly baseline: Figure; readonly model: Figure };
  readonly seconds: number;
}

async function trainCase(entry: DataSetCase, folder: string, seeds: number): Promise<CaseResult> {
  const started = performance.now();
  const spec = {
    ...entry.spec,
    data: { ...entry.spec.data, source: join(folder, entry.source) },
    training: { ...(entry.spec.training as object), repeats: seeds },
  };
  const work = await mkdtemp(join(tmpdir(), 'ballast-results-'));
  const runtime = await openRuntime();
  const store = await openStore(work);
  try {
    const { runs, primary, data } = await runExperiment(resolveSpec(spec), {
      store,
      runtime,
      workFolder: work,
      ballastVersion: 'results',
    });
    const scores = { baseline: [] as number[], model: [] as number[] };
    const gaps = { baseline: [] as number[], model: [] as number[] };
    const sign = findMetric(primary).metric.direction === 'higher' ? 1 : -1;
    for (const run of runs) {
      if (run.role === 'ablation') continue;
      const { evaluation } = await evaluateHoldout(store, runtime, await store.getRun(run.runId));
      const onHoldout = evaluation.metrics[primary].value;
      scores[run.role].push(onHoldout);
      gaps[run.role].push(sign * (run.train.metrics[primary].value - onHoldout));
    }
    const { train, validation, holdout } = data.split;
    const mean = (values: readonly number[]): Figure => required(meanOverSeeds(values));
    return {
      case: entry,
      metric: primary,
      rows: { train: train.length, validation: validation.length, holdout: holdout.length },
      baseline: mean(scores.baseline),
      model: mean(scores.model),
      gain: required(
        pairedOverSeeds(
          scores.model.map((value) => sign * value),
          scores.baseline.map((value) => sign * value),
        ),
      ),
      gaps: { baseline: mean(gaps.baseline), model: mean(gaps.model) },
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    await store.close();
    await rm(work, { recursive: true });
  }
}

function required(figure: Figure | undefined): Figure {
  if (figure === undefined) throw new Error('two seeds at least are needed for an interval');
  return figure;
}

const show = ({ value, interval }: Figure): string =>
  `${value.toFixed(4)} (${interval.map((bound) => bound.toFixed(4)).join(' to ')})`;

function render(results: readonly CaseResult[], seeds: number): string {
  const rows = results.map(
    ({ case: { spec, kind }, metric, rows: parts, baseline, model, gain, gaps }) =>
      `| ${String(spec.name)} | ${kind} | ${parts.train} / ${parts.validation} / ${parts.holdout} | ${metric} | ${show(baseline)} | ${show(model)} | ${show(gain)} | ${gaps.baseline.value.toFixed(4)} -> ${gaps.model.value.toFixed(4)} |`,
  );
  const verdicts = results.map(({ case: { spec }, gain }) => {
    const [low, high] = gain.interval;
    return `- ${String(spec.name)}: ${low > 0 ? 'helped' : high < 0 ? 'hurt' : 'no clear difference'}`;
  });
  return `# Results on real data

Baseline (every strength 0, last epoch) against the regularized model: same data, split, architecture, optimizer, schedule
and maximal epochs, paired by seed. Figures are means over ${seeds} seeds **on the holdout**, with 95 % intervals (Student's
t over seeds: they cover the luck of initial weights and order, not of the rows). Gain is above 0 where the model is better, whatever the metric's
direction. Gap is the mean quality lost from train to holdout, baseline -> model. Strengths were chosen on validation rows of
one seed and not tuned further.

| data | kind | rows: train / validation / holdout | metric | baseline | model | gain | gap |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${verdicts.join('\n')}
`;
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : SEEDS;
    const done: CaseResult[] = [];
    for (const entry of DATA_SETS) {
      const result = await trainCase(entry, datasets, seeds);
      done.push(result);
      tell(
        `${String(entry.spec.name)}: ${result.metric} ${show(result.baseline)} -> ${show(result.model)}, gain ${show(result.gain)}, ${result.seconds.toFixed(0)} s`,
      );
    }
    return render(done, seeds);
  },
};
