import { basename, join } from 'node:path';
import type { Command } from 'commander';
import { machineOf } from '../compression/measure/bench.js';
import { certified } from '../compression/pipeline/certificate.js';
import { defaultConstraints, parseConstraint } from '../compression/pipeline/constraints.js';
import { openJournal } from '../compression/pipeline/journal.js';
import { type Delivery, runPipeline } from '../compression/pipeline/run.js';
import { candidatesOf, stepText } from '../compression/pipeline/steps.js';
import type { Subject } from '../compression/pipeline/subject.js';
import type { PipelineResult } from '../compression/pipeline/verdict.js';
import type { Student } from '../compression/train/student.js';
import { writeFileAtomically } from '../graph/format/atomic-file.js';
import { writeModelFile } from '../graph/format/file.js';
import { makeFolder } from '../graph/format/make-folder.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { exactByteProducts } from '../graph/runtime/processor.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { compressionReport, compressionVerdict, paretoPlots } from '../reports/compression-report.js';
import { compressionTable } from '../reports/terminal-compression.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { CompressionOptions } from '../spec/compression-options.js';
import { COMPRESSED } from '../tuning/result-record.js';
import { keepStage } from '../tuning/run-ledger.js';
import type { CompressOptions } from './compress-options.js';
import { type CompressTarget, withCompressTarget } from './compress-subject.js';
import { answer, answerIsNo, note } from './output.js';
import { studentsOf } from './students.js';
import { version } from './version.js';

/** `ballast compress MODEL --data FILE`: every declared way, on a Pareto front, chosen by the constraints. */
export async function compressPipeline(
  reference: string,
  given: CompressOptions,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  const runtime = await openRuntime();
  await withCompressTarget(runtime, reference, given, command, async ({ subject, folder: own, record, declared }) => {
    const options = withDeclared(given, declared, command);
    const typed = command.getOptionValueSource('ratio') === 'cli' ? { ratios: [options.ratio] } : {};
    const texts = options.constraint.length > 0 ? options.constraint : defaultConstraints(subject.examples.task);
    const place = given.constraint.length === 0 ? 'compression.constraints of the spec' : '--constraint';
    const { task } = subject.examples;
    const constraints = texts.map((text) => parseConstraint(text, subject.primary, place, task));
    const students = subject.examples.task === 'detection' ? [] : await studentsOf(options.student, subject.examples);
    const offsets =
      options.classOffsets &&
      subject.examples.task === 'classification' &&
      constraints.some(({ name }) => name.startsWith('worstClass'));
    const settings = {
      ...settingsOf(options, await applyOptions(options), students, { ...declared, ...typed }),
      offsets,
    };
    const folder = options.out ?? own;
    await makeFolder(folder);
    const machine = machineOf(runtime);
    const { fit, tune, judge } = subject.rows;
    const journal = await openJournal(folder, {
      model: subject.source.sha256,
      data: subject.dataVersion,
      rows: [fit.length, tune.length, judge.length],
      output: subject.examples.output,
      primary: subject.primary,
      seed: subject.seed,
      machine,
      ballast: version(),
      settings,
    });
    const candidates = candidatesOf(settings.which);
    const fileOf = (id: string): string => join(folder, `${id}.onnx`);
    const deliver = async ({ candidate, model, figures, ends }: Delivery): Promise<void> => {
      const original = await journal.remember('original', () => Promise.reject(new Error('it comes first')));
      const { quality, ece, worstClass, bytes } = original.figures;
      const certificate = {
        candidate: candidate.id,
        steps: candidate.steps.map(stepText),
        figures,
        baseline: { quality, ece, worstClass, bytes },
        ends,
        machine,
        data: { version: subject.dataVersion, rows: judge.length },
        primary: subject.primary,
        candidates: candidates.length,
        made: new Date().toISOString(),
      };
      await writeModelFile(certified(model, certificate), fileOf(candidate.id));
    };
    const run = {
      ...settings.apply,
      offsets,
      onlyShown: options.shown === true,
      candidates,
      constraints,
      cost: { ...settings.cost, signal },
      signal,
      tell: note,
    };
    const result = await runPipeline(runtime, subject, run, journal, deliver);
    if (record !== undefined) await keepCompression(record, result, fileOf);
    await answerPipeline(reference, { options, subject, result, texts, folder, fileOf, runtime });
  });
}

