import type { GraphBuilder, Value, ValueType } from '../builder.js';
import { int64 } from '../tensor.js';
import {
  type GradientContext,
  type InferContext,
  mismatch,
  notDifferentiable,
  type Operator,
  required,
  stringAttribute,
} from './operator.js';

/**
 * Classification losses of ONNX. Scores are [N, C, d...], labels [N, d...], the optional class weights [C]; a label
 * equal to `ignore_index` counts nowhere. `mean` divides by the sum of the weights of the labels that count.
 */

function lossShape(context: InferContext): ValueType {
  const [scores, labels, weights] = [required(context, 0), required(context, 1), context.inputs[2]];
  const expected = scores.shape.filter((_, axis) => axis !== 1);
  if (scores.shape.length < 2 || `${expected}` !== `${labels.shape}`) {
    throw mismatch(context, `labels [${labels.shape}] do not fit scores [${scores.shape}]`);
  }
  if (weights !== undefined && `${weights.shape}` !== `${scores.shape[1]}`) {
    throw mismatch(context, `weights [${weights.shape}] do not fit ${scores.shape[1]} classes`);
  }
  const none = stringAttribute(context.attributes, 'reduction', 'mean') === 'none';
  return { type: scores.type, shape: none ? labels.shape : [] };
}

/** The one-hot labels times what their losses count for: weight, mask and reduction, times the loss's gradient. */
function weightedTargets(context: GradientContext, g: Value): { hot: Value; factor: Value } {
  const { b, node, inputs } = context;
  const [scores, labels, weights] = inputs;
  const [, classes, ...rest] = scores!.shape;
  const wide = [scores!.shape[0], 1, ...rest];
  const target = b.reshape(labels!, wide);
  const every = b.cast(
    b.constant(
      int64(
        [1, classes, ...rest.map(() => 1)],
        Array.from({ length: classes }, (_, i) => i),
      ),
    ),
    labels!.type,
  );
  const match = b.equal(target, every);
  const ignored = node.attributes.ignore_index;
  const counts = ignored?.kind === 'int' ? b.not(b.equal(target, ignored.value)) : undefined;
  const hot = b.cast(counts === undefined ? match : b.and(match, counts), scores!.type);
  const weight =
    weights === undefined
      ? b.reduceSum(hot, [1], true)
      : b.reduceSum(b.mul(hot, b.reshape(weights, [1, classes, ...rest.map(() => 1)])), [1], true);
  const reduction = stringAttribute(node.attributes, 'reduction', 'mean');
  if (reduction === 'none') return { hot, factor: b.mul(weight, b.reshape(g, wide)) };
  return { hot, factor: b.mul(weight, reduction === 'sum' ? g : b.div(g, b.reduceSum(weight))) };
}

function refuseWeights(context: GradientContext): void {
  if (context.needs[2]) throw notDifferentiable(context, 'by its class weights');
}

/** -log softmax(scores)[label]: d scores = (softmax - onehot) w g. The optional second output is the log-softmax. */
export const SoftmaxCrossEntropyLoss: Operator = {
  limits: 'by the class weights',
  infer(context) {
    const loss = lossShape(context);
    const { type, shape } = required(context, 0);
    return [loss, { type, shape }];
  },
  gradient(context) {
    refuseWeights(context);
    const { b, gradients } = context;
    const [g, gLog] = gradients;
    const [, logarithm] = b.withOutputs(context, 2);
    const parts: Value[] = [];
    const probabilities = b.exp(logarithm);
    if (g !== undefined) {
      const { hot, factor } = weightedTargets(context, g);
      parts.push(b.mul(b.sub(probabilities, hot), factor));
    }
    if (gLog !== undefined) parts.push(b.sub(gLog, b.mul(probabilities, b.reduceSum(gLog, [1], true))));
    return [sum(b, parts), undefined, undefined];
  },
};

/** -input[label] for log-probabilities: d input = -onehot w g. */
export const NegativeLogLikelihoodLoss: Operator = {
  limits: 'by the class weights',
  infer: (context) => [lossShape(context)],
  gradient(context) {
    refuseWeights(context);
    const { b, gradients } = context;
    const { hot, factor } = weightedTargets(context, gradients[0]!);
    return [b.neg(b.mul(hot, factor)), undefined, undefined];
  },
};

function sum(b: GraphBuilder, parts: readonly Value[]): Value {
  return parts.reduce((total, part) => b.add(total, part));
}
