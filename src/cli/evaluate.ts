import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readTable } from '../data/read/read.js';
import { BallastError } from '../errors.js';
import type { Evaluation } from '../evaluation/evaluate.js';
import { comparePaired } from '../evaluation/paired.js';
import { readModel } from '../graph/format/decode.js';
import { normalize } from '../graph/format/normalize.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { ledgerTable, metricsTable, terminalOptions } from '../reports/terminal.js';
import { readOptions } from '../spec/prepare.js';
import { readSpec } from '../spec/read.js';
import { openStore } from '../store/index.js';
import { type EvaluatedRun, evaluateHoldout, evaluateModel, evaluateOther, specOfRun } from '../tuning/evaluate-run.js';
import { primaryMetric } from '../tuning/judge.js';
import { describedPorts, foreignPorts } from '../tuning/model-ports.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';

interface EvaluateOptions extends CommonOptions {
  holdout?: boolean;
  data?: string;
  against?: string;
  spec?: string;
  target?: string;
  task?: string;
  output?: string;
  classes?: string;
  input: string[];
}

export function evaluateCommand(): Command {
  return withCommonOptions(new Command('evaluate'))
    .argument('<model>', 'run (its id or runs:/ID) or .onnx file')
    .option('--holdout', 'on the locked holdout of the run; the read is counted')
    .option('--data <source>', 'on the rows of this source')
    .option('--against <run>', 'compare with another run on the same rows, paired')
    .option('--spec <file>', 'spec that says how --data is read (.onnx files)')
    .option('--target <column>', 'target column (.onnx files)')
    .option('--task <task>', 'classification or regression (.onnx files)')
    .option('--output <name:kind>', 'output and what it is: NAME:logits|probabilities|labels|predictions')
    .option('--classes <list>', 'classes in the order of the output: A,B,...')
    .option('--input <name=column>', 'column(s) of an input: NAME=COLUMN or NAME=A+B+C; repeatable', collect, [])
    .addHelpText(
      'after',
      `
Examples:
  ballast evaluate 3f2a91c0 --holdout
  ballast evaluate 3f2a91c0 --data new-rows.csv --json
  ballast evaluate model.onnx --data rows.csv --target y --task classification --output scores:logits
`,
    )
    .action(async (reference: string, options: EvaluateOptions) => {
      if (reference.endsWith('.onnx')) {
        await evaluateFile(reference, options);
        return;
      }
      if ((options.holdout === true) === (options.data !== undefined)) {
        throw new BallastError('what to evaluate on is not clear', {
          code: 'EVALUATE_ROWS',
          remedy: 'Give either --holdout (counted) or --data SOURCE',
        });
      }
      const runtime = await openRuntime();
      const store = await openStore(options.store);
      try {
        const evaluateOne = async (name: string): Promise<{ id: string; result: EvaluatedRun; primary: string }> => {
          const run = await store.findRun(name);
          const primary = primaryMetric(specOfRun(run).spec);
          const result =
            options.data === undefined
              ? await evaluateHoldout(store, runtime, run)
              : await evaluateOther(store, runtime, run, options.data);
          return { id: run.id, result, primary };
        };
        const first = await evaluateOne(reference);
        const other = options.against === undefined ? undefined : await evaluateOne(options.against);
        const comparison =
          other === undefined
            ? undefined
            : comparePaired({
                metric: first.primary,
                first: first.result.predictions,
                second: other.result.predictions,
              });
        const { evaluation, ledger, holdoutReads } = first.result;
        const document = {
          run: first.id,
          ...evaluationDocument(evaluation),
          ledger,
          ...(holdoutReads === undefined ? {} : { holdoutReads: other?.result.holdoutReads ?? holdoutReads }),
          ...(other === undefined
            ? {}
            : { against: { run: other.id, metrics: other.result.evaluation.metrics }, comparison }),
        };
        const lines = [
          metricsTable(evaluation, terminalOptions()),
          '',
          ledgerTable(ledger, terminalOptions()),
          ...(comparison === undefined || 'reason' in comparison
            ? []
            : [
                '',
                `${first.primary}: ${comparison.first.toFixed(4)} against ${comparison.second.toFixed(4)} on the same ${comparison.rows} rows; difference ${comparison.difference.value.toFixed(4)}, 95% interval ${comparison.difference.interval.map((bound) => bound.toFixed(4)).join(' to ')} (${comparison.difference.method})`,
              ]),
          ...(holdoutReads === undefined
            ? []
            : [
                '',
                `The holdout has now been read ${other?.result.holdoutReads ?? holdoutReads} times; every read makes it a little less of a holdout.`,
              ]),
        ];
        answer(options, document, lines.join('\n'));
      } finally {
        await store.close();
      }
    });
}

async function evaluateFile(path: string, options: EvaluateOptions): Promise<void> {
  if (options.data === undefined) {
    throw new BallastError('a model file has no rows of its own', {
      code: 'EVALUATE_ROWS',
      place: path,
      remedy: 'Add --data SOURCE',
    });
  }
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new BallastError(
      cause.code === 'ENOENT' ? 'there is no such model file' : `the model file cannot be read (${cause.code})`,
      {
        code: 'MODEL_NOT_FOUND',
        place: path,
        cause,
      },
    );
  });
  const model = normalize(readModel(bytes));
  const spec = options.spec === undefined ? undefined : await readSpec(options.spec);
  const target = options.target ?? spec?.spec.data.target;
  if (target === undefined) {
    throw new BallastError('the target is not named', {
      code: 'EVALUATE_TARGET',
      remedy: 'Add --target COLUMN or --spec SPEC',
    });
  }
  const task = options.task ?? spec?.spec.task;
  if (task !== undefined && task !== 'classification' && task !== 'regression') {
    throw new BallastError('a task is classification or regression', {
      code: 'MODEL_AMBIGUOUS',
      place: '--task',
      value: task,
    });
  }
  const read = spec === undefined ? {} : readOptions(spec);
  const table = await readTable(options.data, { ...read, target, baseDirectory: process.cwd() });
  const ports =
    describedPorts(model) ??
    foreignPorts(model, table, {
      task,
      output: options.output,
      classes: options.classes?.split(','),
      inputs: options.input,
      target,
    });
  const evaluation = await evaluateModel(await openRuntime(), bytes, ports, table, target);
  answer(options, evaluationDocument(evaluation), metricsTable(evaluation, terminalOptions()));
}

function evaluationDocument({
  rows,
  metrics,
  omitted,
  perClass,
  slices,
  reliability,
  confusion,
  fairness,
}: Evaluation): Record<string, unknown> {
  return { rows, metrics, omitted, perClass, slices, reliability, confusion, fairness };
}

const collect = (value: string, before: string[]): string[] => [...before, value];
