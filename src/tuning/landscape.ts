import { missingOf } from '../data/column-values.js';
import { findColumn } from '../data/table.js';
import { BallastError } from '../errors.js';
import { LossSurface, type SurfaceParameter } from '../evaluation/landscape/surface.js';
import { removeDeadCode } from '../graph/format/dead-code.js';
import type { Graph, Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { readArchitecture } from '../training/architecture.js';
import { type DifferentiablePart, differentiablePart, evenly } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import type { RowsOfRun } from './run-rows.js';
import { codesIn, numbersIn } from './score.js';

/** A model whose loss is looked at, and the rows. */
export interface LandscapeSubject extends RowsOfRun {
  /** As it was read. */
  readonly model: Model;
  readonly ports: ModelPorts;
  /** Shown in messages. */
  readonly place: string;
}

/** The loss surface of a model on rows that have a label, evenly thinned. */
export interface OpenSurface {
  readonly surface: LossSurface;
  /**
   * Where another model of the same architecture lies on it.
   *
   * @throws BallastError LANDSCAPE_OTHER_NETWORK, LANDSCAPE_OTHER_ENCODING
   */
  pointOf(other: Pick<LandscapeSubject, 'model' | 'ports' | 'place'>): Promise<Float32Array>;
  release(): void;
}

/**
 * @param limit at most so many rows are looked at
 * @throws BallastError LANDSCAPE_NEEDS_SCORES, LANDSCAPE_ROWS, LANDSCAPE_OUTPUT, MODEL_NOT_TRAINABLE (trees, int8),
 *   MODEL_FIXED_BATCH, GRAPH_* where the model cannot be made a static graph
 */
export async function openSurface(
  runtime: Runtime,
  subject: LandscapeSubject,
  { limit, signal }: { readonly limit: number; readonly signal?: AbortSignal | undefined },
): Promise<OpenSurface> {
  const { ports, table, roles, place } = subject;
  const { output, task, classes } = ports;
  if (output.kind === 'labels') {
    throw new BallastError('a loss surface needs scores, and the output holds labels', {
      code: 'LANDSCAPE_NEEDS_SCORES',
      place,
      remedy: 'Name an output of logits or probabilities with --output',
    });
  }
  const column = findColumn(table, roles.target ?? '');
  if (column === undefined) {
    throw new BallastError(`the data has no target column "${roles.target ?? ''}"`, {
      code: 'EVALUATE_TARGET',
      place,
      remedy: 'Name it with --target',
    });
  }
  const missing = missingOf(column);
  const labelled = subject.rows.filter((row) => !missing(row));
  const rows = evenly(labelled, limit);
  const importance = roles.weight === undefined ? undefined : findColumn(table, roles.weight);
  const part = await differentiablePart(runtime, { ...subject, rows });
  const network = within(part, output.name);
  const { parameters, statistics } = movable(network, part);
  const surface = new LossSurface(
    runtime,
    {
      graph: network,
      task,
      output: output.name,
      parameters,
      statistics,
      inputs: part.inputs,
      target: task === 'classification' ? codesIn(column, rows, classes) : numbersIn(column, rows),
      weights: importance?.kind === 'number' ? numbersIn(importance, rows) : undefined,
    },
    { signal },
  );
  return {
    surface,
    pointOf: async (other) => {
      const second = await differentiablePart(runtime, { ...subject, ...other, rows });
      if (!sameInputs(part, second)) {
        throw new BallastError('the two models encode the rows in different ways, so no line joins them', {
          code: 'LANDSCAPE_OTHER_ENCODING',
          place: other.place,
          remedy: 'Compare runs of one spec and one split: their preprocessing is the same',
        });
      }
      return pointIn(second.graph, [...parameters.map(({ name }) => name), ...statistics], network, other.place);
    },
    release: () => surface.release(),
  };
}

function within({ graph }: DifferentiablePart, output: string): Graph {
  return removeDeadCode({ ...graph, outputs: graph.outputs.filter(({ name }) => name === output) });
}

/** Trained parameters and running statistics; in a model of Ballast's, not the constants that stand around its network. */
function movable(graph: Graph, { encoder }: DifferentiablePart) {
  const { parameters, buffers } = readArchitecture(graph);
  const own = (name: string): boolean => encoder === undefined || name.startsWith('network/');
  return {
    parameters: parameters.flatMap(({ name, role, shape, unitAxis }): SurfaceParameter[] =>
      own(name) && role !== 'auxiliary' ? [{ name, role, shape, unitAxis }] : [],
    ),
    statistics: buffers.flatMap(({ name }) => (own(name) ? [name] : [])),
  };
}

function sameInputs(first: DifferentiablePart, second: DifferentiablePart): boolean {
  const entries = Object.entries(first.inputs);
  return (
    entries.length === Object.keys(second.inputs).length &&
    entries.every(([name, { shape, data }]) => {
      const other = second.inputs[name];
      return (
        other !== undefined &&
        String(other.shape) === String(shape) &&
        Array.from(data as ArrayLike<unknown>).every((value, i) => Object.is(value, other.data[i]))
      );
    })
  );
}

function pointIn(graph: Graph, names: readonly string[], like: Graph, place: string): Float32Array {
  const parts = names.map((name) => {
    const found = graph.initializers.get(name);
    const { shape } = like.initializers.get(name)!;
    if (found?.type === 'float32' && String(found.shape) === String(shape)) return found.data as Float32Array;
    throw new BallastError(
      `the two models are not of one architecture: ${found === undefined ? `there is no "${name}"` : `"${name}" is [${found.shape}], not [${shape}]`} in the second`,
      { code: 'LANDSCAPE_OTHER_NETWORK', place, remedy: 'Give two models that differ in their weights alone' },
    );
  });
  const point = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const data of parts) {
    point.set(data, at);
    at += data.length;
  }
  return point;
}
