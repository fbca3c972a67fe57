import { beforeAll, describe, expect, it } from 'vitest';
import { describeStep } from '../../test/support/stepper.js';
import { openRuntimes, PICTURES, problem, SMALL_CNN } from '../../test/support/training-problem.js';
import { GraphBuilder } from '../graph/builder.js';
import { writeModel } from '../graph/format/encode.js';
import { siteKey } from '../graph/random.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { float32, type Tensor } from '../graph/tensor.js';
import { sgd } from '../training/optimizers.js';
import type { TrainingProblem } from '../training/problem.js';
import { StepGraph } from '../training/step-graph.js';
import { augmentationGraph } from './augmentation-graph.js';
import type { Batch } from './regularizer.js';
import { resolveEntry } from './resolve.js';

let ffi: Runtime;
beforeAll(async () => {
  ({ ffi } = await openRuntimes());
});

const ENTRIES = [
  { type: 'input-noise', strength: 0.2 },
  { type: 'image-augmentation', strength: 0.7, rotate: 20, erase: 0.3, flip: 'both' },
];
const active = (entries: readonly Record<string, unknown>[] = ENTRIES) =>
  entries.map((entry, i) => resolveEntry(entry, `regularizers[${i}]`));

/** What the batch hooks of a training step make of images. */
async function inTraining(
  given: TrainingProblem,
  images: Tensor,
  { seed, step }: { seed: number; step: number },
): Promise<number[]> {
  const b = new GraphBuilder('batch');
  const description = describeStep(given, sgd({ momentum: 0, nesterov: false }), { batchSize: images.shape[0] });
  const graph = new StepGraph(b, description, 'training');
  const fed: Batch = {
    inputs: { picture: b.input('picture', 'float32', images.shape) },
    target: b.scalar(0, 'float32', [images.shape[0], 3]),
  };
  const made = graph.active.reduce<Batch>(
    (batch, { regularizer, options }, i) => regularizer.hooks.batch?.(graph.contexts[i], options, batch) ?? batch,
    fed,
  );
  b.output('made', made.inputs.picture);
  const session = await ffi.load(writeModel(b.model()));
  const feeds: Record<string, Tensor> = { picture: images };
  for (const label of graph.random.labels) {
    feeds[`random.${label}`] = { type: 'uint32', shape: [1], data: Uint32Array.of(siteKey(label, seed, step)) };
  }
  for (const [name, host] of graph.scalars) {
    if (host.kind === 'strength') feeds[name] = float32([], [graph.active[host.regularizer].strength]);
  }
  const wanted = new Set(session.inputs.map(({ name }) => name));
  const found = await session.run(Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))));
  session.release();
  return Array.from(found.made.data as Float32Array);
}

describe('augmentationGraph', () => {
  it('does what the step of that seed and number does', async () => {
    const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: ENTRIES, rows: 40 });
    const rows = 8;
    const { model } = augmentationGraph(given.regularizers, { inputs: PICTURES, rows });
    const session = await ffi.load(writeModel(model));
    const images = float32([rows, 2, 6, 6], (given.data.inputs.picture.data as Float32Array).slice(0, rows * 72));
    for (const [seed, step] of [
      [1, 1],
      [7, 1],
      [7, 123_456],
      [4_294_967_295, 4_294_967_295],
    ]) {
      const { 'augmented.picture': found } = await session.run({
        picture: images,
        seed: { type: 'uint32', shape: [1], data: Uint32Array.of(seed) },
        step: { type: 'uint32', shape: [1], data: Uint32Array.of(step) },
      });
      expect(Array.from(found.data as Float32Array)).toEqual(await inTraining(given, images, { seed, step }));
    }
    session.release();
  });

  it('has an id that follows from the transform', () => {
    const of = (entries?: readonly Record<string, unknown>[], rows = 4): string =>
      augmentationGraph(active(entries), { inputs: PICTURES, rows }).id;
    expect(of()).toMatch(/^aug-[0-9a-f]{16}$/);
    expect(of([...ENTRIES].reverse())).toBe(of());
    expect(of([ENTRIES[0], { ...ENTRIES[1], crop: 0.1 }])).toBe(of());
    expect(of([ENTRIES[0], { ...ENTRIES[1], crop: 0.2 }])).not.toBe(of());
    expect(of([{ ...ENTRIES[0], strength: 0.1 }, ENTRIES[1]])).not.toBe(of());
    expect(of([...ENTRIES, { type: 'dropout', strength: 0.2 }])).toBe(of());
    expect(of(ENTRIES, 5)).not.toBe(of());
  });

  it('writes id and record into the metadata', () => {
    const { model, id } = augmentationGraph(active(), { inputs: PICTURES, rows: 2 });
    expect(model.metadata.get('ballast.augmentation')).toBe(id);
    const record = JSON.parse(model.metadata.get('ballast.augmentation.record')!) as {
      regularizers: { type: string }[];
    };
    expect(record.regularizers.map(({ type }) => type)).toEqual(['image-augmentation', 'input-noise']);
  });

  it('refuses where there is nothing to do', () => {
    expect(() => augmentationGraph(active([{ type: 'mixup' }]), { inputs: PICTURES, rows: 2 })).toThrow(
      expect.objectContaining({ code: 'AUGMENTATION_NOTHING' }),
    );
  });
});
