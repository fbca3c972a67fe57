import { MISSING_INTEGER } from '../../data/preprocess/feature-block.js';
import { parseSeen, SEEN_KEY, type SeenColumn } from '../../data/seen-values.js';
import { BallastError } from '../../errors.js';
import { sizeOf, type Tensor } from '../../graph/index.js';
import type { RowColumns } from '../model/columns.js';
import type { LoadedModel, Tensors } from '../worker/messages.js';

/** What is done about a value that a check finds. */
export type Policy = 'off' | 'flag' | 'clip' | 'reject';

/** What is done about values that a model was not trained on. */
export interface InputPolicies {
  /** A number outside of the range of training; `clip` takes its nearest end. */
  readonly range: Policy;
  /** A category that training did not have. */
  readonly unseen: Exclude<Policy, 'clip'>;
  /** No value in a column that always had one. */
  readonly missing: Exclude<Policy, 'clip'>;
  /** An infinite number. */
  readonly infinite: Exclude<Policy, 'clip'>;
}

export const DEFAULT_POLICIES: InputPolicies = { range: 'flag', unseen: 'flag', missing: 'flag', infinite: 'reject' };

/** What the checks made of a request. */
export interface CheckedFeeds {
  readonly feeds: Tensors;
  /** Of each row that something was found in, as `COLUMN: check`. */
  readonly flags: readonly (readonly string[])[];
}

interface Check {
  readonly column: string;
  readonly seen: SeenColumn | undefined;
  readonly categories: ReadonlySet<string> | undefined;
}

/** Compares what is asked with what a model was trained on, as its metadata tell it. */
export class InputChecks {
  readonly #policies: InputPolicies;
  readonly #checks: ReadonlyMap<string, Check>;

  /** @throws BallastError `MODEL_METADATA` */
  constructor({ inputs, metadata }: LoadedModel, columns: RowColumns, policies: InputPolicies) {
    const text = metadata[SEEN_KEY];
    const seen = text === undefined ? [] : parseSeen(text);
    if (seen === undefined) throw damaged();
    this.#policies = policies;
    this.#checks = new Map(
      inputs.map(({ name }) => {
        const column = columns.columnOf(name);
        const own = seen.find((each) => each.column === column);
        return [name, { column, seen: own, categories: own?.categories && new Set(own.categories) }];
      }),
    );
  }

  /** @throws BallastError `INPUT_REFUSED` */
  apply(feeds: Tensors): CheckedFeeds {
    const flags: string[][] = [];
    const clipped: Record<string, Tensor> = {};
    for (const [input, tensor] of Object.entries(feeds)) {
      const check = this.#checks.get(input);
      if (check === undefined) continue;
      const changed = isNumeric(tensor)
        ? this.#checkNumbers(check, tensor, flags)
        : this.#checkTexts(check, tensor, flags);
      if (changed !== undefined) clipped[input] = changed;
    }
    return { feeds: Object.keys(clipped).length === 0 ? feeds : { ...feeds, ...clipped }, flags };
  }

  #checkNumbers({ column, seen }: Check, tensor: Tensor, flags: string[][]): Tensor | undefined {
    const { type, shape, data } = tensor;
    const width = shape.length === 0 ? 1 : Math.max(1, sizeOf(shape.slice(1)));
    const round = type === 'float32' ? Math.fround : (value: number) => value;
    const [low, high] = seen?.range?.map(round) ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    let clipped: Float32Array | undefined;
    for (let i = 0; i < data.length; i++) {
      const value = data[i] === MISSING_INTEGER ? Number.NaN : Number(data[i]);
      const row = Math.floor(i / width);
      if (Number.isNaN(value)) {
        if (seen?.missing === false)
          this.#found('missing', column, row, 'no value, and training always had one', flags);
      } else if (!Number.isFinite(value)) {
        this.#found('infinite', column, row, `${value}`, flags);
      } else if (value < low || value > high) {
        this.#found('range', column, row, `${value} is outside of ${low} to ${high}, the range of training`, flags);
        if (this.#policies.range !== 'clip') continue;
        // A copy of whichever class holds the type.
        clipped ??= (data as Float32Array).slice();
        const end = value < low ? low : high;
        (clipped as { [at: number]: number | bigint })[i] = typeof data[i] === 'bigint' ? BigInt(Math.round(end)) : end;
      }
    }
    return clipped === undefined ? undefined : { type, shape, data: clipped };
  }

  #checkTexts({ column, seen, categories }: Check, { data }: Tensor, flags: string[][]): undefined {
    for (let row = 0; row < data.length; row++) {
      const value = String(data[row]);
      if (value === '') {
        if (seen?.missing === false)
          this.#found('missing', column, row, 'no value, and training always had one', flags);
      } else if (categories?.has(value) === false) {
        this.#found('unseen', column, row, `training had no "${value.slice(0, 60)}"`, flags);
      }
    }
  }

  #found(check: keyof InputPolicies, column: string, row: number, message: string, flags: string[][]): void {
    const policy = this.#policies[check];
    if (policy === 'off') return;
    if (policy === 'reject') {
      throw new BallastError(message, {
        code: 'INPUT_REFUSED',
        place: `input ${column}, row ${row}`,
        remedy: `The check "${check}" of this server rejects it.`,
      });
    }
    while (flags.length <= row) flags.push([]);
    const flag = `${column}: ${check}`;
    if (!flags[row].includes(flag)) flags[row].push(flag);
  }
}

const isNumeric = ({ type }: Tensor): boolean =>
  type !== 'string' && type !== 'float16' && type !== 'bfloat16' && type !== 'bool';

function damaged(): BallastError {
  return new BallastError(`The metadata entry ${SEEN_KEY} of the model is not what Ballast writes there`, {
    code: 'MODEL_METADATA',
    remedy: 'Export the model again.',
  });
}
