import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { formatBytes } from '../charts/index.js';
import { answersTo } from '../compression/examples.js';
import { bytesOfModel } from '../compression/measure/bench.js';
import { Workshop } from '../compression/pipeline/apply.js';
import { qualityOf } from '../compression/pipeline/figures.js';
import type { Criterion } from '../compression/prune/importance.js';
import { packedBytes, sparsityOf, zeroSmallest } from '../compression/prune/sparse.js';
import { prepareModel } from '../compression/quantize/prepare.js';
import { fineTune } from '../compression/train/fine-tune.js';
import { BallastError } from '../errors.js';
import { writeModelFile } from '../graph/format/file.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { type CompressOptions, OF_ROUNDING } from './compress-options.js';
import { applyOptions } from './compress-pipeline.js';
import { type CompressTarget, withCompressTarget } from './compress-subject.js';
import { refuseGiven } from './given-options.js';
import { answer, note } from './output.js';
import { lossNotes, qualityDocument, qualityLine } from './quality-change.js';

/**
 * `ballast compress MODEL --method prune|drop|sparsify --data FILE --out FILE`: whole channels, neurons and heads go, whole layers and blocks, or single
 * weights become 0; trained after (or meanwhile) where epochs are given.
 */
export async function compressPrune(
  reference: string,
  options: CompressOptions,
  command: Command,
  signal: AbortSignal,
): Promise<void> {
  const { method, out, ratio, criterion = 'magnitude' } = options;
  if (out === undefined) {
    throw new BallastError('a single step writes one model', { code: 'USAGE', remedy: 'Add --out FILE.onnx' });
  }
  if (method === 'drop') {
    refuseGiven(command, ['criterion'], {
      reason: 'is of channels and weights; layers and blocks go by what the answers lose',
    });
  } else if (method === 'sparsify' && (criterion === 'bn-scale' || criterion === 'taylor')) {
    throw new BallastError(`${method} does not go by ${criterion}`, {
      code: 'USAGE',
      place: '--criterion',
      remedy: 'Use magnitude or movement',
    });
  }
  refuseGiven(command, ['calibration', 'range', ...OF_ROUNDING], {
    reason: 'is of quantization',
  });
  const runtime = await openRuntime();
  await withCompressTarget(runtime, reference, options, command, async (target) => {
    const { subject } = target;
    const network =
      method !== 'sparsify'
        ? await pruned(runtime, target, options, signal)
        : await sparse(runtime, target, options, signal);
    const { model } = await prepareModel(runtime, network);
    await writeModelFile(subject.deploy(model), out);
    const [before, after] = [
      qualityOf(subject, await answersTo(runtime, subject.network, subject.examples, subject.rows.judge)),
      qualityOf(subject, await answersTo(runtime, model, subject.examples, subject.rows.judge)),
    ];
    const change = { primary: subject.primary, before, after };
    const bytes = { before: subject.source.bytes, after: await bytesOfModel(out) };
    const packed = packedBytes(await readFile(out));
    const sparsity = sparsityOf(model);
    const document = {
      model: reference,
      method,
      out,
      ratio,
      bytes,
      packedBytes: packed,
      sparsity,
      notes: lossNotes(change),
      ...qualityDocument(change),
      rows: subject.rows.judge.length,
    };
    answer(
      options,
      document,
      [
        `${method}  ${formatBytes(bytes.before)} -> ${formatBytes(bytes.after)}, packed ${formatBytes(packed)}`,
        `${qualityLine(change)} on ${document.rows} rows`,
        ...document.notes.map((text) => `note     ${text}`),
        ...(method === 'sparsify'
          ? [
              `zeros    ${(100 * sparsity).toFixed(1)} % of the weights: they save bytes when packed (gzip), and no time: the runtime multiplies by them`,
            ]
          : []),
        `model    ${out}`,
      ].join('\n'),
    );
  });
}

async function pruned(
  runtime: Runtime,
  { subject }: CompressTarget,
  options: CompressOptions,
  signal: AbortSignal,
): Promise<Model> {
  const { method, ratio, criterion, epochs = 0 } = options;
  const workshop = new Workshop(runtime, subject, { ...(await applyOptions(options)), signal, tell: note });
  const make = (by: Criterion): Promise<Model> =>
    workshop.make([
      method === 'drop'
        ? { do: 'drop', ratio }
        : { do: 'prune', ratio, criterion: by, ...(epochs === 0 ? { atOnce: true } : {}) },
      ...(epochs === 0 ? [] : [{ do: 'distil', epochs } as const]),
    ]);
  try {
    return await make(criterion ?? 'taylor');
  } catch (error) {
    const untrainable = error instanceof BallastError && error.code === 'GRAPH_NOT_DIFFERENTIABLE';
    if (!untrainable || criterion !== undefined || epochs > 0) throw error;
    note(`${error.message} (${error.place}): pruned by the size of its weights, and it cannot be trained on`);
    return make('magnitude');
  }
}

async function sparse(
  runtime: Runtime,
  { subject }: CompressTarget,
  options: CompressOptions,
  signal: AbortSignal,
): Promise<Model> {
  const { ratio, criterion, epochs = 0 } = options;
  if (epochs === 0) return zeroSmallest(subject.network, ratio);
  const { rows, examples, network, seed } = subject;
  if (examples.task === 'detection') throw new Error('refused before');
  const { learningRate, batchSize, teacherShare, teacherFeatures, classWeighted, weightDecay } =
    await applyOptions(options);
  const { model } = await fineTune(
    runtime,
    network,
    examples,
    { train: rows.fit, validation: rows.tune },
    {
      epochs,
      learningRate,
      batchSize,
      teacherShare,
      teacherFeatures,
      classWeighted,
      weightDecay,
      seed,
      teacher: network,
      sparsity: { share: ratio, criterion: criterion === 'movement' ? 'movement' : 'magnitude' },
      signal,
      tell: note,
    },
  );
  return model;
}
