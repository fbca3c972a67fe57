/** Augmentation of series, audio and texts, and predictions over views, on small real data. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Figure } from '../../src/evaluation/index.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { openRuntime } from '../../src/graph/index.js';
import { augmentationGraph } from '../../src/regularizers/augmentation-graph.js';
import { resolveEntry } from '../../src/regularizers/resolve.js';
import { type Arm, scoreRows, show, summary, type Trial, trainArms, valuesOf } from './arms.js';
import { AUGMENTATIONS, type AugmentationCase, VIEWS } from './augmentation-cases.js';
import type { Results } from './page.js';

const SEEDS = 5;
const STRENGTHS = [0.3, 1];
const NONE = 'none';

interface Outcome {
  readonly arm: string;
  readonly strength: number | undefined;
  readonly figures: Readonly<Record<'accuracy' | 'logLoss' | 'ece', { readonly mean: Figure; readonly gain?: Figure }>>;
}

interface CaseOutcome {
  readonly of: AugmentationCase;
  readonly outcomes: readonly Outcome[];
  /** Predictions over views against those of the same network alone: better by how much, at how many times the time. */
  readonly views: { readonly gains: Readonly<Record<'accuracy' | 'logLoss' | 'ece', Figure>>; readonly times: number };
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const named = (arm: string, strength: number): string => `${arm} ${strength}`;

/** The strength of the least mean log loss on the validation rows. */
function chosen(trials: readonly Trial[], arm: string): number {
  const loss = (strength: number): number =>
    mean(valuesOf(trials, named(arm, strength), ({ validation }) => validation.logLoss));
  return STRENGTHS.reduce((best, strength) => (loss(strength) < loss(best) ? strength : best));
}

function figuresOf(trials: readonly Trial[], arm: string, against: string | undefined): Outcome['figures'] {
  const of = (metric: 'accuracy' | 'logLoss' | 'ece') => {
    // A gain is above 0 where it is better.
    const sign = metric === 'accuracy' ? 1 : -1;
    const values = valuesOf(trials, arm, ({ holdout }) => holdout[metric]);
    const other =
      against === undefined ? undefined : valuesOf(trials, against, ({ holdout }) => sign * holdout[metric]);
    const { gain } = summary(
      values.map((value) => sign * value),
      other,
    );
    return { mean: summary(values).mean, ...(gain === undefined ? {} : { gain }) };
  };
  return { accuracy: of('accuracy'), logLoss: of('logLoss'), ece: of('ece') };
}

/** Times that the graph with views takes for the held-out rows, over that of the network alone: the median of five. */
async function timesOf(trials: readonly Trial[], plain: string, views: string): Promise<number> {
  const runtime = await openRuntime();
  const [one, many] = [plain, views].map((arm) => trials.find((trial) => trial.arm === arm && trial.seed === 1));
  if (one === undefined || many === undefined) throw new Error('every arm has a first seed');
  const { preprocessor, table, split } = one.data;
  const held = preprocessor.transform(table, split.holdout);
  const rows = Int32Array.from(split.holdout, (_, i) => i);
  const secondsOf = async ({ graph }: Trial): Promise<number> => {
    const started = performance.now();
    await scoreRows(runtime, graph, preprocessor.outputs, held, rows);
    return performance.now() - started;
  };
  const ratios: number[] = [];
  for (let round = 0; round < 5; round++) ratios.push((await secondsOf(many)) / (await secondsOf(one)));
  return ratios.sort((a, b) => a - b)[2];
}

async function runCase(
  of: AugmentationCase,
  { datasets, work, seeds, tell }: { datasets: string; work: string; seeds: number; tell: (line: string) => void },
): Promise<CaseOutcome> {
  const spec = of.spec(datasets, work);
  const own = of.arms.filter(({ viewsOf }) => viewsOf === undefined);
  const arms: Arm[] = own.flatMap(({ name, regularizers }) =>
    STRENGTHS.map((strength) => ({ name: named(name, strength), regularizers: regularizers(strength) })),
  );
  const trials = await trainArms(spec, [{ name: NONE, regularizers: [] }, ...arms], { seeds, tell });
  const outcomes: Outcome[] = [{ arm: NONE, strength: undefined, figures: figuresOf(trials, NONE, undefined) }];
  for (const { name } of own) {
    const strength = chosen(trials, name);
    outcomes.push({ arm: name, strength, figures: figuresOf(trials, named(name, strength), NONE) });
  }
  const [averaged] = of.arms.filter(({ viewsOf }) => viewsOf !== undefined);
  const strength = chosen(trials, averaged.viewsOf ?? '');
  const plain = named(averaged.viewsOf ?? '', strength);
  const seen = await trainArms(spec, [{ name: averaged.name, regularizers: averaged.regularizers(strength) }], {
    seeds,
    tell,
  });
  const all = [...trials, ...seen];
  outcomes.push({ arm: averaged.name, strength, figures: figuresOf(all, averaged.name, NONE) });
  const { accuracy, logLoss, ece } = figuresOf(all, averaged.name, plain);
  const gainOf = ({ gain }: { readonly gain?: Figure }): Figure => {
    if (gain === undefined) throw new Error('both arms have the same seeds');
    return gain;
  };
  const gains = { accuracy: gainOf(accuracy), logLoss: gainOf(logLoss), ece: gainOf(ece) };
  return { of, outcomes, views: { gains, times: await timesOf(all, plain, averaged.name) } };
}

