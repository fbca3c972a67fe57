import { layerValues, penultimate } from '../../compression/observe/layer-values.js';
import type { Graph } from '../../graph/model.js';
import type { PortInfo } from '../../graph/runtime/runtime.js';
import type { Tensor } from '../../graph/tensor.js';

/** Values of one input in a row, beyond which they are no columns to be observed but an image, a sound, a text; and values of a view. */
export const MOST_VALUES = 64;

/** Begins the names of columns that a model made. They are no inputs: two versions make different things of the same request. */
const VIEW = 'view:';

/** The column of an observation that a value of a view stands in. */
export const viewName = (value: string): string => `${VIEW}${value}`;

export const isViewName = (column: string): boolean => column.startsWith(VIEW);

/**
 * The value of a graph by which inputs are observed that are no columns: what the last layer takes. Undefined where all inputs are columns,
 * there is no such layer, or it is an output.
 */
export function viewOf(graph: Graph): string | undefined {
  const isWide = graph.inputs
    .filter(({ name }) => !graph.initializers.has(name))
    .some(({ shape = [] }) => {
      let values = 1;
      for (const extent of shape.slice(1)) values *= typeof extent === 'number' ? extent : Number.POSITIVE_INFINITY;
      return values > MOST_VALUES;
    });
  if (!isWide) return undefined;
  const found = penultimate(graph);
  // What is an output already is answered as it is.
  return graph.outputs.some(({ name }) => name === found) ? undefined : found;
}

/** Whether a value can be observed: a float32 row for each row of the inputs. */
export const isObservable = (port: PortInfo | undefined): boolean => port?.type === 'float32' && port.shape.length >= 2;

/** A row of at most {@link MOST_VALUES} values for each row of the inputs; undefined where the value has others. */
export function narrowed(value: Tensor, rows: number): Tensor | undefined {
  if (value.shape[0] !== rows) return undefined;
  const columns = layerValues(value, MOST_VALUES);
  const data = new Float32Array(rows * columns.length);
  for (const [i, column] of columns.entries()) {
    for (let row = 0; row < rows; row++) data[row * columns.length + i] = column[row];
  }
  return { type: 'float32', shape: [rows, columns.length], data };
}
