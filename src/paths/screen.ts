import type { Design } from './design.js';
import { bytesOf, type Kernels, type Limits, type Projections } from './kernels/kernels.js';

/** Earlier residuals that are remembered; then all is looked at anew. */
const REMEMBERED = 128;
/** Fewer columns than this are all looked at each time. */
const FEW = 1000;

/**
 * Products of all columns outside the working set with the residual, as far as they matter. Each column remembers its
 * products with the last two residuals for which they were made; of the present residual, the part that those two span
 * is then known, and the length of the rest bounds the product. Most columns are so known to be within their limit without
 * being read. What may be beyond it is multiplied out.
 */
export class Screen {
  /** Products as far as they are known: exact for what was multiplied out, else estimates within the limit. */
  readonly products: Float64Array;
  readonly #design: Design;
  readonly #kernels: Kernels;
  readonly #projections: Projections | undefined;
  readonly #residuals: Float64Array;
  readonly #between = new Float64Array(REMEMBERED * REMEMBERED);
  readonly #users = new Int32Array(REMEMBERED * REMEMBERED);
  readonly #row: Float64Array;
  readonly #which: Int32Array;
  readonly #values: Float64Array;
  readonly #order: Int32Array;
  #last = -1;

  constructor(design: Design, kernels: Kernels) {
    const { columns: count, rows } = design;
    this.#design = design;
    this.#kernels = kernels;
    const projects = design.dense && Screen.#projects(rows, count);
    this.products = kernels.floats(count + 1);
    this.#which = kernels.integers(count + 1);
    this.#values = kernels.floats(count + 1);
    this.#residuals = kernels.floats(projects ? REMEMBERED * rows : 0);
    this.#row = kernels.floats(REMEMBERED);
    this.#order = kernels.integers(REMEMBERED);
    for (let t = 0; t < REMEMBERED; t++) this.#order[t] = t;
    this.#projections = projects
      ? {
          first: kernels.floats(count),
          second: kernels.floats(count),
          pairs: kernels.integers(count),
          norms: kernels.floats(count),
          table: kernels.floats(4 * REMEMBERED * REMEMBERED),
        }
      : undefined;
    if (this.#projections !== undefined) this.#measureColumns(this.#projections.norms);
  }

  /** Bytes that this takes of the kernels' memory. */
  static bytes(rows: number, columns: number): number {
    const always = bytesOf([columns + 1, columns + 1, REMEMBERED]) + bytesOf([columns + 1, REMEMBERED], 4);
    if (!Screen.#projects(rows, columns)) return always + 64;
    const table = 4 * REMEMBERED * REMEMBERED;
    return always + bytesOf([REMEMBERED * rows, columns, columns, columns, table]) + bytesOf([columns], 4);
  }

  static #projects(rows: number, columns: number): boolean {
    return columns >= FEW && columns > rows;
  }

  /**
   * Columns outside whose product with the residual is beyond their limit, until the next call; the kernels' memory.
   *
   * @param known exact products of the members, by place
   */
  sweep(residual: Float64Array, limits: Limits, members: Int32Array, known: Float64Array): Int32Array {
    const suspects = this.#suspects(residual, limits, members, known);
    this.#design.correlate(this.#which, suspects, residual, this.#values);
    let found = 0;
    for (let k = 0; k < suspects; k++) {
      const j = this.#which[k];
      const product = this.#values[k];
      this.products[j] = product;
      this.#remember(j, product);
      if (Math.abs(product) > limits.limit * limits.factors[j] * (1 + 1e-9)) this.#which[found++] = j;
    }
    return this.#which.subarray(0, found);
  }

  #suspects(residual: Float64Array, limits: Limits, members: Int32Array, known: Float64Array): number {
    const projections = this.#projections;
    if (projections === undefined) return this.#kernels.beyond(this.products, { ...limits, limit: 0 }, this.#which);
    const anew = this.#last === -1 || this.#last + 1 === REMEMBERED;
    this.#keep(residual, anew);
    for (let k = 0; k < members.length; k++) if (members[k] < limits.count) this.#remember(members[k], known[k]);
    if (anew) return this.#kernels.beyond(this.products, { ...limits, limit: 0 }, this.#which);
    this.#fillTable(projections.table);
    return this.#kernels.bound(projections, limits, this.products, this.#which);
  }

  /** Remembers a residual, and its products with the others. */
  #keep(residual: Float64Array, anew: boolean): void {
    const { rows } = this.#design;
    this.#last = anew ? 0 : this.#last + 1;
    const t = this.#last;
    if (anew) {
      this.#projections!.pairs.fill(0);
      this.#users.fill(0);
      this.#users[0] = this.#design.columns;
    }
    this.#residuals.set(residual, t * rows);
    const all = { data: this.#residuals, stride: rows, length: rows };
    this.#kernels.correlate(all, this.#order, t + 1, residual, this.#row);
    for (let s = 0; s <= t; s++) {
      this.#between[t * REMEMBERED + s] = this.#row[s];
      this.#between[s * REMEMBERED + t] = this.#row[s];
    }
  }

  /** A column's product with the last residual becomes the newer of its two. */
  #remember(j: number, product: number): void {
    const projections = this.#projections;
    if (projections === undefined) return;
    const { first, second, pairs } = projections;
    const before = pairs[j];
    const newer = before % REMEMBERED;
    if (newer !== this.#last) first[j] = second[j];
    second[j] = product;
    const pair = (newer === this.#last ? Math.floor(before / REMEMBERED) : newer) * REMEMBERED + this.#last;
    this.#users[before]--;
    this.#users[pair]++;
    pairs[j] = pair;
  }

  /** For each pair that a column remembers: the last residual's projection on both, and the length of what is left. */
  #fillTable(table: Float64Array): void {
    const t = this.#last;
    const between = this.#between;
    const own = between[t * REMEMBERED + t];
    const slack = 1e-7 * Math.sqrt(own);
    for (let older = 0; older <= t; older++) {
      for (let newer = older; newer <= t; newer++) {
        const pair = older * REMEMBERED + newer;
        if (this.#users[pair] === 0) continue;
        const [oo, on, nn] = [between[older * REMEMBERED + older], between[pair], between[newer * REMEMBERED + newer]];
        const [ot, nt] = [between[older * REMEMBERED + t], between[newer * REMEMBERED + t]];
        const determinant = oo * nn - on * on;
        let [a, b] = [0, nn > 0 ? nt / nn : 0];
        if (determinant > 1e-10 * oo * nn) {
          a = (nn * ot - on * nt) / determinant;
          b = (oo * nt - on * ot) / determinant;
        }
        const rest = own - 2 * (a * ot + b * nt) + a * a * oo + 2 * a * b * on + b * b * nn;
        table[4 * pair] = a;
        table[4 * pair + 1] = b;
        table[4 * pair + 2] = Math.sqrt(Math.max(0, rest)) + slack;
      }
    }
  }

  #measureColumns(norms: Float64Array): void {
    const count = norms.length;
    for (let j = 0; j < count; j++) this.#which[j] = j;
    // The residual that is kept first is written later: until then its place serves as weights of one.
    const ones = this.#residuals.subarray(0, this.#design.rows).fill(1);
    this.#design.squares(this.#which, count, ones, norms);
    for (let j = 0; j < count; j++) norms[j] = Math.sqrt(norms[j]);
  }
}
