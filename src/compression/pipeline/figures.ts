import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isHigherBetter } from '../../evaluation/direction.js';
import { type Evaluation, evaluate } from '../../evaluation/evaluate.js';
import type { Figure } from '../../evaluation/figure.js';
import { comparePaired } from '../../evaluation/paired.js';
import { compareDetection } from '../../evaluation/units/compare-detection.js';
import { detectionFigure } from '../../evaluation/units/evaluate-units.js';
import { writeModel } from '../../graph/format/encode.js';
import { writeModelFile } from '../../graph/format/file.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Answers } from '../examples.js';
import { bytesOfModel } from '../measure/bench.js';
import { measureColdStart } from '../measure/cold-start.js';
import { measureLatency, pairedRatio, runnable } from '../measure/latency.js';
import type { Subject } from './subject.js';

type Estimate = Pick<Figure, 'value' | 'interval'>;

/** What a model is worth and what it costs, measured here. */
export interface Figures {
  /** The primary metric, on the rows that candidates are judged on. */
  readonly quality: Estimate;
  /** Quality lost against the original, row by row (or picture by picture); above 0 is a loss. Null where it has no interval. */
  readonly loss: Estimate | null;
  /** Expected calibration error; null where there are no probabilities. */
  readonly ece: Estimate | null;
  /** Recall of the class that fares worst; null for regression. */
  readonly worstClass: (Estimate & { readonly class: string }) | null;
  /** Of one request. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time of a request over that of the original, in turns. */
  readonly timeRatio: Estimate;
  readonly coldStartMs: number | null;
  readonly peakMemoryBytes: number | null;
  readonly bytes: number;
}

/** Quality of answers, with intervals. */
export function qualityOf(
  { primary, seed }: Pick<Subject, 'primary' | 'seed'>,
  answers: Answers,
  level = 0.95,
): Pick<Figures, 'quality' | 'ece' | 'worstClass'> & { readonly evaluation: Evaluation | null } {
  if (answers.task === 'detection') {
    const quality = estimate(detectionFigure(primary, { ...answers, seed, level }));
    return { quality, ece: null, worstClass: null, evaluation: null };
  }
  const evaluation = evaluate({ ...answers, primary, seed, level });
  const { metrics, perClass } = evaluation;
  const recalls = Object.entries(perClass).flatMap(([name, { recall }]) =>
    recall === undefined ? [] : [{ class: name, ...estimate(recall) }],
  );
  const worst = recalls.reduce<(typeof recalls)[number] | null>(
    (least, each) => (least === null || each.value < least.value ? each : least),
    null,
  );
  return {
    quality: estimate(metrics[primary]),
    ece: metrics.ece === undefined ? null : estimate(metrics.ece),
    worstClass: worst,
    evaluation,
  };
}

/** What answers lost against those of the original, paired; null where nothing can be said. */
export function lossOf(
  { primary, seed }: Pick<Subject, 'primary' | 'seed'>,
  original: Answers,
  answers: Answers,
  level = 0.95,
): Figures['loss'] {
  let gained: Figure | undefined;
  if (original.task === 'detection' || answers.task === 'detection') {
    if (original.task !== 'detection' || answers.task !== 'detection') throw new Error('answers of two tasks');
    gained = compareDetection(answers, original, { only: [primary], seed, level })[0]?.difference;
  } else {
    const compared = comparePaired({ metric: primary, first: answers, second: original, seed, level });
    if ('difference' in compared) gained = compared.difference;
  }
  if (gained === undefined) return null;
  const { value, interval } = gained;
  return isHigherBetter(primary)
    ? { value: -value || 0, interval: [-interval[1] || 0, -interval[0] || 0] }
    : { value, interval };
}

const estimate = ({ value, interval }: Figure): Estimate => ({ value, interval });

export interface CostOptions {
  /** Time of a warm measurement. */
  readonly seconds: number;
  /** Fresh processes; 0 = no cold start. */
  readonly starts: number;
  readonly signal?: AbortSignal | undefined;
}

/** What requests to a delivered model cost here, beside those to the original. */
export async function costOf(
  runtime: Runtime,
  { request }: Pick<Subject, 'request'>,
  [model, original]: readonly [Model, Model],
  { seconds, starts, signal }: CostOptions,
): Promise<Pick<Figures, 'p50Ms' | 'p99Ms' | 'timeRatio' | 'coldStartMs' | 'peakMemoryBytes' | 'bytes'>> {
  const folder = await mkdtemp(join(tmpdir(), 'ballast-cost-'));
  const path = join(folder, 'model.onnx');
  const sessions = [await runtime.load(writeModel(model)), await runtime.load(writeModel(original))];
  try {
    await writeModelFile(model, path);
    const [own, first] = [await runnable(runtime, sessions[0], request), await runnable(runtime, sessions[1], request)];
    const latency = await measureLatency(own, { seconds, signal });
    const ratio = await pairedRatio(own, first, { seconds, signal });
    own.release();
    first.release();
    const cold = starts === 0 ? undefined : await measureColdStart(path, request, { starts, signal });
    return {
      p50Ms: latency.p50Ms,
      p99Ms: latency.p99Ms,
      timeRatio: { value: ratio.value, interval: ratio.interval },
      coldStartMs: cold?.coldStartMs ?? null,
      peakMemoryBytes: cold?.peakMemoryBytes ?? null,
      bytes: await bytesOfModel(path),
    };
  } finally {
    for (const session of sessions) session.release();
    await rm(folder, { recursive: true, force: true });
  }
}
