import { observing } from '../../compression/observe/activations.js';
import { layerValues, layerWidth, penultimate } from '../../compression/observe/layer-values.js';
import type { Column, Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import type { Graph, Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';
import type { ModelPorts } from '../../tuning/model-ports.js';

/** Rows that a model is given at a time. */
const BATCH = 64;
/** Values a row that are tested each. */
const MOST_FEATURES = 4096;
export interface ModelFeaturesOptions {
  /** The name of a value of the graph; without it that which the last weighted layer takes. */
  readonly layer?: string;
  /** Only of these rows: the table then has the values of the layer alone. */
  readonly rows?: Uint32Array;
  readonly tell?: (rows: number) => void;
}

/**
 * A table whose images, waveforms, tokens and other arrays are what a model makes of them: each array column gives way to columns
 * `LAYER[0]`, `LAYER[1]`, ... of the values of a layer. Of feature maps [rows, channels, height, width] it is each channel's mean, of
 * sequences [rows, steps, width] the mean over the steps.
 *
 * @throws BallastError `DRIFT_LAYER`, and those of feeding the model
 */
export async function modelFeatures(
  runtime: Runtime,
  { model, ports }: { readonly model: Model; readonly ports: Pick<ModelPorts, 'feed' | 'batch'> },
  table: Table,
  { layer = penultimate(model.graph), rows: wanted, tell }: ModelFeaturesOptions = {},
): Promise<Table> {
  if (layer === undefined) throw noLayer(model.graph);
  if (!model.graph.nodes.some(({ outputs }) => outputs.includes(layer))) throw unknown(layer, model.graph);
  const session = await observing(runtime, model, [layer]);
  let features: Float32Array[] = [];
  const count = wanted?.length ?? table.rows;
  try {
    const size = ports.batch ?? BATCH;
    for (let from = 0; from < count; from += size) {
      const rows = Math.min(size, count - from);
      // A model of a fixed batch is given its last row again and again.
      const taken = Uint32Array.from({ length: ports.batch ?? rows }, (_, i) => {
        const at = from + Math.min(i, rows - 1);
        return wanted?.[at] ?? at;
      });
      const { [layer]: value } = await session.run(ports.feed(table, taken), [layer]);
      const part = perRow(layer, value, taken.length);
      if (from === 0) features = part.map(() => new Float32Array(count));
      for (const [i, column] of features.entries()) column.set(part[i]?.subarray(0, rows) ?? [], from);
      tell?.(from + rows);
    }
  } finally {
    session.release();
  }
  const columns = features.map(
    (values, i): Column => ({ kind: 'number', name: `${layer}[${i}]`, type: 'float', values }),
  );
  const others = wanted === undefined ? table.columns.filter(({ kind }) => kind !== 'array') : [];
  return { rows: count, columns: [...columns, ...others] };
}

/** The values of each row, a column each. @throws BallastError `DRIFT_LAYER` */
function perRow(layer: string, value: Tensor, rows: number): Float32Array[] {
  const { type, shape } = value;
  if (shape[0] !== rows || type !== 'float32' || shape.length < 2) {
    throw unsuited(layer, `is ${type} [${shape.join(', ')}], and not a float32 row for each of ${rows} rows`);
  }
  const width = layerWidth(shape);
  if (width > MOST_FEATURES) throw unsuited(layer, `has ${width} values a row, more than ${MOST_FEATURES}`);
  return layerValues(value);
}

/** Some names, the last first: those are nearest to the answer. */
function valuesOf({ nodes }: Graph): string {
  return nodes
    .flatMap(({ outputs }) => outputs)
    .filter((name) => name !== '')
    .slice(-20)
    .reverse()
    .join(', ');
}

function noLayer(graph: Graph): BallastError {
  return new BallastError('There is no layer before the last one that could tell what the model sees', {
    code: 'DRIFT_LAYER',
    place: '--layer',
    remedy: `Name a value with --layer: ${valuesOf(graph)}`,
  });
}

function unknown(layer: string, graph: Graph): BallastError {
  return new BallastError('The model makes no such value', {
    code: 'DRIFT_LAYER',
    place: '--layer',
    value: layer,
    remedy: `The last of those that it makes are ${valuesOf(graph)}`,
  });
}

function unsuited(layer: string, why: string): BallastError {
  return new BallastError(`The value ${layer} ${why}`, {
    code: 'DRIFT_LAYER',
    place: '--layer',
    remedy: 'Name another with --layer',
  });
}
