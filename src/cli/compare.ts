import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { compareAll } from '../evaluation/compare-all.js';
import type { PredictionInput } from '../evaluation/input.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { comparedTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { evaluateOther, scoreValidation } from '../tuning/evaluate-run.js';
import { scoreFile } from './evaluate-file.js';
import { type FileOptions, OF_FILES, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { degradation, layerLines } from './layer-lines.js';
import { predictionsOn } from './locked-rows.js';
import { answer, answerIsNo } from './output.js';
import { withStore } from './use-store.js';

export function compareCommand(): Command {
  return withFileOptions(new Command('compare'))
    .argument('<first>', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .argument('<second>', 'the one that it is compared with')
    .option('--data <source>', 'rows for both; the validation rows of both runs unless given')
    .option('--layers', 'of two .onnx files: where the second leaves the first, layer by layer, class by class')
    .addHelpText(
      'after',
      `
Both answer the same rows, and differences are paired: McNemar's test of accuracy, DeLong's of the ROC-AUC, the bootstrap
or row by row elsewhere. Exit code 1 where the first is clearly worse in the first metric (accuracy, or rmse).

Examples:
  ballast compare 3f2a91c0 8b11e0aa
  ballast compare small.onnx large.onnx --data rows.csv --target y --output scores:logits
  ballast compare 3f2a91c0 foreign.onnx --data rows.csv --target y
  ballast compare model.onnx small.onnx --data rows.csv --target y --layers
`,
    )
    .action(compareAction);
}

async function compareAction(
  first: string,
  second: string,
  options: FileOptions & { layers?: boolean },
  command: Command,
): Promise<void> {
  const references = [first, second];
  if (!references.some((reference) => reference.endsWith('.onnx'))) {
    refuseGiven(command, OF_FILES, { reason: 'describes an .onnx file, and runs know it already' });
  } else if (options.data === undefined) {
    throw new BallastError('a model file needs rows to be compared on', {
      code: 'COMPARE_DATA',
      remedy: 'Add --data SOURCE: rows that neither model was trained on',
    });
  }
  const [a, b] = [await answersTo(first, options), await answersTo(second, options)];
  if (a.task !== b.task) {
    throw new BallastError(`${first} is a ${a.task}, and ${second} a ${b.task}`, {
      code: 'COMPARE_TASKS',
      remedy: 'Compare models of one task',
    });
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

async function answersTo(reference: string, options: FileOptions): Promise<PredictionInput> {
  const { data } = options;
  if (reference.endsWith('.onnx')) return (await scoreFile(reference, { ...options, data: data ?? '' })).predictions;
  return withStore(options.store, { create: false }, async (store) => {
    const run = await store.findRun(reference);
    const runtime = await openRuntime();
    return data === undefined
      ? scoreValidation(store, runtime, run)
      : predictionsOn(await evaluateOther(store, runtime, run, data));
  });
}
