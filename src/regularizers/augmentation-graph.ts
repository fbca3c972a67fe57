import { createHash } from 'node:crypto';
import { BallastError } from '../errors.js';
import { GraphBuilder, type Value } from '../graph/builder.js';
import type { Model } from '../graph/model.js';
import { RandomSite, siteKeyIn } from '../graph/random.js';
import type { DataType } from '../graph/tensor.js';
import { canonicalJson } from './canonical-json.js';
import type { Active, InputDescription, StepContext } from './regularizer.js';
import { inOrder } from './resolve.js';

export interface AugmentationSetting {
  readonly inputs: readonly (InputDescription & { readonly type: DataType })[];
  /** Rows of a call: shapes inside are static. */
  readonly rows: number;
}

/** An augmentation that runs anywhere ONNX Runtime does: the very transform of training, by seed and step. */
export interface Augmentation {
  /** Inputs of the network plus `seed` and `step` (uint32 [1]) -> `augmented.<input>` for each that is changed. */
  readonly model: Model;
  /** `aug-` and 16 hex digits: of the regularizers, their strengths and options, and the shapes; same id, same transform. */
  readonly id: string;
}

/**
 * The `batch` hooks of regularizers as a graph of their own, for stress tests and for pipelines outside of Ballast. Fed the
 * seed of a run and the number of a step, it does to rows what that step of training did to them: what a regularizer draws
 * depends on nothing else. Schedules are left out: the strength is the declared one.
 *
 * @throws BallastError AUGMENTATION_NOT_ALONE for what changes targets or draws on the host (mixup), AUGMENTATION_NOTHING
 */
export function augmentationGraph(
  regularizers: readonly Active[],
  { inputs, rows }: AugmentationSetting,
): Augmentation {
  const b = new GraphBuilder('augmentation');
  const fed = Object.fromEntries(inputs.map(({ name, type, shape }) => [name, b.input(name, type, [rows, ...shape])]));
  const seed = b.input('seed', 'uint32', [1]);
  const step = b.input('step', 'uint32', [1]);
  const active = inOrder(regularizers).filter(({ strength }) => strength !== 0);
  const { made, used } = augmentBatch(b, active, fed, { inputs, rows, seed, step });
  const changed = Object.entries(made).filter(([name, value]) => value !== fed[name]);
  if (changed.length === 0) {
    throw new BallastError('no regularizer here changes inputs', {
      code: 'AUGMENTATION_NOTHING',
      place: 'regularizers',
      remedy: 'Declare an augmentation: ballast regularizers lists them (technique T8)',
    });
  }
  for (const [name, value] of changed) b.output(`augmented.${name}`, value);
  const record = {
    version: 1,
    rows,
    inputs: inputs.map(({ name, content, shape, range }) => ({ name, content, shape, range })),
    regularizers: used.map(({ regularizer: { type }, strength, options }) => ({ type, strength, options })),
  };
  const id = `aug-${createHash('sha256').update(canonicalJson(record)).digest('hex').slice(0, 16)}`;
  const metadata = new Map([
    ['ballast.augmentation', id],
    ['ballast.augmentation.record', canonicalJson(record)],
  ]);
  return { model: b.model(metadata), id };
}

/** Whether a regularizer changes inputs alone, so that it acts outside of training too. */
export function augmentsInputs({ regularizer }: Active): boolean {
  return regularizer.hooks.batch !== undefined && regularizer.augments === true;
}

/**
 * What the augmentations among these regularizers make of inputs [rows, ...].
 *
 * @param active in their order of application; numbers are drawn by their place in it
 * @throws BallastError AUGMENTATION_NOT_ALONE
 */
export function augmentBatch(
  b: GraphBuilder,
  active: readonly Active[],
  fed: Readonly<Record<string, Value>>,
  {
    inputs,
    rows,
    seed,
    step,
  }: { inputs: readonly InputDescription[]; rows: number; readonly seed: Value; readonly step: Value },
): { readonly made: Readonly<Record<string, Value>>; readonly used: readonly Active[] } {
  // Transforms that look at targets change them, which is no matter of inputs alone.
  const target = b.scalar(0, 'float32', [rows, 1]);
  let batch = { inputs: fed, target };
  const used: Active[] = [];
  active.forEach((entry, index) => {
    const { regularizer, options, strength } = entry;
    if (regularizer.hooks.batch === undefined || !augmentsInputs(entry)) return;
    const known: Partial<StepContext> = {
      b,
      batchSize: rows,
      task: 'classification',
      outputs: 1,
      inputs,
      phase: 'training',
      strength: b.scalar(strength),
      sites: [],
      random: siteMaker(b, `${regularizer.type}.${index}`, seed, step),
    };
    const context = new Proxy(known as StepContext, {
      get(target, name) {
        if (name in target) return target[name as keyof StepContext];
        throw notAlone(regularizer.type);
      },
    });
    batch = regularizer.hooks.batch(context, options, batch);
    used.push(entry);
  });
  return { made: batch.inputs, used };
}

/** Sources of numbers by the labels that they have in a training step. */
function siteMaker(b: GraphBuilder, stem: string, seed: Value, step: Value): StepContext['random'] {
  const labels: string[] = [];
  return (label) => {
    let unique = `${stem}.${label}`;
    for (let i = 2; labels.includes(unique); i++) unique = `${stem}.${label}.${i}`;
    labels.push(unique);
    return new RandomSite(b, siteKeyIn(b, unique, seed, step));
  };
}

const notAlone = (type: string): BallastError =>
  new BallastError(`${type} cannot act outside of training: it needs more than inputs`, {
    code: 'AUGMENTATION_NOT_ALONE',
    place: 'regularizers',
    remedy: `Leave ${type} out`,
  });
