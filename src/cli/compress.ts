import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { CONVERSIONS } from '../compression/convert.js';
import { CRITERIA } from '../compression/prune/importance.js';
import { RANGE_METHODS } from '../compression/quantize/ranges.js';
import { BallastError } from '../errors.js';
import { type CompressOptions, OF_ROUNDING } from './compress-options.js';
import { compressPipeline } from './compress-pipeline.js';
import { compressPrune } from './compress-prune.js';
import { compressStep } from './compress-step.js';
import { WITH_DETECTION } from './detector-options.js';
import { collected, withFileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';
import { interruptible } from './interruptible.js';
import { count, positive, shareOf, wholeNumber } from './option-values.js';

/** Options that only the search takes. */
const OF_SEARCH = ['constraint', 'quick', 'student', 'classOffsets', 'shown'] as const;
/** Options of what trains. */
const OF_TRAINING = [
  'judge',
  'ratio',
  'epochs',
  'learningRate',
  'weightDecay',
  'batchSize',
  'teacherShare',
  'teacherFeatures',
  'classWeighted',
  'criterion',
] as const;

export function compressCommand(): Command {
  return withFileOptions(new Command('compress'), WITH_DETECTION)
    .argument('<model>', '.onnx file, or run (its id or runs:/ID)')
    .option(
      '--data <source>',
      'representative rows, with the right answers where quality is to be judged; of a detector, COCO annotations beside their pictures',
    )
    .option('--judge <source>', 'rows that the model was not trained on; a part of --data unless given')
    .option('--constraint <limit>', 'NAME<=VALUE or NAME>=VALUE that the model must keep to; repeatable', collected, [])
    .option(
      '--student <which>',
      'also distil into networks of another architecture: search, mlp:WIDTH,WIDTH or a spec whose model it is; repeatable',
      collected,
      [],
    )
    .option('--shown', 'choose none of which the rows do not show that it keeps to the constraints')
    .option('--quick', 'few candidates, short trainings')
    .addOption(
      new Option('--method <method>', 'do this one step instead of the search').choices([
        ...CONVERSIONS,
        'prune',
        'drop',
        'sparsify',
      ]),
    )
    .option('--out <path>', 'where the models go: a folder, or a file with --method')
    .option(
      '--ratio <share>',
      'prune: of channels, neurons and heads; drop: of parameters; sparsify: of weights. The search tries several unless it is given',
      shareOf,
      0.5,
    )
    .option('--epochs <count>', 'of each training; 0 = convert only', wholeNumber(0, 1000))
    .option('--learning-rate <rate>', 'of the trainings', positive, 1e-3)
    .option(
      '--weight-decay <strength>',
      'of the trainings, decoupled: weights shrink by learning rate times this at each step',
      count,
      0,
    )
    .option('--batch-size <rows>', 'of the trainings', wholeNumber(1, 65_536), 64)
    .option('--teacher-share <share>', 'of the original as a teacher in the loss', shareOf, 0.5)
    .option('--teacher-features <weight>', 'of the distance to the features before its last layer too', count, 0)
    .option('--class-weighted', 'let the teacher speak up for rare classes')
    .option(
      '--no-class-offsets',
      'where a constraint is on the worst class: leave scores of classes that are answered less than before',
    )
    .addOption(
      new Option(
        '--criterion <criterion>',
        'what a channel, neuron or head is worth (taylor); of sparsify: a weight (magnitude, movement)',
      ).choices(CRITERIA),
    )
    .addOption(
      new Option('--calibration <method>', 'static-int8: how the range of an activation is found')
        .choices(['auto', ...RANGE_METHODS])
        .default('auto'),
    )
    .option('--per-tensor', 'int8: one scale for a weight instead of one a channel')
    .option('--correct-bias', 'static-int8: take the mean error of rounded weights off the biases')
    .addOption(
      new Option(
        '--rounding <how>',
        'static-int8: weights to the nearest, or as changes a layer’s outputs least (AdaRound)',
      )
        .choices(['nearest', 'adaptive'])
        .default('nearest'),
    )
    .option('--equalize', 'static-int8: make the ranges of channels alike across layers first')
    .option(
      '--smooth <alpha>',
      'static-int8: move outliers of activations into weights first (SmoothQuant; 0.5)',
      shareOf,
    )
    .option(
      '--least-sqnr <dB>',
      'static-int8: leave the most sensitive layers in floating point until the outputs keep so much',
      positive,
    )
    .option('--symmetric', 'static-int8: activations with their zero point in the middle')
    .addOption(
      new Option('--range <range>', 'int8: reduced keeps weights to 7 bits; auto does on processors that need it')
        .choices(['auto', 'full', 'reduced'])
        .default('auto'),
    )
    .option('--exclude <node>', 'int8: leave this node in floating point; repeatable', collected, [])
    .option('--rows <count>', 'at most so many rows to calibrate on', wholeNumber(1, 1_000_000), 1024)
    .addHelpText(
      'after',
      `
Without --method every declared way is tried (conversions; prune, distil, quantize in three orders), recalibrated, judged on
rows of their own, measured here, and the cheapest that keeps to the constraints is chosen; exit code 1 where none does. Those
go first whose rows show it (the worse end of the interval, 95 %, shared out over the candidates); with --shown alone.
Interrupted, the same command goes on. Names of constraints: quality, qualityLoss, ece, eceRise, worstClass, worstClassLoss,
p50Ms, p99Ms, timeRatio, coldStartMs, peakMemoryBytes, bytes, sizeRatio, and the metric's own.

Examples:
  ballast compress model.onnx --data rows.csv --target y --constraint "ece<=0.05" --constraint "p99Ms<=5" --quick
  ballast compress detector.onnx --task detection --data objects.json --weight-decay 0.01 --constraint "mAPLoss<=2%"
  ballast compress model.onnx --method clean --out clean.onnx
  ballast compress model.onnx --method dynamic-int8 --out small.onnx
  ballast compress model.onnx --method static-int8 --data rows.csv --target y --out small.onnx --json
`,
    )
    .action(compressAction);
}

async function compressAction(path: string, options: CompressOptions, command: Command): Promise<void> {
  const { signal, stop } = interruptible();
  try {
    await dispatch(path, options, command, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new BallastError('interrupted', {
      code: 'CANCELLED',
      kind: 'cancelled',
      ...(options.method === undefined ? { remedy: 'The same command goes on: what was measured is kept' } : {}),
    });
  } finally {
    stop();
  }
}

async function dispatch(path: string, options: CompressOptions, command: Command, signal: AbortSignal): Promise<void> {
  const { method } = options;
  if (method === undefined) {
    refuseGiven(command, OF_ROUNDING, {
      reason: 'is of a single step',
      remedy: 'Add --method',
    });
    await compressPipeline(path, { ...options, criterion: options.criterion ?? 'taylor' }, command, signal);
    return;
  }
  refuseGiven(command, OF_SEARCH, { reason: 'is of the search, and --method does one step' });
  if (options.out !== undefined && resolve(options.out) === resolve(path)) {
    throw new BallastError('the model would be written over', {
      code: 'USAGE',
      place: '--out',
      remedy: 'Name another file',
    });
  }
  if (method === 'prune' || method === 'drop' || method === 'sparsify') {
    await compressPrune(path, options, command, signal);
    return;
  }
  refuseGiven(command, OF_TRAINING, { reason: `is of training and pruning, and ${method} converts` });
  await compressStep(path, { ...options, method }, command, signal);
}
