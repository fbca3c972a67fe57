import type { ReadOptions } from '../data/read/options.js';
import { readTable } from '../data/read/read.js';
import { applySeries } from '../data/series.js';
import type { Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { ShiftWeights } from '../evaluation/conformal/conformal.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { densityRatios, effectiveSampleSize } from '../regularizers/importance-weighting/index.js';
import { readOptions } from '../spec/prepare.js';
import { applyTokenizers } from '../spec/tokens.js';
import type { Run, Store } from '../store/types.js';
import { differentiablePart } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import { loadTokenizers } from './result-record.js';
import { modelOfRun, otherRows, ownRows, specOfRun } from './run-rows.js';

/** Largest weight of a row, as a multiple of the mean: the ratio of a row that the classifier is sure of is mostly its error. */
const LIMIT = 10;
/** Ridge penalty of the classifier of the two sources. */
const PENALTY = 1;

export interface Shift extends ShiftWeights {
  /** Rows of equal weight that would carry as much. */
  readonly effectiveRows: number;
  /** Rows of the shifted source. */
  readonly shiftedRows: number;
}

/** Rows of a table as a model takes them. */
export interface FedRows {
  readonly table: Table;
  readonly rows: Uint32Array;
}

/**
 * How much likelier each row is among the shifted ones: the odds of a ridge logistic classifier of both on what the model's
 * network sees (Bickel, Brückner and Scheffer 2009), at most {@link LIMIT} times their mean.
 *
 * @param model as it was read
 * @throws BallastError SHIFT_INPUT where the network takes something other than numbers
 */
export async function measureShift(
  runtime: Runtime,
  { model, ports }: { readonly model: Model; readonly ports: ModelPorts },
  own: FedRows,
  shifted: FedRows,
): Promise<Shift> {
  const [first, second] = [await features(own), await features(shifted)];
  if (shifted.rows.length === 0) {
    throw new BallastError('there are no rows to weight towards', { code: 'SHIFT_INPUT', place: 'shift' });
  }
  const columns = first.length / own.rows.length;
  const rows = own.rows.length + shifted.rows.length;
  const data = new Float64Array(rows * columns);
  data.set(first);
  data.set(second, first.length);
  const isTarget = Array.from({ length: rows }, (_, row) => row >= own.rows.length);
  const weights = densityRatios({ rows, columns, data }, isTarget, { penalty: PENALTY, limit: LIMIT });
  const most = weights.reduce((a, b) => Math.max(a, b), LIMIT);
  return { weights, own: most, effectiveRows: effectiveSampleSize(weights), shiftedRows: shifted.rows.length };

  async function features({ table, rows: chosen }: FedRows): Promise<Float64Array> {
    const { inputs } = await differentiablePart(runtime, { model, ports, table, rows: chosen });
    const parts = Object.entries(inputs).map(([name, tensor]) => {
      if (tensor.type !== 'float32' && tensor.type !== 'float64') {
        throw new BallastError(`the network's input "${name}" is ${tensor.type}: a shift of it is not measured`, {
          code: 'SHIFT_INPUT',
          place: 'shift',
          remedy: 'Leave it out; models of numbers have it',
        });
      }
      return { width: tensor.data.length / chosen.length, data: tensor.data };
    });
    const width = parts.reduce((sum, part) => sum + part.width, 0);
    const joined = new Float64Array(chosen.length * width);
    let at = 0;
    for (const part of parts) {
      for (let row = 0; row < chosen.length; row++) {
        for (let j = 0; j < part.width; j++) joined[row * width + at + j] = Number(part.data[row * part.width + j]);
      }
      at += part.width;
    }
    return joined;
  }
}

/**
 * The shift from the rows that a run is calibrated on to those of a source, whose right answers need not be known.
 *
 * @param data the rows of calibration; the run's own validation rows unless given
 * @throws BallastError as {@link measureShift}, and those of reading a table
 */
export async function shiftOfRun(
  store: Store,
  runtime: Runtime,
  run: Run,
  source: string,
  data: string | undefined,
): Promise<Shift> {
  const own =
    data === undefined ? await ownRows(store, run, 'validation', 'calibrate') : await otherRows(store, run, data);
  return shiftTo(store, runtime, run, own, source);
}

/** The shift from rows that a run's model takes to those of a source; as {@link shiftOfRun}. */
export async function shiftTo(store: Store, runtime: Runtime, run: Run, own: FedRows, source: string): Promise<Shift> {
  const { model, ports } = await modelOfRun(store, run);
  const resolved = specOfRun(run);
  const { target: _target, ...options } = readOptions(resolved) as ReadOptions;
  const raw = await readTable(source, { ...options, baseDirectory: process.cwd() });
  const table = applyTokenizers(applySeries(raw, resolved.spec.data.features), await loadTokenizers(store, run.id));
  return measureShift(runtime, { model, ports }, own, { table, rows: allRows(table) });
}

export const allRows = (table: Table): Uint32Array => Uint32Array.from({ length: table.rows }, (_, row) => row);
