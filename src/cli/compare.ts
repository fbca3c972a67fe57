import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { compareAll } from '../evaluation/compare-all.js';
import type { PredictionInput } from '../evaluation/input.js';
import { findMetric } from '../evaluation/metrics/index.js';
import { judgeDifference } from '../evaluation/verdict.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { comparedTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { evaluateOther, scoreValidation } from '../tuning/evaluate-run.js';
import { choiceLines, chooseModel } from './compare-many.js';
import { type DetectorOptions, WITH_DETECTION } from './detector-options.js';
import { compareDetectors } from './evaluate-detector.js';
import { scoreFile } from './evaluate-file.js';
import { type FileOptions, OF_FILES, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { degradation, layerLines } from './layer-lines.js';
import { noteLocked } from './locked-rows.js';
import { answer, answerIsNo } from './output.js';
import { withStore } from './use-store.js';

export function compareCommand(): Command {
  return withFileOptions(new Command('compare'), WITH_DETECTION)
    .argument('<first>', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .argument('<second>', 'the one that it is compared with')
    .argument('[others...]', 'more, to choose the best of all')
    .option('--data <source>', 'rows for both; the validation rows of both runs unless given')
    .option('--layers', 'of two .onnx files: where the second leaves the first, layer by layer, class by class')
    .addHelpText(
      'after',
      `
Both answer the same rows, and differences are paired: McNemar's test of accuracy, DeLong's of the ROC-AUC, the bootstrap
or row by row elsewhere. Exit code 1 where the first is clearly worse in the first metric (accuracy, or rmse). Of three and
more the best is chosen, with what it is worth on other rows: the best of several looks better than it is.

Examples:
  ballast compare 3f2a91c0 8b11e0aa
  ballast compare 3f2a91c0 8b11e0aa 77cd01e2
  ballast compare small.onnx large.onnx --data rows.csv --target y --output scores:logits
  ballast compare 3f2a91c0 foreign.onnx --data rows.csv --target y
  ballast compare model.onnx small.onnx --data rows.csv --target y --layers
  ballast compare small.onnx detector.onnx --task detection --data objects.json
`,
    )
    .action(compareAction);
}

async function compareAction(
  first: string,
  second: string,
  others: readonly string[],
  given: DetectorOptions & { layers?: boolean },
  command: Command,
): Promise<void> {
  const references = [first, second, ...others];
  const { task, ...rest } = given;
  if (task === 'detection') {
    refuseGiven(command, ['layers'], { reason: 'is of classification and regression' });
    await compareDetectors(references, given, command);
    return;
  }
  const options: FileOptions & { layers?: boolean } = { ...rest, ...(task === undefined ? {} : { task }) };
  if (!references.some((reference) => reference.endsWith('.onnx'))) {
    refuseGiven(command, OF_FILES, { reason: 'describes an .onnx file, and runs know it already' });
  } else if (options.data === undefined) {
    throw new BallastError('a model file needs rows to be compared on', {
      code: 'COMPARE_DATA',
      remedy: 'Add --data SOURCE: rows that neither model was trained on',
    });
  }
  if (others.length > 0) {
    refuseGiven(command, ['layers'], { reason: 'is of two models' });
    const twice = references.find((reference, i) => references.indexOf(reference) < i);
    if (twice !== undefined) {
      throw new BallastError('A model is named twice', { code: 'USAGE', value: twice, remedy: 'Name each once' });
    }
  }
  const answered: Answered[] = [];
  for (const reference of references) answered.push(await answersTo(reference, options));
  // Of the same rows: once, for the run that knows most of them.
  noteLocked(answered.reduce((most, each) => ((each.locked ?? 0) > (most.locked ?? 0) ? each : most)));
  const answers = answered.map(({ predictions }) => predictions);
  const [a, b] = answers;
  const odd = answers.findIndex(({ task }) => task !== a.task);
  if (odd > 0) {
    throw new BallastError(`${first} is a ${a.task}, and ${references[odd]} a ${answers[odd].task}`, {
      code: 'COMPARE_TASKS',
      remedy: 'Compare models of one task',
    });
  }
  if (others.length > 0) {
    chooseBest(references, answers, options);
    return;
  }
  const metrics = compareAll(a, b);
  const [primary] = metrics;
  if (primary?.verdict === 'hurt') answerIsNo();
  const why =
    options.layers === true
      ? await degradation([first, second], { ...options, data: options.data ?? '' }, [a, b])
      : undefined;
  answer(
    options,
    { first, second, rows: a.target.length, metrics, ...(why === undefined ? {} : { degradation: why }) },
    [
      comparedTable([first, second], a.target.length, metrics, terminalOptions()),
      ...(why === undefined ? [] : layerLines(why)),
    ].join('\n'),
  );
}

/** Of several: the best, and what that is worth. */
function chooseBest(references: readonly string[], answers: readonly PredictionInput[], options: FileOptions): void {
  const metric = answers[0].task === 'classification' ? 'accuracy' : 'rmse';
  const choice = chooseModel(references, answers, metric);
  if (choice === undefined) {
    throw new BallastError(`${metric} has no value on these rows`, { code: 'COMPARE_ROWS', remedy: 'Give more rows' });
  }
  const [{ difference }] = choice.candidates;
  if (difference !== null && judgeDifference(difference, findMetric(metric).metric.direction) === 'helped')
    answerIsNo();
  answer(options, choice, choiceLines(choice));
}

/** What a model says to the rows; of a run, how many of them are in its locked holdout. */
interface Answered {
  readonly predictions: PredictionInput;
  readonly rows: number;
  readonly locked?: number;
}

async function answersTo(reference: string, options: FileOptions): Promise<Answered> {
  const { data } = options;
  const unlocked = (predictions: PredictionInput): Answered => ({ predictions, rows: predictions.target.length });
  if (reference.endsWith('.onnx')) {
    return unlocked((await scoreFile(reference, { ...options, data: data ?? '' })).predictions);
  }
  return withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const runtime = await openRuntime();
    return data === undefined
      ? unlocked(await scoreValidation(store, runtime, run))
      : evaluateOther(store, runtime, run, data);
  });
}
