import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { parseAttack } from '../evaluation/attacks/options.js';
import { comparePaired } from '../evaluation/paired.js';
import type { UnitTask } from '../evaluation/units/unit-metric.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { chosenLines } from '../reports/chosen-text.js';
import { writeEvaluationReport } from '../reports/evaluation-report.js';
import { ledgerTable, metricsTable } from '../reports/terminal.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Run, Store } from '../store/types.js';
import { type EvaluatedRun, evaluateHoldout, evaluateOther, scoreOutside } from '../tuning/evaluate-run.js';
import { primaryMetric } from '../tuning/judge.js';
import { specOfRun } from '../tuning/run-rows.js';
import { chosenFrom } from '../tuning/sweep/chosen-from.js';
import { askedOf, withAskedOptions } from './asked-options.js';
import { evaluateDetector } from './evaluate-detector.js';
import { type EvaluateFileOptions, evaluateFile } from './evaluate-file.js';
import { evaluatePredictions, isUnitTask, UNIT_TASKS } from './evaluate-predictions.js';
import { evaluationDocument } from './evaluation-document.js';
import { fairnessLines } from './fairness-lines.js';
import { collected, type FileOptions, OF_FILES, withFileOptions } from './file-options.js';
import { formulaDifferences, formulaFigures, formulaLines, withFormulaOption } from './formula-option.js';
import { refuseGiven } from './given-options.js';
import { noteLocked } from './locked-rows.js';
import { mirrorDocument, mirrorLines } from './mirror-lines.js';
import { htmlFile } from './option-values.js';
import { answer } from './output.js';
import { robustnessLines } from './robustness-lines.js';
import { runOf } from './run-of.js';
import { sliceLines } from './slice-lines.js';
import { stressLines, tellStress } from './stress-lines.js';
import { uncertaintyLines, uncertaintyOfPredictions } from './uncertainty.js';
import { withStore } from './use-store.js';

interface EvaluateOptions extends Omit<EvaluateFileOptions, 'task'> {
  task?: FileOptions['task'] | UnitTask;
  holdout?: boolean;
  against?: string;
  outside?: string;
  mirror?: string;
  predictions?: string;
  truth?: string;
}

/** What --predictions has no use for. */
const OF_MODELS = [
  ...['holdout', 'data', 'against', 'adversarial', 'fairness', 'slices', 'stress', 'uncertainty', 'formula', 'outside'],
  ...['spec', 'output', 'report', 'mirror'],
];

/** What a detector's pictures have no use for. */
const OF_TABLES = [
  ...[
    'holdout',
    'adversarial',
    'fairness',
    'slices',
    'stress',
    'uncertainty',
    'formula',
    'outside',
    'report',
    'mirror',
  ],
  ...['positive', 'cost'],
];

export function evaluateCommand(): Command {
  const command = withFileOptions(new Command('evaluate'), ['classification', 'regression', ...UNIT_TASKS]);
  return withFormulaOption(withAskedOptions(command))
    .argument('[model]', 'run (its id or runs:/ID), .onnx file, or models:/NAME/VERSION')
    .option('--holdout', 'on the locked holdout of the run; the read is counted')
    .option('--data <source>', 'on the rows of this source')
    .option('--predictions <file>', 'instead of a model: its answers, beside what was right; see docs/evaluate.md')
    .option('--truth <file>', 'with --task detection: COCO annotations that --predictions are about')
    .option(
      '--mirror <source>',
      'figures as if the rows were like those of this source (production, unlabelled): each row weighted by how much likelier it is there',
    )
    .option('--against <run>', 'compare with another run on the same rows, paired')
    .option(
      '--adversarial <attack>',
      'robust accuracy under an attack: pgd,epsilon=0.03,steps=10,restarts=2; epsilon in the unit of the encoded inputs',
    )
    .option('--fairness <column>', 'compare the groups of a column; repeatable', collected, [])
    .option('--slices', 'search for parts of the rows with larger errors, and confirm them on other rows')
    .option(
      '--stress',
      'quality lost to corrupted rows: noise, missing fields, wrong units, blur, ... at five severities',
    )
    .option('--report <file.html>', 'write all of it as a page', htmlFile)
    .option('--uncertainty', 'how well uncertainty tells wrong rows from right ones')
    .option(
      '--outside <source>',
      'with --uncertainty: how well it tells the rows of this source, of another kind, apart',
    )
    .addHelpText(
      'after',
      `
Examples:
  ballast evaluate 3f2a91c0 --holdout
  ballast evaluate 3f2a91c0 --holdout --against 8b11e0aa
  ballast evaluate 3f2a91c0 --holdout --mirror this-week.parquet
  ballast evaluate 3f2a91c0 --data new-rows.csv --json
  ballast evaluate 3f2a91c0 --data new-rows.csv --uncertainty --stress --slices
  ballast evaluate 3f2a91c0 --holdout --fairness sex --fairness age
  ballast evaluate 3f2a91c0 --data new-rows.csv --adversarial pgd,epsilon=0.1,steps=20,restarts=3
  ballast evaluate model.onnx --data rows.csv --target y --task classification --output scores:logits
  ballast evaluate 3f2a91c0 --holdout --metric precision@100 --positive yes --cost '[[0,1],[5,0]]'
  ballast evaluate 3f2a91c0 --data orders.csv --formula 'lost=predicted == actual ? 0 : amount'
  ballast evaluate --predictions ranked.csv --task ranking --metric ndcg@5
  ballast evaluate detector.onnx --task detection --data objects.json
  ballast evaluate --predictions boxes.json --truth instances.json --task detection
`,
    )
    .action(evaluateAction);
}

