import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BallastError } from '../errors.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { trainPlots } from './plots/train-plots.js';
import { trainReport } from './train-report.js';
import type { TrainReportInput } from './train-report-input.js';

/** Where a report was written. */
export interface WrittenReport {
  /** Path of the page. */
  readonly report: string;
  /** Paths of the plots, each an SVG file that stands alone. */
  readonly plots: readonly string[];
}

/**
 * Writes the page of a training as `report.html` and each of its plots as an SVG file beside it; the folder is made
 * when it is missing. Everything is drawn before anything is written, each file appears whole or not at all, and the
 * page comes last.
 *
 * @throws BallastError REPORT_NOT_WRITTEN (environment) when the disk is full or the folder may not be written
 */
export async function writeTrainReport(input: TrainReportInput, directory: string): Promise<WrittenReport> {
  const plots = trainPlots(input).map((plot) => ({
    path: join(directory, `${plot.name}.svg`),
    content: `${plot.draw(true)}\n`,
  }));
  const report = { path: join(directory, 'report.html'), content: trainReport(input) };
  await writeFiles(directory, [...plots, report]);
  return { report: report.path, plots: plots.map(({ path }) => path) };
}

/**
 * Writes files into a folder, which is made when it is missing; each appears whole or not at all, in their order.
 *
 * @throws BallastError REPORT_NOT_WRITTEN (environment) when the disk is full or the folder may not be written
 */
export async function writeFiles(
  directory: string,
  files: readonly { readonly path: string; readonly content: string }[],
): Promise<void> {
  try {
    await makeFolder(directory);
    for (const file of files) await writeWhole(file.path, file.content);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
    const reason = code === undefined ? undefined : FAULTS[code];
    if (reason === undefined) throw cause;
    throw new BallastError(`The report could not be written: ${reason.what}`, {
      code: 'REPORT_NOT_WRITTEN',
      kind: 'environment',
      place: directory,
      remedy: reason.remedy,
      cause,
    });
  }
}

const PERMISSION = {
  what: 'the folder may not be written',
  remedy: 'Choose another folder or change its permissions.',
};
const FULL = { what: 'the disk is full', remedy: 'Free space and write the report again.' };
const FAULTS: Readonly<Record<string, { what: string; remedy: string }>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: PERMISSION,
  EPERM: PERMISSION,
  EROFS: PERMISSION,
  EEXIST: { what: 'a file stands where its folder should be', remedy: 'Choose another folder.' },
  ENOTDIR: { what: 'a file stands where its folder should be', remedy: 'Choose another folder.' },
  EISDIR: { what: 'a folder stands where a file should be', remedy: 'Choose another folder.' },
};

/** To a temporary name, synced, renamed. */
async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(content, 'utf8');
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
