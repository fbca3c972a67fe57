import type { Command } from 'commander';
import { BallastError } from '../errors.js';
import { readModelFile } from '../graph/format/file.js';
import { type Detector, readDetector } from '../tuning/detector-subject.js';
import type { FileOptions } from './file-options.js';
import { refuseGiven } from './given-options.js';

/** Tasks of commands that take detectors too. */
export const WITH_DETECTION = ['classification', 'regression', 'detection'] as const;

/** Options of a command that takes detectors too. */
export interface DetectorOptions extends Omit<FileOptions, 'task'> {
  task?: (typeof WITH_DETECTION)[number];
}

/** A detector's file with the pictures that a COCO file names. @throws BallastError USAGE, and those of {@link readDetector} */
export async function readDetectorFile(
  path: string,
  source: string,
  { output }: DetectorOptions,
  command: Command,
): Promise<Detector> {
  refuseGiven(command, ['spec', 'target', 'classes', 'input'], {
    reason: 'describes rows of a table, and a detector has the pictures and categories of its COCO file',
  });
  if (!path.endsWith('.onnx')) {
    throw new BallastError('detectors are .onnx files', { code: 'USAGE', value: path, remedy: 'Give the file of one' });
  }
  return readDetector(await readModelFile(path), source, output);
}
