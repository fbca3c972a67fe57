import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exampleInput } from '../../test/train-report-example.js';
import { parseWellFormed } from '../../test/well-formed.js';
import { BallastError } from '../errors.js';
import { writeTrainReport } from './write-report.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-report-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('writeTrainReport', () => {
  it('writes the page and every plot as a file of its own, and nothing else', async () => {
    const { report, plots } = await writeTrainReport(exampleInput(), join(folder, 'a', 'b'));
    expect((await readFile(report, 'utf8')).startsWith('<!doctype html>')).toBe(true);
    expect((await readdir(join(folder, 'a', 'b'))).sort()).toEqual(
      ['report.html', ...plots.map((path) => path.split(/[\\/]/).at(-1))].sort(),
    );
    expect(plots.map((path) => path.split(/[\\/]/).at(-1))).toEqual([
      'difference.svg',
      'curves-accuracy-baseline.svg',
      'curves-accuracy-model.svg',
      'curves-logLoss-baseline.svg',
      'curves-logLoss-model.svg',
      'objective.svg',
      'learning-rate.svg',
      'gap.svg',
      'ledger-baseline.svg',
      'ledger-model.svg',
      'reliability-baseline.svg',
      'reliability-model.svg',
      'confusion-baseline.svg',
      'confusion-model.svg',
      'classes.svg',
      'slices.svg',
      'fairness-1.svg',
      'weights.svg',
      'seeds.svg',
    ]);
    for (const path of plots) {
      const svg = await readFile(path, 'utf8');
      expect(parseWellFormed(svg)[0]?.name).toBe('svg');
      expect(svg).toContain('<style>');
    }
  });

  it('replaces an earlier report', async () => {
    await writeFile(join(folder, 'report.html'), 'old');
    await writeTrainReport(exampleInput(), folder);
    expect(await readFile(join(folder, 'report.html'), 'utf8')).not.toBe('old');
  });

  it('keeps a metric name from leading out of the folder', async () => {
    const input = exampleInput();
    const runs = input.runs.map((run) => ({
      ...run,
      history: run.history.map((epoch) => ({ ...epoch, train: {}, validation: { '../../evil': 1 } })),
    }));
    const { plots } = await writeTrainReport({ ...input, runs, primaryMetric: '../../evil' }, join(folder, 'inside'));
    expect(plots.every((path) => path.startsWith(join(folder, 'inside')))).toBe(true);
    expect(await readdir(folder)).toEqual(['inside']);
  });

  it('says in one error why it could not, and leaves no part behind', async () => {
    await writeFile(join(folder, 'file'), '');
    const failure = await writeTrainReport(exampleInput(), join(folder, 'file')).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(BallastError);
    expect(failure).toMatchObject({ code: 'REPORT_NOT_WRITTEN', exitCode: 3 });
    await mkdir(join(folder, 'taken', 'report.html'), { recursive: true });
    const second = await writeTrainReport(exampleInput(), join(folder, 'taken')).catch((error: unknown) => error);
    expect(second).toMatchObject({ code: 'REPORT_NOT_WRITTEN' });
    expect((await readdir(join(folder, 'taken'))).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
