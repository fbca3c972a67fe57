import type { Command } from 'commander';
import { formatBytes } from '../charts/index.js';
import { type Conversion, type Converted, convert, needsUpgrade } from '../compression/convert.js';
import { bytesOfModel } from '../compression/measure/bench.js';
import type { Batches } from '../compression/observe/activations.js';
import { type Parity, parityOf } from '../compression/observe/parity.js';
import { qualityOf } from '../compression/pipeline/figures.js';
import { prepareModel } from '../compression/quantize/prepare.js';
import { BallastError } from '../errors.js';
import { writeModelFile } from '../graph/format/file.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { exactByteProducts } from '../graph/runtime/processor.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { evenly } from '../tuning/differentiable-part.js';
import { scoreModel } from '../tuning/evaluate-run.js';
import { feedBatches } from '../tuning/feed-batches.js';
import { detectorStep } from './compress-detector.js';
import type { CompressOptions } from './compress-options.js';
import { primaryOf } from './compress-subject.js';
import { readForeign, readSubject } from './evaluate-file.js';
import { refuseGiven } from './given-options.js';
import { answer, note } from './output.js';
import { lossNotes, type QualityChange, qualityDocument, qualityLine } from './quality-change.js';

/** Rows at a time: calibration holds the activations of one batch. */
const BATCH = 64;

/** Options that only some methods take. */
const ONLY: Readonly<Record<string, readonly Conversion[]>> = {
  calibration: ['static-int8'],
  symmetric: ['static-int8'],
  correctBias: ['static-int8'],
  rounding: ['static-int8'],
  equalize: ['static-int8'],
  smooth: ['static-int8'],
  leastSqnr: ['static-int8'],
  perTensor: ['static-int8', 'dynamic-int8'],
  range: ['static-int8', 'dynamic-int8'],
  exclude: ['static-int8', 'dynamic-int8'],
};

/** `ballast compress MODEL --method M --out FILE`: one conversion, checked against the original. */
export async function compressStep(
  path: string,
  options: CompressOptions & { method: Conversion },
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  const { method, out } = options;
  if (out === undefined) {
    throw new BallastError('a single step writes one model', { code: 'USAGE', remedy: 'Add --out FILE.onnx' });
  }
  for (const [name, methods] of Object.entries(ONLY)) {
    if (!methods.includes(method)) refuseGiven(command, [name], { reason: `is of ${methods.join(' and ')}` });
  }
  const runtime = await openRuntime();
  const { model, batches, rows, judge } = await subjectOf(runtime, path, options, command);
  const prepared = await prepareModel(runtime, model, { upgradeOpset: needsUpgrade(method) });
  const reducedRange = options.range === 'reduced' || (options.range === 'auto' && !(await exactByteProducts()));
  const converted = await convert(runtime, prepared.model, batches, {
    method,
    calibration: options.calibration,
    perChannel: options.perTensor !== true,
    symmetric: options.symmetric === true,
    correctBias: options.correctBias === true,
    rounding: options.rounding,
    equalize: options.equalize === true,
    smooth: options.smooth,
    leastSqnrDb: options.leastSqnr,
    reducedRange,
    exclude: new Set(options.exclude),
    signal,
    tell: process.stderr.isTTY ? note : undefined,
  });
  const parity = batches === undefined ? null : await parityOf(runtime, model, converted.model, batches, signal);
  refuseBroken(parity, path);
  const quality = await judge?.(converted.model);
  await writeModelFile(described(converted.model, method, parity, rows), out);
  const bytes = await bytesOfModel(out);
  const before = await bytesOfModel(path);
  answer(
    options,
    {
      model: path,
      method,
      out,
      bytes: { before, after: bytes },
      nodes: { before: prepared.report.nodesBefore, after: converted.model.graph.nodes.length },
      cleanUp: prepared.report,
      converted: converted.converted,
      notes: [...converted.notes, ...lossNotes(quality)],
      ...(converted.sensitivity === undefined ? {} : { sensitivity: converted.sensitivity }),
      parity,
      ...(quality === undefined ? {} : qualityDocument(quality)),
      rows,
    },
    lines(converted, { method, out, bytes, before, parity, rows, quality }).join('\n'),
  );
}

/** What a conversion takes. */
export interface StepSubject {
  readonly model: Model;
  readonly batches: Batches | undefined;
  readonly rows: number;
  /** What the model was worth on the rows, and what a converted one is. */
  readonly judge: ((converted: Model) => Promise<QualityChange>) | undefined;
}

async function subjectOf(
  runtime: Runtime,
  path: string,
  options: CompressOptions,
  command: Command,
): Promise<StepSubject> {
  const { data, task } = options;
  if (data === undefined) return { model: await readForeign(path), batches: undefined, rows: 0, judge: undefined };
  if (task === 'detection') return detectorStep(runtime, path, { ...options, data }, command);
  const { model, ports, table, setting } = await readSubject(path, { ...options, task, data });
  const rows = evenly(
    Uint32Array.from({ length: table.rows }, (_, row) => row),
    options.rows,
  );
  const measure = { primary: primaryOf(setting, ports), seed: setting.seed };
  const worth = async (each: Model) => qualityOf(measure, await scoreModel(runtime, each, ports, table, rows, setting));
  return {
    model,
    batches: feedBatches(ports, table, rows, BATCH),
    rows: rows.length,
    judge: async (converted) => ({
      primary: measure.primary,
      before: await worth(model),
      after: await worth(converted),
    }),
  };
}

/** A conversion that gives NaN where the model did not is no model. */
function refuseBroken(parity: Parity | null, path: string): void {
  for (const [name, { notFinite }] of Object.entries(parity ?? {})) {
    if (notFinite === 0) continue;
    throw new BallastError(`the converted model answers ${notFinite} values of "${name}" that are not finite`, {
      code: 'COMPRESS_NOT_FINITE',
      kind: 'divergence',
      place: path,
      remedy: 'Use another method, or leave layers out with --exclude',
    });
  }
}

function described(model: Model, method: string, parity: Parity | null, rows: number): Model {
  const record = { method, rows, parity };
  return { ...model, metadata: new Map([...model.metadata, ['ballast.compression', JSON.stringify(record)]]) };
}

interface Outcome {
  readonly method: string;
  readonly out: string;
  readonly bytes: number;
  readonly before: number;
  readonly parity: Parity | null;
  readonly rows: number;
  readonly quality: QualityChange | undefined;
}

function lines(
  { converted, notes }: Converted,
  { method, out, bytes, before, parity, rows, quality }: Outcome,
): string[] {
  return [
    `${method}  ${converted.length} converted  ${formatBytes(before)} -> ${formatBytes(bytes)} (${(before / bytes).toFixed(2)} x smaller)`,
    ...[...notes, ...lossNotes(quality)].map((text) => `note     ${text}`),
    ...(parity === null
      ? ['parity   not checked on rows: add --data']
      : Object.entries(parity).map(([name, { sqnrDb, largest, agreement }]) => {
          const ratio =
            sqnrDb === null ? 'equal' : `${sqnrDb.toFixed(1)} dB, largest difference ${largest.toPrecision(3)}`;
          const same =
            agreement === undefined ? '' : `, ${(100 * agreement).toFixed(1)} % of ${rows} rows answered alike`;
          return `parity   ${name}: ${ratio}${same}`;
        })),
    ...(quality === undefined ? [] : [`${qualityLine(quality)} on these rows`]),
    `model    ${out}`,
  ];
}
