/** Rows per statement: far below both databases' limits of parameters, large enough for speed. */
const ROWS_PER_STATEMENT = 500;

/** An array in pieces that fit one SQL statement. */
export function* batches<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += ROWS_PER_STATEMENT) {
    yield items.slice(from, from + ROWS_PER_STATEMENT);
  }
}
