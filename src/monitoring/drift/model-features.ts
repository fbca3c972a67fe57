import { observing } from '../../compression/observe/activations.js';
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
/** Operators with weights of their own, of which the last makes the answer. */
const WEIGHTED = new Set(['Gemm', 'MatMul', 'FusedMatMul']);

/**
 * A table whose images, waveforms, tokens and other arrays are what a model makes of them: each array column gives way to columns
 * `LAYER[0]`, `LAYER[1]`, ... of the values of a layer. Of feature maps [rows, channels, height, width] it is each channel's mean, of
 * sequences [rows, steps, width] the mean over the steps.
 *
 * @param options.layer the name of a value of the graph; without it that which the last weighted layer takes
 * @throws BallastError `DRIFT_LAYER`, and those of feeding the model
 */
export async function modelFeatures(
  runtime: Runtime,
  { model, ports }: { readonly model: Model; readonly ports: Pick<ModelPorts, 'feed' | 'batch'> },
  table: Table,
  { layer = penultimate(model.graph), tell }: { readonly layer?: string; readonly tell?: (rows: number) => void } = {},
): Promise<Table> {
  if (!model.graph.nodes.some(({ outputs }) => outputs.includes(layer))) throw unknown(layer, model.graph);
  const session = await observing(runtime, model, [layer]);
  let features: Float32Array[] = [];
  try {
    const size = ports.batch ?? BATCH;
    for (let from = 0; from < table.rows; from += size) {
      const rows = Math.min(size, table.rows - from);
      // A model of a fixed batch is given its last row again and again.
      const taken = Uint32Array.from({ length: ports.batch ?? rows }, (_, i) => from + Math.min(i, rows - 1));
      const { [layer]: value } = await session.run(ports.feed(table, taken), [layer]);
      const part = perRow(layer, value, taken.length);
      if (from === 0) features = part.map(() => new Float32Array(table.rows));
      for (const [i, column] of features.entries()) column.set(part[i]?.subarray(0, rows) ?? [], from);
      tell?.(from + rows);
    }
  } finally {
    session.release();
  }
  const columns = features.map(
    (values, i): Column => ({ kind: 'number', name: `${layer}[${i}]`, type: 'float', values }),
  );
  return { rows: table.rows, columns: [...columns, ...table.columns.filter(({ kind }) => kind !== 'array')] };
}

/** The value that the last weighted layer before the first output takes. @throws BallastError `DRIFT_LAYER` */
function penultimate(graph: Graph): string {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const [output] = graph.outputs;
  const seen = new Set<string>();
  // Nearest first.
  const queue = output === undefined ? [] : [output.name];
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const node = makers.get(name);
    if (node === undefined || seen.has(name)) continue;
    seen.add(name);
    const made = node.inputs.find((input) => makers.has(input) && !graph.initializers.has(input));
    if (WEIGHTED.has(node.opType) && node.inputs.some((input) => graph.initializers.has(input)) && made !== undefined) {
      return made;
    }
    queue.push(...node.inputs);
  }
  throw new BallastError('There is no layer before the last one that could tell what the model sees', {
    code: 'DRIFT_LAYER',
    place: '--layer',
    remedy: `Name a value with --layer: ${valuesOf(graph)}`,
  });
}

/** The values of each row, a column each. */
function perRow(layer: string, { type, shape, data }: Tensor, rows: number): Float32Array[] {
  const [count, ...inner] = shape;
  if (count !== rows || type !== 'float32' || inner.length === 0) {
    throw unsuited(layer, `is ${type} [${shape.join(', ')}], and not a float32 row for each of ${rows} rows`);
  }
  // Over which the mean is taken: height and width, or steps.
  const isMap = inner.length > 2;
  const isSequence = inner.length === 2;
  const width = isSequence ? (inner[1] ?? 1) : (inner[0] ?? 1);
  const each = inner.reduce((product, extent) => product * extent, 1);
  const repeats = each / width;
  if (width > MOST_FEATURES) throw unsuited(layer, `has ${width} values a row, more than ${MOST_FEATURES}`);
  const values = data as Float32Array;
  return Array.from({ length: width }, (_, feature) => {
    const column = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      for (let i = 0; i < repeats; i++) {
        sum += values[row * each + (isMap ? feature * repeats + i : i * width + feature)] ?? Number.NaN;
      }
      column[row] = sum / repeats;
    }
    return column;
  });
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
