import { Command, Option } from 'commander';
import { CONVERSIONS, type Conversion } from '../compression/convert.js';
import { RANGE_METHODS, type RangeMethod } from '../compression/quantize/ranges.js';
import { BallastError } from '../errors.js';
import { compressStep } from './compress-step.js';
import { collected, type FileOptions, withFileOptions } from './file-options.js';
import { interruptible } from './interruptible.js';
import { wholeNumber } from './option-values.js';

export interface CompressOptions extends FileOptions {
  method?: Conversion;
  out?: string;
  calibration: RangeMethod;
  perTensor?: boolean;
  symmetric?: boolean;
  range: 'auto' | 'full' | 'reduced';
  exclude: string[];
  rows: number;
}

export function compressCommand(): Command {
  return withFileOptions(new Command('compress'))
    .argument('<model>', '.onnx file')
    .option('--data <source>', 'representative rows, with the right answers where quality is to be judged')
    .addOption(new Option('--method <method>', 'do this one step').choices(CONVERSIONS))
    .option('--out <file>', 'where the model goes')
    .addOption(
      new Option('--calibration <method>', 'static-int8: how the range of an activation is found')
        .choices(RANGE_METHODS)
        .default('mse'),
    )
    .option('--per-tensor', 'int8: one scale for a weight instead of one a channel')
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
Examples:
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
    await compressStep(path, options, command, signal);
  } catch (error) {
    throw signal.aborted ? new BallastError('interrupted', { code: 'CANCELLED', kind: 'cancelled' }) : error;
  } finally {
    stop();
  }
}
