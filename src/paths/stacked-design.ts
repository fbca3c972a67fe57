import type { Design } from './design.js';
import { bytesOf, type Kernels } from './kernels/kernels.js';

/** Bytes that a stacked design takes of the kernels' memory, beside the design that it stacks. */
export function stackedBytes(columns: number, outputs: number): number {
  const all = (columns + 1) * outputs + 1;
  return bytesOf(new Array<number>(7).fill(all)) + bytesOf([all], 4);
}

/**
 * One design for each of several outputs, below each other and beside each other, none of it written out: rows are those of the
 * first output, then the second's; column `j * outputs + k` is column j where the rows are of output k, and 0
 * elsewhere. The columns of ones are the last `outputs` ones, so that there is no further intercept.
 */
export function stackedDesign(base: Design, outputs: number, kernels: Kernels): Design {
  const { rows: n } = base;
  const total = (base.columns + 1) * outputs;
  const columns = kernels.integers(total + 1);
  const places = new Int32Array(total + 1);
  const starts = new Int32Array(outputs + 1);
  const buffers = Array.from({ length: 7 }, () => kernels.floats(total + 1));
  const [values] = buffers;
  const repeated = (each: Float64Array, last: number): Float64Array =>
    Float64Array.from({ length: total }, (_, c) => {
      const j = Math.floor(c / outputs);
      return j === base.columns ? last : each[j];
    });
  const rowsOf = (r: Float64Array, k: number): Float64Array => r.subarray(k * n, (k + 1) * n);

  /** Sorts coordinates by output: columns of the base, and where among `which` each stands. */
  function sort(which: Int32Array, count: number): void {
    starts.fill(0);
    for (let at = 0; at < count; at++) starts[(which[at] % outputs) + 1]++;
    for (let k = 0; k < outputs; k++) starts[k + 1] += starts[k];
    for (let at = 0; at < count; at++) {
      const place = starts[which[at] % outputs]++;
      columns[place] = Math.floor(which[at] / outputs);
      places[place] = at;
    }
    for (let k = outputs; k > 0; k--) starts[k] = starts[k - 1];
    starts[0] = 0;
  }

  /** Calls for each output that some coordinates are of. */
  function each(
    which: Int32Array,
    count: number,
    use: (k: number, own: Int32Array, size: number, from: number) => void,
  ): void {
    sort(which, count);
    for (let k = 0; k < outputs; k++) {
      const [from, to] = [starts[k], starts[k + 1]];
      if (to > from) use(k, columns.subarray(from, to), to - from, from);
    }
  }

  const scatter = (count: number, out: Float64Array): void => {
    for (let place = 0; place < count; place++) out[places[place]] = values[place];
  };

  return {
    rows: n * outputs,
    columns: total,
    center: repeated(base.center, 0),
    scale: repeated(base.scale, 1),
    outputs,
    dense: base.dense,
    correlate(which, count, r, out) {
      each(which, count, (k, own, size, from) => base.correlate(own, size, rowsOf(r, k), values.subarray(from)));
      scatter(count, out);
    },
    combine(which, count, coefficients, out) {
      each(which, count, (k, own, size, from) => {
        for (let place = from; place < from + size; place++) values[place] = coefficients[places[place]];
        base.combine(own, size, values.subarray(from), rowsOf(out, k));
      });
    },
    squares(which, count, weights, out) {
      each(which, count, (k, own, size, from) => base.squares(own, size, rowsOf(weights, k), values.subarray(from)));
      scatter(count, out);
    },
    weighted(c, by, out) {
      const k = c % outputs;
      out.fill(0);
      base.weighted(Math.floor(c / outputs), rowsOf(by, k), rowsOf(out, k));
    },
    descendResidual({ members, residual, curvature, ...model }, size) {
      const given = [model.b, model.diagonal, model.inverse, model.l1, model.lower, model.upper];
      let largest = 0;
      each(members, size, (k, own, count, from) => {
        given.forEach((array, a) => {
          for (let i = 0; i < count; i++) buffers[a + 1][from + i] = array[places[from + i]];
        });
        const [b, diagonal, inverse, l1, lower, upper] = buffers.slice(1).map((buffer) => buffer.subarray(from));
        const change = base.descendResidual(
          {
            ...{ b, diagonal, inverse, l1, lower, upper },
            members: own,
            residual: rowsOf(residual, k),
            curvature: rowsOf(curvature, k),
          },
          count,
        );
        for (let i = 0; i < count; i++) model.b[places[from + i]] = b[i];
        largest = Math.max(largest, change);
      });
      return largest;
    },
  };
}
