import { GraphBuilder, type Value } from '../../src/graph/builder.js';
import { inline } from '../../src/graph/inline.js';
import type { Graph, Model, Node, ValueInfo } from '../../src/graph/model.js';
import { type DataType, ONNX_TYPE_NUMBER, type Tensor } from '../../src/graph/tensor.js';

/**
 * The same graph in float64, so that finite differences are exact to many digits: every float32 input, constant and cast
 * becomes a float64 one. Operators without such a kernel (fused products, OneHot) become others of the same result.
 */
export function inDoublePrecision(model: Model): Model {
  const b = new GraphBuilder(model.graph.name);
  const wide = (type: DataType): DataType => (type === 'float32' ? 'float64' : type);
  const graph: Graph = {
    ...model.graph,
    inputs: model.graph.inputs.map((info) => ({ ...info, type: wide(info.type) })),
  };
  const inputs = Object.fromEntries(
    graph.inputs.map(({ name, type, shape }) => [name, b.input(name, type, shape as readonly number[])]),
  );
  const results = inline(b, graph, {
    inputs,
    // A constant made for a replaced operator may bear the name already.
    parameter(name) {
      const data = widened(graph.initializers.get(name)!);
      return b.has(name) ? b.constant(data) : b.initializer(name, data);
    },
    replace(node, all) {
      const [first, second, third] = all;
      if (node.opType === 'LayerNormalization') return layerNormalize(b, node, all);
      if (node.opType === 'Cast' && castsTo(node) === ONNX_TYPE_NUMBER.float32) return [b.cast(first!, 'float64')];
      if (node.opType === 'FusedMatMul') {
        const flag = (name: string): boolean => {
          const attribute = node.attributes[name];
          return attribute?.kind === 'int' && attribute.value !== 0;
        };
        const { alpha } = node.attributes;
        return [
          b.batchMatMul(first!, second!, {
            transA: flag('transA'),
            transB: flag('transB'),
            ...(alpha?.kind === 'float' ? { alpha: alpha.value } : {}),
          }),
        ];
      }
      if (node.opType !== 'OneHot') return undefined;
      const depth = Number(b.constantOf(second!)!.data[0]);
      const off = b.constantOf(third!)!.data[0];
      if (off !== 0) throw new Error('a OneHot with an off value of 0 is expected');
      return [b.oneHot(first!, depth, 'float64')];
    },
  });
  model.graph.outputs.forEach(({ name }: ValueInfo) => {
    b.output(name, results[name]);
  });
  return b.model();
}

/** Over the last axis, with the statistics that gradients ask for. */
function layerNormalize(
  b: GraphBuilder,
  { attributes: { epsilon } }: Node,
  [x, scale, shift]: readonly (Value | undefined)[],
): Value[] {
  const axis = [x!.shape.length - 1];
  const mean = b.reduceMean(x!, axis, true);
  const centred = b.sub(x!, mean);
  const variance = b.reduceMean(b.mul(centred, centred), axis, true);
  const inverse = b.reciprocal(b.sqrt(b.add(variance, epsilon?.kind === 'float' ? epsilon.value : 1e-5)));
  const scaled = b.mul(b.mul(centred, inverse), scale!);
  return [shift === undefined ? scaled : b.add(scaled, shift), mean, inverse];
}

function castsTo({ attributes: { to } }: Node): number | undefined {
  return to?.kind === 'int' ? to.value : undefined;
}

/** Scalars become the shortest decimal that rounds to them: a momentum of 0.9, and not of 0.899999976. */
function widened(tensor: Tensor): Tensor {
  if (tensor.type !== 'float32') return tensor;
  const values = tensor.data as Float32Array;
  return {
    type: 'float64',
    shape: tensor.shape,
    data: Float64Array.from(values, values.length === 1 ? shortest : Number),
  };
}

function shortest(value: number): number {
  for (let digits = 1; digits < 9; digits++) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return value;
}
