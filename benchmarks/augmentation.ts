/**
 * Augmentation of images. First its processor time an image, against what the targets leave (30,000 images of 28x28 or 400
 * of 3x224x224 a second on one core). Then training steps whose batches another core augments while the step before is under
 * way, against steps that do it themselves: wall time, which needs two processors that are free.
 * Run: npm run bench -- augmentation [--json]
 */
import { writeModel } from '../src/graph/format/encode.js';
import { openRuntime } from '../src/graph/runtime/choose.js';
import { derive } from '../src/numeric/random.js';
import { augmentationGraph } from '../src/regularizers/augmentation-graph.js';
import { resolveEntry } from '../src/regularizers/resolve.js';
import { timedSteps } from './augmentation/ahead.js';
import { compare, measure } from './support/interleave.js';
import { type BenchmarkRow, machine, median, print } from './support/report.js';

const ROUNDS = 9;

const SIZES = [
  { name: '28x28', shape: [1, 28, 28], rows: 128, target: 30_000 },
  { name: '3x224x224', shape: [3, 224, 224], rows: 32, target: 400 },
] as const;

const COLOURS = { brightness: 0.2, contrast: 0.2, saturation: 0.2 };

const CASES: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ['flip, crop, zoom', { type: 'image-augmentation', flip: 'horizontal' }],
  ['flip, crop, zoom, erase', { type: 'image-augmentation', flip: 'horizontal', erase: 0.3 }],
  ['flip, crop, zoom, rotate, shear', { type: 'image-augmentation', flip: 'horizontal', rotate: 15, shear: 10 }],
  [
    'all of image-augmentation but noise',
    { type: 'image-augmentation', flip: 'horizontal', rotate: 15, shear: 10, erase: 0.3, ...COLOURS },
  ],
  ['rand-augment, N = 2', { type: 'rand-augment', strength: 9 }],
  ['augmix, 3 chains', { type: 'augmix', strength: 3 }],
];

const runtime = await openRuntime();
const rows: BenchmarkRow[] = [];
for (const { name, shape, rows: count, target } of SIZES) {
  const inputs = [
    {
      name: 'image',
      type: 'float32',
      content: 'image',
      shape,
      range: { low: shape.slice(0, 1).map(() => -1), high: shape.slice(0, 1).map(() => 3) },
    },
  ] as const;
  for (const [title, entry] of CASES) {
    const { model } = augmentationGraph([resolveEntry(entry, 'benchmark')], { inputs, rows: count });
    const session = await runtime.load(writeModel(model));
    const image = runtime.allocate('float32', [count, ...shape]);
    const stream = derive(1, 'pixels');
    for (let i = 0; i < image.data.length; i++) image.data[i] = stream.uniform(-1, 3);
    const [seed, step] = [runtime.allocate('uint32', [1]), runtime.allocate('uint32', [1])];
    const output = runtime.allocate('float32', [count, ...shape]);
    const binding = session.bind({ image, seed, step }, { 'augmented.image': output });
    const run = (times: number) =>
      measure(() => {
        for (let i = 0; i < times; i++) {
          step.data[0] = i;
          binding.runSync();
        }
      });
    await run(2);
    const times = Math.max(1, Math.round(60 / ((await run(3)).cpu / 3)));
    const each: number[] = [];
    for (let round = 0; round < ROUNDS; round++) each.push((await run(times)).cpu / times / count);
    const ours = 1000 * median(each);
    const limit = 1e6 / target;
    rows.push({
      case: `${name}: ${title}`,
      ours,
      peer: `${target} images a second`,
      theirs: limit,
      unit: 'us an image',
      ratio: ours / limit,
      interval: undefined,
      threads: 1,
      target: 1,
      note: `${Math.round(1e6 / ours)} images a second`,
    });
    binding.release();
    session.release();
  }
}
for (const [title, entry] of CASES) {
  const own = await timedSteps(runtime, [entry], true);
  const within = await timedSteps(runtime, [entry], false);
  const plain = await timedSteps(runtime, [], false);
  const options = { clock: 'wall', rounds: ROUNDS, block: 300 } as const;
  const { ours, theirs, ratio, interval } = await compare(own, within, options);
  const { ratio: over } = await compare(own, plain, options);
  rows.push({
    case: `cnn 28x28, a step: ${title}`,
    ours,
    peer: 'augmented within the step',
    theirs,
    unit: 'ms a step',
    ratio,
    interval,
    threads: 2,
    target: 1,
    note: `${over.toFixed(2)} times a step without augmentation`,
  });
  for (const made of [own, within, plain]) made.release();
}
print({ name: 'augmentation', machine: machine(), rows }, process.argv.includes('--json'));