/**
 * The chosen model, with the run, so that it can be registered; the ledger's stages of it, or of the best miss: what
 * compression lost, and what recalibration gave back.
 */
async function keepCompression(
  { store, run }: NonNullable<CompressTarget['record']>,
  { record, tried, chosen, bestMiss }: PipelineResult,
  fileOf: (id: string) => string,
): Promise<void> {
  if (chosen !== null) {
    const content = { mediaType: 'application/x-onnx', model: true };
    await store.putArtifact(run.id, COMPRESSED, { file: fileOf(chosen) }, content);
  }
  const { evaluations, lost } = record ?? {};
  if (!evaluations || !lost) return;
  const steps = tried.find(({ id }) => id === (chosen ?? bestMiss))?.steps ?? [];
  await keepStage(store, run, 'compressed', evaluations.compressed, { lost: lost.compressed, steps });
  await keepStage(store, run, 'recalibrated', evaluations.recalibrated, { lost: lost.recalibrated, steps });
}

/** The options, with what a spec declares where none was typed. */
function withDeclared(
  options: CompressOptions,
  declared: CompressionOptions | undefined,
  command: Command,
): CompressOptions {
  const { constraints, students, epochs, learningRate, weightDecay, criterion, classOffsets, shown, teacher } =
    declared ?? {};
  const found: Partial<CompressOptions> = {
    constraint: constraints,
    student: students,
    epochs,
    learningRate,
    weightDecay,
    criterion,
    classOffsets,
    shown,
    teacherShare: teacher?.share,
    teacherFeatures: teacher?.features,
    classWeighted: teacher?.classWeighted,
  };
  const untyped = Object.entries(found).filter(
    ([name, value]) => value !== undefined && command.getOptionValueSource(name) !== 'cli',
  );
  return { ...options, ...Object.fromEntries(untyped) };
}

function settingsOf(
  options: CompressOptions,
  apply: Awaited<ReturnType<typeof applyOptions>>,
  students: readonly Student[],
  { orders, ratios }: CompressionOptions = {},
) {
  const { criterion = 'taylor' } = options;
  const quick = options.quick === true;
  return {
    which: {
      ...{ quick, epochs: options.epochs ?? (quick ? 3 : 10), criterion },
      // The journal of those who name none stays as it was.
      ...(students.length === 0 ? {} : { students }),
      ...(orders === undefined ? {} : { orders }),
      ...(ratios === undefined ? {} : { ratios }),
    },
    apply,
    cost: { seconds: quick ? 0.3 : 1, starts: quick ? 1 : 3 },
  };
}

/** How steps are done, as the options say. */
export async function applyOptions(options: CompressOptions) {
  const needsReduced = !(await exactByteProducts());
  return {
    learningRate: options.learningRate,
    batchSize: options.batchSize,
    teacherShare: options.teacherShare,
    teacherFeatures: options.teacherFeatures,
    classWeighted: options.classWeighted === true,
    weightDecay: options.weightDecay,
    calibration: options.calibration,
    reducedRange: options.range === 'reduced' || (options.range === 'auto' && needsReduced),
    calibrationRows: options.rows,
    // Kernels work on blocks of channels.
    multipleOf: 8,
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
  const entries = result.tried.map(
    ({ id, steps, figures, misses, notShown, onFront, temperature, offsets, eceBefore }) => ({
      id,
      steps,
      ...figures,
      eceBefore,
      temperature,
      offsets,
      meets: Object.keys(misses).length === 0,
      misses,
      notShown,
      onFront,
      model: fileOf(id),
    }),
  );
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
