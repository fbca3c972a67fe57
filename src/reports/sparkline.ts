const BLOCKS = [...'\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588'];

/**
 * A curve in one line of block characters, from the lowest value to the highest of `range` (by default of the values
 * themselves). Longer curves are averaged into `width` columns; a column without a finite value is a space.
 */
export function sparkline(values: readonly number[], width = 24, range?: readonly [number, number]): string {
  const columns = Math.max(1, Math.min(Math.floor(width), values.length));
  const means = Array.from({ length: values.length === 0 ? 0 : columns }, (_, column) => {
    const from = Math.floor((column * values.length) / columns);
    const to = Math.floor(((column + 1) * values.length) / columns);
    const finite = values.slice(from, to).filter(Number.isFinite);
    // A running mean: the sum of huge values would overflow.
    return finite.length === 0
      ? Number.NaN
      : finite.reduce((mean, value, index) => mean + (value / (index + 1) - mean / (index + 1)), 0);
  });
  const finite = means.filter(Number.isFinite);
  const [low, high] = range ?? [Math.min(...finite), Math.max(...finite)];
  return means
    .map((mean) => {
      if (!Number.isFinite(mean)) return ' ';
      const height = high > low ? (mean / 2 - low / 2) / (high / 2 - low / 2) : 0.5;
      const level = Math.floor(Math.min(1, Math.max(0, height)) * BLOCKS.length);
      return BLOCKS[Math.min(BLOCKS.length - 1, level)] ?? ' ';
    })
    .join('');
}
