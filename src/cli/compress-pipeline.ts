import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesOfModel, machineOf } from '../compression/measure/bench.js';
import { certified } from '../compression/pipeline/certificate.js';
import { DEFAULT_CONSTRAINTS, parseConstraint } from '../compression/pipeline/constraints.js';
import { openJournal } from '../compression/pipeline/journal.js';
import { type Delivery, type PipelineResult, runPipeline } from '../compression/pipeline/run.js';
import { candidatesOf, stepText } from '../compression/pipeline/steps.js';
import type { Subject } from '../compression/pipeline/subject.js';
import { BallastError } from '../errors.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { readModelFile, writeModelFile } from '../graph/format/file.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { exactByteProducts } from '../graph/runtime/processor.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { compressionReport, compressionVerdict, paretoPlots } from '../reports/compression-report.js';
import { compressionTable } from '../reports/terminal-compression.js';
import { terminalOptions } from '../reports/terminal-style.js';
import { compressionSubject } from '../tuning/compression-subject.js';
import type { CompressOptions } from './compress.js';
import { readSubject } from './evaluate-file.js';
import { answer, answerIsNo, note } from './output.js';
import { version } from './version.js';

/** `ballast compress MODEL --data FILE`: every declared way, on a Pareto front, chosen by the constraints. */
export async function compressPipeline(path: string, options: CompressOptions, signal: AbortSignal): Promise<void> {
  const { data } = options;
  if (data === undefined) {
    throw new BallastError('without rows nobody can say what a compression loses', {
      code: 'COMPRESS_DATA',
      remedy: 'Add --data SOURCE with the right answers, or do one step: --method fp16 --out FILE',
    });
  }
  const runtime = await openRuntime();
  const subject = await subjectOf(runtime, path, { ...options, data });
  const texts = options.constraint.length > 0 ? options.constraint : DEFAULT_CONSTRAINTS;
  const constraints = texts.map((text) => parseConstraint(text, subject.primary));
  const settings = settingsOf(options, !(await exactByteProducts()));
  const folder = options.out ?? join(dirname(path), `${basename(path, '.onnx')}.compressed`);
  await mkdir(folder, { recursive: true });
  const machine = machineOf(runtime);
  const decides = {
    model: createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
    data: subject.dataVersion,
    rows: [subject.rows.fit.length, subject.rows.tune.length, subject.rows.judge.length],
    output: subject.examples.output,
    primary: subject.primary,
    seed: subject.seed,
    machine,
    ballast: version(),
    settings,
  };
  const journal = await openJournal(folder, decides);
  const candidates = candidatesOf(settings.which);
  const fileOf = (id: string): string => join(folder, `${id}.onnx`);
  const deliver = async ({ candidate, model, figures }: Delivery): Promise<void> => {
    const original = await journal.remember('original', () => Promise.reject(new Error('it comes first')));
    const { quality, ece, worstClass, bytes } = original.figures;
    await writeModelFile(
      certified(model, {
        candidate: candidate.id,
        steps: candidate.steps.map(stepText),
        figures,
        baseline: { quality, ece, worstClass, bytes },
        machine,
        data: { version: subject.dataVersion, rows: subject.rows.judge.length },
        primary: subject.primary,
        candidates: candidates.length,
        made: new Date().toISOString(),
      }),
      fileOf(candidate.id),
    );
  };
  const run = { ...settings.apply, candidates, constraints, cost: { ...settings.cost, signal }, signal, tell: note };
  const result = await runPipeline(runtime, subject, run, journal, deliver);
  await answerPipeline(path, { options, subject, result, texts, folder, fileOf, runtime });
}

async function subjectOf(
  runtime: Runtime,
  path: string,
  options: CompressOptions & { data: string },
): Promise<Subject> {
  const { ports, table, setting } = await readSubject(path, options);
  return compressionSubject(runtime, {
    // As it was read: where its preprocessing ends is told by names that tidying would lose.
    model: await readModelFile(path),
    ports,
    table,
    rows: Uint32Array.from({ length: table.rows }, (_, row) => row),
    roles: setting.roles,
    primary: setting.primary ?? (ports.task === 'classification' ? 'accuracy' : 'rmse'),
    seed: setting.seed,
    source: { path, bytes: await bytesOfModel(path) },
    mostRows: options.quick === true ? 5000 : 100_000,
  });
}

function settingsOf(options: CompressOptions, needsReduced: boolean) {
  const quick = options.quick === true;
  return {
    which: { quick, epochs: options.epochs ?? (quick ? 3 : 10), criterion: options.criterion },
    apply: {
      learningRate: options.learningRate,
      batchSize: options.batchSize,
      teacherShare: options.teacherShare,
      classWeighted: options.classWeighted === true,
      calibration: options.calibration,
      reducedRange: options.range === 'reduced' || (options.range === 'auto' && needsReduced),
      calibrationRows: options.rows,
      multipleOf: 8,
    },
    cost: { seconds: quick ? 0.3 : 1, starts: quick ? 1 : 3 },
  };
}

interface Outcome {
  readonly options: CompressOptions;
  readonly subject: Subject;
  readonly result: PipelineResult;
  readonly texts: readonly string[];
  readonly folder: string;
  readonly fileOf: (id: string) => string;
  readonly runtime: Runtime;
}

async function answerPipeline(
  path: string,
  { options, subject, result, texts, folder, fileOf, runtime }: Outcome,
): Promise<void> {
  const { rows, primary } = subject;
  const input = {
    model: basename(path),
    primary,
    constraints: texts,
    rows: { fit: rows.fit.length, tune: rows.tune.length, judge: rows.judge.length },
    machine: machineOf(runtime),
    result,
  };
  const report = join(folder, 'report.html');
  await writeFileAtomically(report, [Buffer.from(compressionReport(input))]);
  const [plot] = paretoPlots(input, true);
  await writeFileAtomically(join(folder, 'front.svg'), [Buffer.from(plot)]);
  const entries = result.tried.map(({ id, steps, figures, misses, onFront, temperature, eceBefore }) => ({
    id,
    steps,
    ...figures,
    eceBefore,
    temperature,
    meets: Object.keys(misses).length === 0,
    misses,
    onFront,
    model: fileOf(id),
  }));
  if (result.chosen === null) answerIsNo();
  answer(
    options,
    {
      model: path,
      primary,
      constraints: texts,
      rows: input.rows,
      baseline: result.baseline,
      front: entries.filter(({ onFront, id }) => onFront || id === result.chosen || id === result.bestMiss),
      dominated: entries.filter(({ onFront, id }) => !onFront && id !== result.chosen && id !== result.bestMiss),
      failed: result.failed,
      chosen: result.chosen,
      bestMiss: result.bestMiss,
      machine: input.machine,
      report,
    },
    [
      compressionTable(result, primary, terminalOptions()),
      '',
      compressionVerdict(input),
      ...Object.entries(result.failed).map(([id, reason]) => `could not be made  ${id}: ${reason}`),
      ...(result.chosen === null ? [] : [`model    ${fileOf(result.chosen)}`]),
      `report   ${report}`,
    ].join('\n'),
  );
}
