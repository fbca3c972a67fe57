import { BallastError } from '../errors.js';
import type { Value } from '../graph/builder.js';
import { ints } from '../graph/model.js';
import type { LayerBuilder } from './layers.js';
import type { CnnLayer, NativeModelOptions } from './options.js';

type CnnOptions = Extract<NativeModelOptions, { type: 'cnn' }>;

/** Stacks the declared layers; a dropout site follows every convolution (after its pooling) and every dense layer. */
export function convolutional({ layers: declared }: CnnOptions, layers: LayerBuilder, image: Value): Value {
  let x = image;
  declared.forEach((layer, index) => {
    x = apply(layers, x, layer, index);
    const next = declared[index + 1];
    const poolFollows = next !== undefined && ('pool' in next || 'globalPool' in next);
    const hasWeights = !('pool' in layer) && !('globalPool' in layer);
    const poolsWeights = !hasWeights && index > 0 && !isPool(declared[index - 1]);
    if ((hasWeights && !poolFollows) || (poolsWeights && !poolFollows)) x = layers.site(x);
  });
  return layers.flatten(x);
}

const isPool = (layer: CnnLayer): boolean => 'pool' in layer || 'globalPool' in layer;

function apply(layers: LayerBuilder, x: Value, layer: CnnLayer, index: number): Value {
  const { b } = layers;
  if ('dense' in layer) {
    return layers.activate(
      layers.normalize(layers.dense(layers.flatten(x), layer.dense), layer.normalization),
      layer.activation,
    );
  }
  if (x.shape.length !== 4) {
    throw new BallastError('only dense layers may follow a dense layer', {
      code: 'MODEL_LAYER_ORDER',
      place: `model.layers[${index}]`,
      remedy: 'Move convolutions and pooling before the first dense layer',
    });
  }
  if ('pool' in layer) {
    if (x.shape[2] < layer.pool || x.shape[3] < layer.pool) {
      throw new BallastError(`a ${x.shape[2]}x${x.shape[3]} feature map is too small to pool by ${layer.pool}`, {
        code: 'MODEL_POOL_SIZE',
        place: `model.layers[${index}]`,
        remedy: 'Use fewer pooling layers or larger images',
      });
    }
    const window = ints([layer.pool, layer.pool]);
    return b.op(layer.kind === 'max' ? 'MaxPool' : 'AveragePool', [x], { kernel_shape: window, strides: window });
  }
  if ('globalPool' in layer) return b.op(layer.globalPool === 'average' ? 'GlobalAveragePool' : 'GlobalMaxPool', [x]);
  if ('separable' in layer) {
    const depthwise = layers.conv(x, x.shape[1], { stride: layer.stride, groups: x.shape[1] });
    const inner = layers.activate(layers.normalize(depthwise, layer.normalization), layer.activation);
    const pointwise = layers.conv(inner, layer.separable, { kernel: 1 });
    return layers.activate(layers.normalize(pointwise, layer.normalization), layer.activation);
  }
  if ('residual' in layer) {
    const { residual, stride, normalization, activation } = layer;
    const bias = normalization === 'none';
    const first = layers.activate(
      layers.normalize(layers.conv(x, residual, { stride, bias }), normalization),
      activation,
    );
    const second = layers.site(layers.normalize(layers.conv(first, residual, { bias }), normalization), 'branch');
    const fits = stride === 1 && x.shape[1] === residual;
    const shortcut = fits ? x : layers.normalize(layers.conv(x, residual, { kernel: 1, stride, bias }), normalization);
    return layers.activate(b.add(second, shortcut), activation);
  }
  const { conv, kernel, stride, groups, normalization, activation } = layer;
  const bias = normalization === 'none';
  return layers.activate(
    layers.normalize(layers.conv(x, conv, { kernel, stride, groups, bias }), normalization),
    activation,
  );
}