async function evaluateAction(
  reference: string | undefined,
  options: EvaluateOptions,
  command: Command,
): Promise<void> {
  const { data, holdout, against, predictions } = options;
  if ((reference === undefined) === (predictions === undefined)) {
    throw new BallastError('what to evaluate is not clear', {
      code: 'USAGE',
      remedy: 'Give a run or a model, or the answers of one with --predictions FILE',
    });
  }
  if (reference === undefined) {
    refuseGiven(command, OF_MODELS, { reason: 'is about a model or a run, and --predictions has none' });
    await evaluatePredictions({ ...options, predictions: predictions ?? '' }, command);
    return;
  }
  refuseGiven(command, ['truth'], { reason: 'goes with --predictions' });
  const { task, ...rest } = options;
  if (task === 'detection' && data !== undefined && against === undefined) {
    refuseGiven(command, OF_TABLES, { reason: 'is of rows of a table, and a detector has pictures' });
    await evaluateDetector(reference, { ...rest, task, data }, command);
    return;
  }
  if (task !== undefined && isUnitTask(task)) {
    if (task === 'detection') {
      throw new BallastError('a detector is judged on pictures', {
        code: 'USAGE',
        place: '--task',
        remedy: 'Add --data FILE: COCO annotations beside their pictures; two are set side by side by ballast compare',
      });
    }
    throw new BallastError(`models of ${task} are not run by Ballast`, {
      code: 'USAGE',
      place: '--task',
      remedy: 'Judge their answers with --predictions FILE',
    });
  }
  const isFile = reference.endsWith('.onnx');
  if ((holdout === true) === (data !== undefined)) {
    throw new BallastError('what to evaluate on is not clear', {
      code: 'EVALUATE_ROWS',
      remedy: 'Give either --holdout (the locked rows; counted) or --data SOURCE',
    });
  }
  if (isFile && data !== undefined && against === undefined) {
    refuseGiven(command, ['outside', 'mirror'], { reason: 'needs a run, which says how such rows are read' });
    await evaluateFile(reference, { ...rest, ...(task === undefined ? {} : { task }), data });
    return;
  }
  if (options.outside !== undefined && options.uncertainty !== true) {
    throw new BallastError('rows from elsewhere are told apart by uncertainty', {
      code: 'USAGE',
      place: '--outside',
      remedy: 'Give --uncertainty beside it',
    });
  }
  refuseGiven(command, OF_FILES, { reason: 'describes an .onnx file on --data, and a run knows it already' });
  await withStore(options.store, { create: false }, async (store) => {
    const run = await runOf(store, reference);
    const other = against === undefined ? undefined : await runOf(store, against);
    if (other !== undefined && data === undefined) refuseOtherData(run, other);
    await evaluateRuns(store, run, other, options);
  });
}

