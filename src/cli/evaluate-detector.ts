import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { compareDetection } from '../evaluation/units/compare-detection.js';
import type { DetectionInput } from '../evaluation/units/detection.js';
import { evaluateDetection } from '../evaluation/units/evaluate-units.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { comparedTable } from '../reports/terminal-evidence.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { detectionsOf } from '../tuning/detector-subject.js';
import { type DetectorOptions, readDetectorFile } from './detector-options.js';
import { answer, answerIsNo } from './output.js';
import { unitLines } from './unit-lines.js';

/** `ballast evaluate MODEL --task detection --data FILE`: a detector's mAP and the rest of COCO's metrics. */
export async function evaluateDetector(
  path: string,
  options: DetectorOptions & { data: string; metric?: readonly string[] | undefined },
  command: Command,
): Promise<void> {
  const found = await answersOfFile(path, options, command);
  const evaluation = evaluateDetection({ ...found, metrics: options.metric ?? [] });
  answer(options, { model: path, ...evaluation }, unitLines(evaluation).join('\n'));
}

/** `ballast compare MODEL MODEL --task detection --data FILE`: two detectors on the same pictures, paired. */
export async function compareDetectors(
  references: readonly string[],
  options: DetectorOptions,
  command: Command,
): Promise<void> {
  const { data } = options;
  if (references.length > 2 || data === undefined) {
    throw new BallastError('detectors are compared two at a time, on pictures', {
      code: 'USAGE',
      remedy: 'Give two .onnx files and --data FILE: COCO annotations beside their pictures',
    });
  }
  const [first, second] = references;
  const one = await answersOfFile(first, { ...options, data }, command);
  const metrics = compareDetection(one, await answersOfFile(second, { ...options, data }, command));
  if (metrics[0]?.verdict === 'hurt') answerIsNo();
  const rows = one.images.length;
  answer(options, { first, second, rows, metrics }, comparedTable([first, second], rows, metrics, terminalOptions()));
}

async function answersOfFile(
  path: string,
  options: DetectorOptions & { data: string },
  command: Command,
): Promise<DetectionInput> {
  return detectionsOf(await openRuntime(), await readDetectorFile(path, options.data, options, command));
}
