/** Bytes for reading: `1.27 MB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** A time for reading: `3.21 ms`, `42 us`. */
export function milliseconds(ms: number): string {
  return ms < 0.1 ? `${(1000 * ms).toPrecision(2)} us` : `${ms.toPrecision(3)} ms`;
}
