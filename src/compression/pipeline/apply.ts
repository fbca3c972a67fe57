import { BallastError } from '../../errors.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import { convert } from '../convert.js';
import { batchesOf, feedsOf, type Pictures } from '../examples.js';
import { dropBlocks } from '../prune/blocks.js';
import type { ByElement } from '../prune/importance.js';
import { movementOf } from '../prune/movement.js';
import { gradientProducts } from '../prune/sensitivity.js';
import { pruneStructured } from '../prune/structured.js';
import { prepareModel } from '../quantize/prepare.js';
import type { RangeMethod } from '../quantize/ranges.js';
import { type FineTuneOptions, fineTune } from '../train/fine-tune.js';
import { answersToLearn, hardened, lessonOf, withLearned } from '../train/imitate.js';
import { studentOf } from '../train/student.js';
import { type Step, stepText } from './steps.js';
import type { Subject } from './subject.js';

export interface ApplyOptions {
  readonly learningRate: number;
  readonly batchSize: number;
  /** Share of the original as a teacher in the loss. */
  readonly teacherShare: number;
  readonly teacherFeatures: number;
  readonly classWeighted: boolean;
  readonly weightDecay?: number;
  readonly calibration: RangeMethod | 'auto';
  readonly reducedRange: boolean;
  /** Most rows for calibration and gradients. */
  readonly calibrationRows: number;
  /** Widths that are left are multiples of it, where they are twice as wide. */
  readonly multipleOf: number;
  readonly signal?: AbortSignal | undefined;
  readonly tell?: ((doing: string) => void) | undefined;
}

/** Pruning by more than this is done in two rounds, with training between. */
const AT_ONCE = 0.5;

/** Trainings that tell which weights move away from 0. */
const MOVEMENT_EPOCHS = 2;

/** Rows that tell which layer or block is missed least: each is tried on them. */
const DROP_ROWS = 256;

/**
 * Takes a network through the steps of a candidate. What was done is kept by its steps, so that candidates that begin alike
 * share it. A training behind a quantization rounds as 8-bit storage will; the conversion itself comes last.
 */
export class Workshop {
  readonly #made = new Map<string, Promise<Model>>();
  #said: Promise<Tensor<Float32Array>> | undefined;

  constructor(
    readonly runtime: Runtime,
    readonly subject: Subject,
    readonly options: ApplyOptions,
  ) {}

  /** The network after all steps. @throws BallastError of whatever a step cannot do */
  async make(steps: readonly Step[]): Promise<Model> {
    const { runtime, subject, options } = this;
    const conversion = steps.find((step) => step.do === 'quantize');
    const network = await this.#trained(steps);
    const { model } = await prepareModel(runtime, network);
    if (conversion === undefined) return model;
    options.tell?.(stepText(conversion));
    const rows = subject.rows.fit.subarray(0, options.calibrationRows);
    const converted = await convert(runtime, model, batchesOf(subject.examples, rows), {
      method: conversion.method,
      calibration: options.calibration,
      perChannel: true,
      symmetric: false,
      reducedRange: options.reducedRange,
      exclude: new Set(),
      signal: options.signal,
    });
    return converted.model;
  }

