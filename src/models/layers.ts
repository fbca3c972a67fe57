import { BallastError } from '../errors.js';
import type { GraphBuilder, Value } from '../graph/builder.js';
import { filled } from '../graph/builder.js';
import { MAX_MESSAGE_BYTES } from '../graph/format/limits.js';
import { float, int, ints } from '../graph/model.js';
import { float32, sizeOf, type Tensor } from '../graph/tensor.js';
import { derive } from '../numeric/random.js';
import type { Activation } from './options.js';

/** How names of initializers begin that are part of the arithmetic, not weights: training leaves them as they are. */
export const FIXED = 'fixed.';

/**
 * Layers as functions on a builder. Shapes of nodes never hold the batch size (reshapes copy it by 0), so that a network
 * built for one row runs and trains on any batch. `Dropout` nodes mark the sites at which dropout may act.
 */
export class LayerBuilder {
  readonly b: GraphBuilder;
  readonly #seed: number;
  #count = 0;
  #weights = 0;
  #sites = 0;

  constructor(b: GraphBuilder, seed: number) {
    this.b = b;
    this.#seed = seed;
  }

  /** A name for the next layer's parameters: `conv1`, `dense2`. */
  name(kind: string): string {
    return `${kind}${++this.#count}`;
  }

  /**
   * Normal weights of the given standard deviation, from a stream of their own.
   *
   * @throws BallastError MODEL_TOO_LARGE, before memory is taken, where all weights together would not fit an ONNX file
   */
  weights(name: string, shape: readonly number[], deviation: number): Value {
    this.#weights += sizeOf(shape);
    if (4 * this.#weights > MAX_MESSAGE_BYTES) {
      throw new BallastError(
        `the network needs more than ${(this.#weights / 1e6).toFixed(0)} million weights, and an ONNX file holds ${Math.floor(MAX_MESSAGE_BYTES / 4e6)}`,
        { code: 'MODEL_TOO_LARGE', place: 'model', remedy: 'Choose fewer or narrower layers' },
      );
    }
    const stream = derive(this.#seed, 'initial', name);
    return this.b.initializer(
      name,
      float32(
        shape,
        Float32Array.from({ length: sizeOf(shape) }, () => stream.normal(0, deviation)),
      ),
    );
  }

  /** A constant of the network, never trained. */
  fixed(name: string, value: Tensor): Value {
    return this.b.initializer(`${FIXED}${name}`, value);
  }

  fill(name: string, shape: readonly number[], value: number): Value {
    return this.b.initializer(name, filled('float32', shape, value));
  }

  /** [batch, in] -> [batch, out]. He et al. (2015) for hidden layers; 1 / sqrt(in) for the output. */
  dense(x: Value, out: number, { gain = Math.SQRT2, name = this.name('dense'), bias = true } = {}): Value {
    const inputs = x.shape[1];
    const w = this.weights(`${name}.weight`, [inputs, out], gain / Math.sqrt(inputs));
    return this.b.gemm(x, w, bias ? this.fill(`${name}.bias`, [out], 0) : undefined);
  }

  /** [..., in] -> [..., out] over the last axis. */
  project(x: Value, out: number, gain = 1, name = this.name('project')): Value {
    const inputs = x.shape[x.shape.length - 1];
    const w = this.weights(`${name}.weight`, [inputs, out], gain / Math.sqrt(inputs));
    return this.b.add(this.b.matMul(x, w), this.fill(`${name}.bias`, [out], 0));
  }

  /** [batch, channels, height, width], padded so that stride 1 keeps the size. */
  conv(
    x: Value,
    out: number,
    { kernel = 3, stride = 1, groups = 1, bias = true, name = this.name('conv') } = {},
  ): Value {
    const channels = x.shape[1];
    if (channels % groups !== 0 || out % groups !== 0) {
      throw new BallastError(`a convolution of ${channels} to ${out} channels cannot have ${groups} groups`, {
        code: 'MODEL_GROUPS',
        place: 'model.layers',
      });
    }
    const fanIn = (channels / groups) * kernel * kernel;
    const w = this.weights(`${name}.weight`, [out, channels / groups, kernel, kernel], Math.SQRT2 / Math.sqrt(fanIn));
    const before = Math.floor((kernel - 1) / 2);
    const after = kernel - 1 - before;
    return this.b.op('Conv', [x, w, bias ? this.fill(`${name}.bias`, [out], 0) : undefined], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([before, before, after, after]),
      ...(groups === 1 ? {} : { group: int(groups) }),
    });
  }

  normalize(x: Value, kind: 'none' | 'batch' | 'layer' | 'group'): Value {
    if (kind === 'none') return x;
    const name = this.name('norm');
    const channels = x.shape[1];
    if (kind === 'layer') {
      // Over channels and positions alike; one scale a channel would need group normalization.
      const shape = x.shape.slice(1);
      return this.b.op(
        'LayerNormalization',
        [x, this.fill(`${name}.scale`, shape, 1), this.fill(`${name}.shift`, shape, 0)],
        { axis: int(1), epsilon: float(1e-5) },
      );
    }
    const scale = this.fill(`${name}.scale`, [channels], 1);
    const shift = this.fill(`${name}.shift`, [channels], 0);
    if (kind === 'group') {
      const groups = [8, 4, 2, 1].find((count) => channels % count === 0) ?? 1;
      return this.b.op('GroupNormalization', [x, scale, shift], { num_groups: int(groups), epsilon: float(1e-5) });
    }
    const mean = this.fill(`${name}.mean`, [channels], 0);
    const variance = this.fill(`${name}.variance`, [channels], 1);
    return this.b.op('BatchNormalization', [x, scale, shift, mean, variance], {
      epsilon: float(1e-5),
      momentum: float(0.9),
    });
  }

  activate(x: Value, kind: Activation): Value {
    const operator = {
      relu: 'Relu',
      gelu: 'Gelu',
      tanh: 'Tanh',
      elu: 'Elu',
      'leaky-relu': 'LeakyRelu',
      softplus: 'Softplus',
      'hard-swish': 'HardSwish',
    } as const;
    return this.b.op(operator[kind], [x]);
  }

  /** A site at which activations may be disturbed; the identity otherwise. Its node's name tells what stands there. */
  site(x: Value, kind: 'hidden' | 'embedding' | 'attention' | 'branch' | 'spectrogram' = 'hidden'): Value {
    return this.b.op('Dropout', [x], {}, { name: `site.${kind}.${++this.#sites}` });
  }

  /** [batch, ...] -> [batch, features]. */
  flatten(x: Value): Value {
    return x.shape.length === 2 ? x : this.b.op('Flatten', [x], { axis: int(1) });
  }

  /** Reshapes all but the batch axis. */
  reshape(x: Value, rest: readonly number[]): Value {
    return this.b.op('Reshape', [x, this.b.indices([0, ...rest])]);
  }
}
