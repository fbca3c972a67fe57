import type { Tensor } from '../../graph/tensor.js';

/** How far one tensor is from another that it should equal, gathered over batches. */
export class Distance {
  #signal = 0;
  #noise = 0;
  #product = 0;
  #other = 0;
  #largest = 0;
  #elements = 0;
  #notFinite = 0;
  #rows = 0;
  #agreeing = 0;
  #scores = true;

  add(expected: Tensor, found: Tensor): void {
    const [a, b] = [expected.data as ArrayLike<number | bigint>, found.data as ArrayLike<number | bigint>];
    for (let i = 0; i < a.length; i++) {
      const x = Number(a[i]);
      const y = Number(b[i]);
      const difference = y - x;
      if (difference - difference !== 0) {
        // Equal infinities are no difference.
        if (x !== y) this.#notFinite++;
        continue;
      }
      this.#signal += x * x;
      this.#noise += difference * difference;
      this.#product += x * y;
      this.#other += y * y;
      if (Math.abs(difference) > this.#largest) this.#largest = Math.abs(difference);
    }
    this.#elements += a.length;
    this.#agree(expected, found);
  }

  /** Rows whose largest score is at the same place, where the tensor is one of scores. */
  #agree({ shape, data }: Tensor, found: Tensor): void {
    const width = shape.at(-1) ?? 1;
    if (shape.length !== 2 || width < 2) {
      this.#scores = false;
      return;
    }
    const [a, b] = [data as Float32Array, found.data as Float32Array];
    for (let from = 0; from < a.length; from += width) {
      this.#rows++;
      if (largestAt(a, from, width) === largestAt(b, from, width)) this.#agreeing++;
    }
  }

  summary(): DistanceSummary {
    const { rows, agreeing } = { rows: this.#rows, agreeing: this.#agreeing };
    return {
      sqnrDb: this.#noise === 0 ? null : 10 * Math.log10(this.#signal / this.#noise),
      cosine: this.#product / Math.sqrt(Math.max(this.#signal * this.#other, Number.MIN_VALUE)),
      largest: this.#largest,
      elements: this.#elements,
      notFinite: this.#notFinite,
      ...(this.#scores && rows > 0 ? { agreement: agreeing / rows } : {}),
    };
  }
}

export interface DistanceSummary {
  /** Signal to noise, 10 log10 (sum x^2 / sum (y - x)^2); null where there is no difference at all. */
  readonly sqnrDb: number | null;
  readonly cosine: number;
  /** Largest absolute difference. */
  readonly largest: number;
  readonly elements: number;
  /** Elements that are NaN or infinite on one side only. */
  readonly notFinite: number;
  /** Share of rows whose largest score is at the same place; only of tensors [rows, scores]. */
  readonly agreement?: number;
}

function largestAt(values: Float32Array, from: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (values[from + i] > values[from + best]) best = i;
  return best;
}