  /** The network in floating point after the steps that change its weights. */
  #trained(steps: readonly Step[]): Promise<Model> {
    let last = steps.length;
    // A conversion at the end does not change what is trained.
    while (last > 0 && steps[last - 1].do === 'quantize') last--;
    if (last === 0) return Promise.resolve(this.subject.network);
    const own = steps.slice(0, last);
    const key = JSON.stringify(own);
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const made = this.#apply(own);
    this.#made.set(key, made);
    return made;
  }

  async #apply(steps: readonly Step[]): Promise<Model> {
    const before = steps.slice(0, -1);
    const step = steps[steps.length - 1];
    const network = await this.#trained(before);
    if (step.do === 'prune') return this.#prune(network, step);
    if (step.do === 'drop') return this.#drop(network, step.ratio);
    if (step.do === 'student') return studentOf(this.subject, step.student);
    if (step.do !== 'distil') throw new Error('a conversion is no training');
    const aware = before.some((earlier) => earlier.do === 'quantize');
    return this.#distil(network, step.epochs, { quantizationAware: aware });
  }

  async #prune(network: Model, { ratio, criterion, atOnce = false }: Extract<Step, { do: 'prune' }>): Promise<Model> {
    const { runtime, subject, options } = this;
    const rounds = ratio > AT_ONCE && !atOnce ? 2 : 1;
    const share = 1 - (1 - ratio) ** (1 / rounds);
    let current = network;
    for (let round = 0; round < rounds; round++) {
      if (round > 0) current = await this.#distil(current, 2);
      options.tell?.(`pruning by ${Math.round(100 * share)} %`);
      const rows = subject.rows.fit.subarray(0, options.calibrationRows);
      let products: ByElement | undefined;
      if (criterion === 'taylor') products = await this.#products(current, rows);
      if (criterion === 'movement') {
        const moved = await this.#distil(current, MOVEMENT_EPOCHS, { keep: 'last' });
        products = movementOf(current, moved);
        current = moved;
      }
      const few = feedsOf(subject.examples.inputs, subject.rows.fit.subarray(0, subject.examples.batch ?? 3));
      const pruned = await pruneStructured(runtime, current, few, {
        ratio: share,
        scope: 'global',
        multipleOf: options.multipleOf,
        most: Math.min(0.9, share * 1.5),
        criterion,
        products,
      });
      current = pruned.model;
    }
    return current;
  }

  /** Of a detector, the slope of the loss of what it is sure of itself: that of its distance from itself is 0. */
  async #products(network: Model, rows: Uint32Array): Promise<ByElement> {
    const { runtime, subject } = this;
    const { examples } = subject;
    if (examples.task !== 'detection') return gradientProducts(runtime, network, examples, rows);
    const sure = hardened(await this.#answersOf(examples), examples.layout);
    const lesson = lessonOf(network, examples, sure);
    return gradientProducts(runtime, lesson.model, lesson.examples, rows);
  }

  /** What the original answers to all pictures. */
  #answersOf(pictures: Pictures): Promise<Tensor<Float32Array>> {
    const { runtime, subject, options } = this;
    this.#said ??= answersToLearn(runtime, subject.network, pictures, options.signal);
    return this.#said;
  }

  async #drop(network: Model, ratio: number): Promise<Model> {
    const { runtime, subject, options } = this;
    const { examples, rows } = subject;
    options.tell?.(`dropping layers and blocks, ${Math.round(100 * ratio)} %`);
    const few = feedsOf(examples.inputs, rows.fit.subarray(0, examples.batch ?? 3));
    const batches = batchesOf(examples, rows.fit.subarray(0, Math.min(DROP_ROWS, options.calibrationRows)));
    const { signal, tell } = options;
    return (await dropBlocks(runtime, network, few, batches, { ratio, signal, tell })).model;
  }

  async #distil(
    network: Model,
    epochs: number,
    how: Pick<FineTuneOptions, 'quantizationAware' | 'keep'> = {},
  ): Promise<Model> {
    const { runtime, subject, options } = this;
    const { rows, examples, seed } = subject;
    const lesson =
      examples.task === 'detection'
        ? lessonOf(network, examples, await this.#answersOf(examples))
        : { model: network, examples };
    const { model, outcome } = await fineTune(
      runtime,
      lesson.model,
      lesson.examples,
      { train: rows.fit, validation: rows.tune },
      {
        epochs,
        learningRate: options.learningRate,
        batchSize: options.batchSize,
        seed,
        // A detector's lesson has the answers of the original in it.
        teacher: examples.task === 'detection' ? undefined : subject.network,
        teacherShare: options.teacherShare,
        teacherFeatures: options.teacherFeatures,
        classWeighted: options.classWeighted,
        weightDecay: options.weightDecay ?? 0,
        ...how,
        signal: options.signal,
        tell: options.tell,
      },
    );
    if (outcome !== 'diverged') return examples.task === 'detection' ? withLearned(network, model) : model;
    throw new BallastError('training diverged', {
      code: 'TRAINING_DIVERGED',
      kind: 'divergence',
      remedy: 'Lower --learning-rate',
    });
  }
}
