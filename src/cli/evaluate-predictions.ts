import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { requireAsked, withAsked } from '../evaluation/asked.js';
import { type Evaluation, evaluate } from '../evaluation/evaluate.js';
import type { PredictionInput } from '../evaluation/input.js';
import {
  evaluateDetection,
  evaluateLanguage,
  evaluateRanking,
  evaluateSpeech,
} from '../evaluation/units/evaluate-units.js';
import type { UnitEvaluation, UnitTask } from '../evaluation/units/unit-metric.js';
import { metricsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { type AskedOptions, askedOf } from './asked-options.js';
import { readDetections } from './detections-file.js';
import { evaluationDocument } from './evaluation-document.js';
import type { FileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { answer } from './output.js';
import { PredictionsFile } from './predictions-file.js';
import { readProbabilities } from './probabilities-file.js';
import { unitLines } from './unit-lines.js';

/** Tasks whose answers are judged; of these Ballast runs the models of detection alone. */
export const UNIT_TASKS: readonly UnitTask[] = ['ranking', 'speech', 'detection', 'language-model'];

export const isUnitTask = (task: string): task is UnitTask => UNIT_TASKS.some((known) => known === task);

export interface PredictionsOptions extends Omit<FileOptions, 'task'>, AskedOptions {
  predictions: string;
  task?: FileOptions['task'] | UnitTask;
  truth?: string;
}

/** Judges the answers of any model, made anywhere, that stand in a file beside what was right. */
export async function evaluatePredictions(options: PredictionsOptions, command: Command): Promise<void> {
  const { task } = options;
  if (task === undefined) {
    throw new BallastError('what the predictions are of is not said', {
      code: 'USAGE',
      place: '--task',
      remedy: `Add --task classification, regression, ${UNIT_TASKS.join(', ')}`,
    });
  }
  if (task !== 'detection') refuseGiven(command, ['truth'], { reason: 'goes with --task detection' });
  if (task === 'classification' || task === 'regression') {
    const evaluation = await evaluateAnswers(options, task, command);
    answer(
      options,
      { predictions: options.predictions, ...evaluationDocument(evaluation) },
      metricsTable(evaluation, terminalOptions()),
    );
    return;
  }
  refuseGiven(command, ['positive', 'cost', 'classes', 'target'], { reason: `is of classes, and the task is ${task}` });
  if (task === 'detection') refuseGiven(command, ['input'], { reason: 'names columns, and COCO files have none' });
  const evaluation = await evaluateUnitsOf(options, task);
  answer(options, { predictions: options.predictions, ...evaluation }, unitLines(evaluation).join('\n'));
}

async function evaluateAnswers(
  options: PredictionsOptions,
  task: 'classification' | 'regression',
  command: Command,
): Promise<Evaluation> {
  const asked = askedOf(options);
  let given: PredictionInput;
  if (task === 'classification') {
    refuseGiven(command, ['input'], { reason: 'names columns of other tasks; name the labels with --target' });
    given = (await readProbabilities(options.predictions, options.target, options.classes)).predictions;
  } else {
    refuseGiven(command, ['classes'], { reason: 'is of classification, and this is a regression' });
    const file = await PredictionsFile.read(options.predictions, options.input);
    const target = file.numbers(options.target ?? 'target');
    given = { task, target, predictions: file.numbers('prediction') };
    file.refuseUnused();
  }
  const classes = given.task === 'classification' ? (given.classes ?? []) : [];
  requireAsked(asked, task, classes);
  return evaluate({ ...withAsked(given, asked), metrics: asked.metrics });
}

async function evaluateUnitsOf(
  { predictions, truth, input, metric = [] }: PredictionsOptions,
  task: UnitTask,
): Promise<UnitEvaluation> {
  if (task === 'detection') {
    if (truth === undefined) {
      throw new BallastError('where the objects are is not given', {
        code: 'USAGE',
        place: '--truth',
        remedy: 'Add --truth FILE: COCO annotations (images, annotations with bbox)',
      });
    }
    return evaluateDetection({ ...(await readDetections(predictions, truth)), metrics: metric });
  }
  const file = await PredictionsFile.read(predictions, input, task === 'speech' ? ['reference', 'hypothesis'] : []);
  const evaluation = ofFile(file, task, metric);
  file.refuseUnused();
  return evaluation;
}

function ofFile(
  file: PredictionsFile,
  task: Exclude<UnitTask, 'detection'>,
  metrics: readonly string[],
): UnitEvaluation {
  switch (task) {
    case 'ranking':
      return evaluateRanking({
        query: file.codes('query'),
        relevance: file.numbers('relevance'),
        score: file.numbers('score'),
        ...optional('clicked', file.optionalNumbers('clicked')),
        metrics,
      });
    case 'speech':
      return evaluateSpeech({ reference: file.texts('reference'), hypothesis: file.texts('hypothesis'), metrics });
    case 'language-model':
      return evaluateLanguage({
        document: file.has('document')
          ? file.codes('document')
          : Int32Array.from({ length: file.rows }, (_, row) => row),
        ...optional('logProbability', file.optionalNumbers('logProbability')),
        ...optional('tokens', file.optionalNumbers('tokens')),
        ...optional('bytes', file.optionalNumbers('bytes')),
        ...optional('hallucinated', file.optionalNumbers('hallucinated')),
        metrics,
      });
  }
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}
