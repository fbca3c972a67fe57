import { BallastError } from '../../errors.js';
import { withCalibration } from '../../evaluation/calibrators/calibrated-model.js';
import { calibrate } from '../../evaluation/calibrators/report.js';
import type { PredictionInput } from '../../evaluation/input.js';
import type { Model } from '../../graph/model.js';
import { float32 } from '../../graph/tensor.js';
import type { Examples } from '../examples.js';
import { namesFor } from '../graph/uses.js';

export interface Recalibrated {
  readonly model: Model;
  /** What scores are divided by; 1 where the model was better left alone. */
  readonly temperature: number;
}

/**
 * A network whose scores are divided by the temperature that suits the given rows, where that lowers both log loss and
 * calibration error of rows that the temperature was not fitted on. It never changes which class is largest.
 */
export function recalibrate(network: Model, { output, classes }: Examples, answers: PredictionInput): Recalibrated {
  const plain = { model: network, temperature: 1 };
  if (answers.task !== 'classification' || output.kind === 'labels' || output.kind === 'predictions') return plain;
  let report: ReturnType<typeof calibrate>;
  try {
    report = calibrate(answers, { method: 'temperature' });
  } catch (error) {
    // So few rows, or of one class only, say nothing about probabilities.
    if (error instanceof BallastError && error.code.startsWith('CALIBRATION_')) return plain;
    throw error;
  }
  const { before, after, map } = report;
  const better = ['logLoss', 'ece'].every((name) => (after[name]?.value ?? 0) <= (before[name]?.value ?? 0));
  if (!better || map.kind !== 'temperature') return plain;
  const model =
    output.kind === 'logits'
      ? divided(network, output.name, map.temperature)
      : withCalibration(network, { name: output.name, kind: output.kind }, map, classes.length);
  return { model, temperature: map.temperature };
}

/** One product with 1 / temperature, in float32. */
function divided(model: Model, output: string, temperature: number): Model {
  const { graph } = model;
  const fresh = namesFor(graph);
  const [raw, factor, name] = [fresh(`${output}.uncalibrated`), fresh('temperature.inverse'), fresh('recalibrated')];
  const nodes = graph.nodes.map((node) => ({
    ...node,
    outputs: node.outputs.map((made) => (made === output ? raw : made)),
    inputs: node.inputs.map((taken) => (taken === output ? raw : taken)),
  }));
  const scaled = { name, opType: 'Mul', domain: '', inputs: [raw, factor], outputs: [output], attributes: {} };
  const initializers = new Map(graph.initializers).set(factor, float32([], [1 / temperature]));
  return { ...model, graph: { ...graph, initializers, nodes: [...nodes, scaled] } };
}
