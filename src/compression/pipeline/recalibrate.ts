import { BallastError } from '../../errors.js';
import { sourceOf, withCalibration } from '../../evaluation/calibrators/calibrated-model.js';
import type { CalibrationMap } from '../../evaluation/calibrators/calibrator.js';
import { calibrate, calibrationRows } from '../../evaluation/calibrators/report.js';
import type { ClassificationInput, PredictionInput } from '../../evaluation/input.js';
import type { Model, Node } from '../../graph/model.js';
import { float32 } from '../../graph/tensor.js';
import type { Examples } from '../examples.js';
import { namesFor } from '../graph/uses.js';

export interface Recalibrated {
  readonly model: Model;
  /** What scores are divided by; 1 where the model was better left alone. */
  readonly temperature: number;
  /** What was added to the scores of each class before; undefined where nothing was. */
  readonly offsets: readonly number[] | undefined;
}

/**
 * A network whose scores are divided by the temperature that suits the given rows, where that lowers both log loss and
 * calibration error of rows that the temperature was not fitted on. Which class is largest is changed by offsets alone.
 *
 * @param offsets an offset a class, of the scores as they are
 */
export function recalibrate(
  network: Model,
  { output, classes }: Examples,
  answers: PredictionInput,
  offsets?: readonly number[],
): Recalibrated {
  const plain = { model: network, temperature: 1, offsets: undefined };
  if (answers.task !== 'classification' || output.kind === 'labels' || output.kind === 'predictions') return plain;
  const temperature = temperatureOf(offsets === undefined ? answers : moved(answers, offsets));
  if (offsets === undefined && temperature === 1) return plain;
  const map = mapOf(temperature, offsets);
  const model =
    output.kind === 'logits'
      ? mapped(network, output.name, map)
      : withCalibration(network, { name: output.name, kind: output.kind }, map, classes.length);
  return { model, temperature, offsets };
}

function mapOf(temperature: number, offsets: readonly number[] | undefined): Scaling {
  if (offsets === undefined) return { kind: 'temperature', temperature };
  const scale = offsets.map(() => 1 / temperature);
  return { kind: 'vector', scale, shift: offsets.map((offset) => offset / temperature) };
}

type Scaling = Exclude<CalibrationMap, { kind: 'classes' }>;

/** Answers as they are with offsets. */
function moved(answers: ClassificationInput, offsets: readonly number[]): ClassificationInput {
  const { logits: _, probabilities: __, ...rest } = answers;
  const { scores, classes } = calibrationRows(answers);
  return { ...rest, logits: scores.map((score, i) => score + offsets[i % classes]) };
}

/** 1 where no other serves better. */
function temperatureOf(answers: ClassificationInput): number {
  let report: ReturnType<typeof calibrate>;
  try {
    report = calibrate(answers, { method: 'temperature' });
  } catch (error) {
    // So few rows, or of one class only, say nothing about probabilities.
    if (error instanceof BallastError && error.code.startsWith('CALIBRATION_')) return 1;
    throw error;
  }
  const { before, after, map } = report;
  const better = ['logLoss', 'ece'].every((name) => (after[name]?.value ?? 0) <= (before[name]?.value ?? 0));
  return better && map.kind === 'temperature' ? map.temperature : 1;
}

/**
 * A product, and a sum where there are offsets, in float32, behind the scores: what else is made of them (probabilities, labels) is made
 * of the new ones. A single column is the score of the second class.
 */
function mapped(model: Model, output: string, map: Scaling): Model {
  const { graph } = model;
  const fresh = namesFor(graph);
  const [raw, factor, shift, name] = ['uncalibrated', 'inverse', 'shift', 'scaled'].map((part) =>
    fresh(`${output}.${part}`),
  );
  const source = sourceOf(graph.nodes, output);
  const node = (opType: string, inputs: readonly string[], made: string): Node => ({
    ...{ name: made, opType, domain: '', inputs, outputs: [made], attributes: {} },
  });
  const initializers = new Map(graph.initializers);
  const made: Node[] = [];
  if (map.kind === 'temperature') {
    initializers.set(factor, float32([], [1 / map.temperature]));
    made.push(node('Mul', [raw, factor], source));
  } else {
    const width = graph.outputs.find((each) => each.name === output)?.shape?.at(-1);
    const shifts = width === 1 ? [map.shift[1] - map.shift[0]] : map.shift;
    initializers.set(factor, float32([], [map.scale[0]])).set(shift, float32([shifts.length], shifts));
    made.push(node('Mul', [raw, factor], name), node('Add', [name, shift], source));
  }
  const nodes = graph.nodes.flatMap((each) =>
    each.outputs.includes(source)
      ? [{ ...each, outputs: each.outputs.map((value) => (value === source ? raw : value)) }, ...made]
      : [each],
  );
  return { ...model, graph: { ...graph, initializers, nodes } };
}