const verdictOf = ({ interval: [low, high] }: Figure): string =>
  low > 0 ? 'helped' : high < 0 ? 'hurt' : 'no clear difference';

function renderCase({ of: { title, about }, outcomes, views }: CaseOutcome): string {
  const rows = outcomes.map(({ arm, strength, figures: { accuracy, logLoss, ece } }) => {
    const gain = ({ gain }: { readonly gain?: Figure }): string => (gain === undefined ? '' : show(gain));
    return `| ${arm} | ${strength ?? ''} | ${show(accuracy.mean)} | ${gain(accuracy)} | ${logLoss.mean.value.toFixed(4)} | ${gain(logLoss)} | ${ece.mean.value.toFixed(4)} |`;
  });
  const verdicts = outcomes.flatMap(({ arm, figures: { accuracy, logLoss } }) =>
    accuracy.gain === undefined || logLoss.gain === undefined
      ? []
      : [`- ${arm}: accuracy ${verdictOf(accuracy.gain)}, log loss ${verdictOf(logLoss.gain)}`],
  );
  const { accuracy, logLoss, ece } = views.gains;
  return `## ${title}

${about}

| augmentation | strength | accuracy | gain | log loss | gain | ECE |
| --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${verdicts.join('\n')}

The views against the same networks without them: accuracy ${show(accuracy)}, log loss ${show(logLoss)}, ECE ${show(ece)} better;
prediction takes ${views.times.toFixed(1)} times as long for ${VIEWS} views.
`;
}

/** Processor time of an augmentation, batches of 64 rows, one thread. */
async function costs(): Promise<string> {
  const runtime = await openRuntime();
  const wave = { content: 'audio', shape: [4800], sampleRate: 8000, range: { low: [-5], high: [5] } } as const;
  const cases = [
    [
      'series-augmentation, 128 steps of 3 channels',
      { type: 'series-augmentation' },
      { content: 'series', shape: [128, 3] },
    ],
    ['audio-augmentation, 0.6 s at 8 kHz', { type: 'audio-augmentation' }, wave],
    ['the same without stretch and pitch', { type: 'audio-augmentation', stretch: 0, pitch: 0 }, wave],
    ['text-augmentation, 64 tokens', { type: 'text-augmentation' }, { content: 'tokens', shape: [64] }],
    ['the same with spans', { type: 'text-augmentation', span: 0.15 }, { content: 'tokens', shape: [64] }],
  ] as const;
  const lines: string[] = [];
  for (const [title, entry, described] of cases) {
    const type = described.content === 'tokens' ? 'int64' : 'float32';
    const shape = [64, ...described.shape];
    const input = { name: 'x', type, ...described } as const;
    const { model } = augmentationGraph([resolveEntry(entry, 'results')], { inputs: [input], rows: 64 });
    const session = await runtime.load(writeModel(model), { threads: 1 });
    const x = runtime.allocate(type, shape);
    for (let i = 0; i < x.data.length; i++) x.data[i] = type === 'int64' ? BigInt(2 + (i % 50)) : Math.sin(i);
    const [seed, step, output] = [
      runtime.allocate('uint32', [1]),
      runtime.allocate('uint32', [1]),
      runtime.allocate(type, shape),
    ];
    const binding = session.bind({ x, seed, step }, { 'augmented.x': output });
    const each = Array.from({ length: 40 }, (_, round) => {
      step.data[0] = round;
      const before = process.cpuUsage();
      for (let i = 0; i < 5; i++) binding.runSync();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 5 / 64;
    }).sort((a, b) => a - b);
    const row = each[20];
    lines.push(`| ${title} | ${row.toFixed(1)} | ${((1000 * row) / (x.data.length / 64)).toFixed(0)} |`);
    binding.release();
    session.release();
  }
  return lines.join('\n');
}

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const seeds = quick ? 2 : SEEDS;
    const work = await mkdtemp(join(tmpdir(), 'ballast-augmentation-'));
    try {
      const done: CaseOutcome[] = [];
      for (const each of AUGMENTATIONS) done.push(await runCase(each, { datasets, work, seeds, tell }));
      return `# Augmentation of series, audio and texts

Each change alone and together, and predictions over ${VIEWS} views of each row, against the same training without any. Means over
${seeds} seeds on the rows held out, which nothing else read, with 95 % intervals (Student's t over seeds: the luck of initial
weights, order and augmentation, not of the rows). Gains are paired by seed and above 0 where the augmentation is better, whatever
the metric's direction. Strengths are those of ${STRENGTHS.join(' and ')} with the lower mean log loss on the validation rows; the
number of epochs is the same for all, chosen for none of them.

${done.map(renderCase).join('\n')}
## Cost

Processor time of the augmentation of one row, in batches of 64, one thread (median of 40).

| augmentation | µs a row | ns a value |
| --- | --- | --- |
${await costs()}
`;
    } finally {
      await rm(work, { recursive: true });
    }
  },
};