async function evaluateRuns(store: Store, run: Run, other: Run | undefined, options: EvaluateOptions): Promise<void> {
  const runtime = await openRuntime();
  const { data } = options;
  const attack = options.adversarial === undefined ? undefined : parseAttack(options.adversarial);
  const beside = {
    attack,
    slices: options.slices === true,
    uncertainty: options.uncertainty === true,
    fairness: options.fairness ?? [],
    asked: askedOf(options),
    formulas: options.formula ?? [],
    mirror: options.mirror,
    ...(options.stress === true ? { stress: tellStress } : {}),
  };
  const evaluateOne = (which: Run): Promise<EvaluatedRun> =>
    data === undefined
      ? evaluateHoldout(store, runtime, which, beside)
      : evaluateOther(store, runtime, which, data, beside);
  // Before the holdout is read: a source that is not there must not cost a read.
  const outside = options.outside === undefined ? undefined : await scoreOutside(store, runtime, run, options.outside);
  const first = await evaluateOne(run);
  noteLocked(first);
  const second = other === undefined ? undefined : await evaluateOne(other);
  const chosen = await chosenFrom(store, run);
  const primary = primaryMetric(specOfRun(run).spec);
  const comparison =
    second === undefined
      ? undefined
      : comparePaired({ metric: primary, first: first.predictions, second: second.predictions });
  const { evaluation, ledger, locked, robustness, stress, weakSlices, targets } = first;
  const uncertainty = uncertaintyOfPredictions(options.uncertainty, first.predictions, outside);
  const formulas = formulaFigures(first.formulas);
  const differences = formulaDifferences(first.formulas, second?.formulas);
  const holdoutReads = second?.holdoutReads ?? first.holdoutReads;
  const document = {
    run: run.id,
    ...evaluationDocument(evaluation, {
      ledger,
      robustness,
      stress,
      uncertainty,
      weakSlices,
      formulas,
      targets,
      chosen,
      ...(holdoutReads === undefined ? {} : { holdoutReads }),
      ...(locked === undefined ? {} : { locked }),
    }),
    ...mirrorDocument(first.mirrored),
    ...(second === undefined
      ? {}
      : {
          against: {
            run: other?.id,
            metrics: second.evaluation.metrics,
            ...mirrorDocument(second.mirrored),
            ...(second.robustness === undefined ? {} : { robustness: second.robustness }),
            ...(second.stress === undefined ? {} : { stress: second.stress }),
            ...(second.formulas === undefined ? {} : { formulas: formulaFigures(second.formulas) }),
          },
          comparison,
          ...(differences === undefined ? {} : { formulaDifferences: differences }),
        }),
  };
  if (options.report !== undefined) {
    await writeEvaluationReport(
      {
        ...{
          subject: `${run.name}, run ${run.id.slice(0, 8)}`,
          rows: data ?? 'the locked holdout',
          createdAt: new Date(),
        },
        ...{
          evaluation,
          mirrored: first.mirrored?.evaluation,
          ledger,
          holdoutReads,
          uncertainty,
          weakSlices,
          formulas,
          stress,
          robustness,
        },
      },
      options.report,
    );
  }
  const lines = [metricsTable(evaluation, terminalOptions()), '', ledgerTable(ledger, terminalOptions())];
  for (const [name, each] of Object.entries(targets ?? {})) {
    lines.push('', `Of ${name}:`, metricsTable(each, terminalOptions()));
  }
  lines.push(...mirrorLines(first.mirrored, options.mirror), ...formulaLines(formulas));
  if (second !== undefined) lines.push(...formulaLines(differences, 'More than with the other run, on the same rows'));
  lines.push(...uncertaintyLines(uncertainty));
  lines.push(...fairnessLines(evaluation), ...sliceLines(weakSlices), ...stressLines(stress));
  if (robustness !== undefined) lines.push('', ...robustnessLines(robustness));
  if (comparison !== undefined && 'difference' in comparison) {
    const { difference, rows } = comparison;
    const [low, high] = difference.interval.map((bound) => bound.toFixed(4));
    lines.push(
      '',
      `${primary}: ${comparison.first.toFixed(4)} against ${comparison.second.toFixed(4)} on the same ${rows} rows; difference ${difference.value.toFixed(4)}, 95% interval ${low} to ${high} (${difference.method})`,
    );
  }
  lines.push(...chosenLines(chosen));
  if (holdoutReads !== undefined) {
    lines.push(
      '',
      `The holdout has now been read ${holdoutReads === 1 ? 'once' : `${holdoutReads} times`}; every read makes it a little less of a holdout.`,
    );
  }
  if (options.report !== undefined) lines.push('', `report   ${options.report}`);
  answer(options, document, lines.join('\n'));
}

/** Before rows are read and counted: two runs can only be paired on the holdout of the same data. */
function refuseOtherData(run: Run, other: Run): void {
  if (run.datasetName === other.datasetName && run.dataVersion === other.dataVersion) return;
  throw new BallastError(
    `the runs were trained on different data: ${run.datasetName} ${run.dataVersion} and ${other.datasetName} ${other.dataVersion}`,
    {
      code: 'EVALUATION_NOT_PAIRED',
      kind: 'conflict',
      place: '--against',
      remedy: 'Compare them on the same rows with --data SOURCE',
    },
  );
}
