/** How numbers are written on axes, in tooltips and in tables: short, unambiguous, the same everywhere. */

export type NumberFormat = 'number' | 'integer' | 'percent' | 'points';

const MINUS = '\u2212';
const SI_PREFIXES = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

/**
 * One value to read. `number`: `significant` digits, thousands grouped below 100,000 and SI prefixes above, scientific
 * below 0.001. `percent`: 0.0312 -> `3.1%`. `points`: percentage points, 0.0312 -> `3.1 pts`. `integer`: grouped.
 * Not a number is an en dash.
 */
export function formatNumber(value: number, format: NumberFormat = 'number', significant = 3): string {
  if (Number.isNaN(value)) return '\u2013';
  if (!Number.isFinite(value)) return value > 0 ? '\u221e' : `${MINUS}\u221e`;
  const sign = value < 0 ? MINUS : '';
  // Only a percentage of a number near the largest one overflows.
  const size = Math.min(Math.abs(value), Number.MAX_VALUE / 100);
  if (format === 'percent' || format === 'points') {
    const unit = format === 'percent' ? '%' : '\u00a0pts';
    return `${signUnlessZero(sign, percentDigits(size * 100))}${unit}`;
  }
  if (format === 'integer')
    return signUnlessZero(sign, size < 1e5 ? group(size.toFixed(0)) : prefixed(size, significant));
  return sign + plain(size, significant);
}

/** A signed value, as differences are written: `+3.1 pts`, `−0.02`. */
export function formatSigned(value: number, format: NumberFormat = 'number', significant = 3): string {
  const text = formatNumber(value, format, significant);
  return value > 0 && /[1-9\u221e]/.test(text) ? `+${text}` : text;
}

/** Labels for the ticks of one axis: as many decimals as the step between them needs, one unit for all. */
export function formatTicks(ticks: readonly number[], format: NumberFormat = 'number'): string[] {
  const shown = format === 'percent' || format === 'points' ? ticks.map((tick) => tick * 100) : ticks;
  const largest = Math.max(0, ...shown.map(Math.abs));
  const step = smallestStep(shown);
  const unit = format === 'percent' ? '%' : '';
  if (largest >= 1e15 || (largest > 0 && largest < 1e-3)) return shown.map((tick) => exponential(tick, 2) + unit);
  const [scale, prefix] = largest >= 1e4 ? (SI_PREFIXES.find(([size]) => largest >= size) ?? [1, '']) : [1, ''];
  const decimals = decimalsOf(step / scale);
  return shown.map((tick) => {
    if (tick === 0) return `0${unit}`;
    const text = trimZeros((Math.abs(tick) / scale).toFixed(decimals), decimals);
    return (tick < 0 ? MINUS : '') + text + prefix + unit;
  });
}

/** Labels for the ticks of a logarithmic axis, each on its own scale: `0.001`, `1`, `10k`, `1e−9`. */
export function formatLogTick(tick: number, format: NumberFormat = 'number'): string {
  const value = format === 'percent' ? tick * 100 : tick;
  const unit = format === 'percent' ? '%' : '';
  if (value < 1e-4 || value >= 1e15) return exponential(value, 1) + unit;
  const text = plain(value, 2);
  return (/[a-zA-Z]/.test(text) ? text : trimZeros(text, 2)) + unit;
}

/** Bytes in binary units: `1.4 MiB`. */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes) || bytes < 0) return '\u2013';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = bytes;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit++;
  }
  return `${unit === 0 ? group(scaled.toFixed(0)) : trimZeros(scaled.toPrecision(scaled >= 1000 ? 4 : 3), 3)}\u00a0${units[unit]}`;
}

/** Seconds as people say them: `42 ms`, `3.4 s`, `2 min 5 s`, `1 h 12 min`. */
export function formatSeconds(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '\u2013';
  if (seconds < 0.9995) return `${trimZeros((seconds * 1000).toPrecision(seconds < 0.001 ? 2 : 3), 3)}\u00a0ms`;
  if (seconds < 60) return `${trimZeros(seconds.toPrecision(3), 3)}\u00a0s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00a0min ${whole % 60}\u00a0s`;
  return `${group(String(Math.floor(whole / 3600)))}\u00a0h ${Math.floor((whole % 3600) / 60)}\u00a0min`;
}

/** Percentages keep one decimal, two below 1 %, none from 100 on. */
function percentDigits(percent: number): string {
  if (percent === 0) return '0';
  if (percent >= 1e6) return plain(percent, 3);
  if (percent >= 99.95) return group(percent.toFixed(percent < 100 ? 1 : 0));
  return percent.toFixed(percent < 0.995 ? 2 : 1);
}

function plain(size: number, significant: number): string {
  if (size === 0) return '0';
  if (size < 9.995e-4 || size >= 1e15) return exponential(size, significant);
  if (size >= 1e5) return prefixed(size, significant);
  const decimals = Math.max(0, significant - 1 - Math.floor(Math.log10(size)));
  const [whole = '0', rest] = size.toFixed(decimals).split('.');
  return group(whole) + (rest === undefined ? '' : `.${rest}`);
}

function prefixed(size: number, significant: number): string {
  const [scale, prefix] = SI_PREFIXES.find(([limit]) => size >= limit) ?? [1, ''];
  if (size >= 1e15) return exponential(size, significant);
  const scaled = size / scale;
  const decimals = Math.max(0, significant - 1 - Math.floor(Math.log10(scaled)));
  return trimZeros(scaled.toFixed(decimals), decimals) + prefix;
}

function exponential(value: number, significant: number): string {
  if (value === 0) return '0';
  const [mantissa = '', exponent = '0'] = Math.abs(value)
    .toExponential(Math.max(0, significant - 1))
    .split('e');
  return `${value < 0 ? MINUS : ''}${trimZeros(mantissa, significant)}e${exponent.replace('+', '').replace('-', MINUS)}`;
}

/** Decimals that write `step` exactly, at most 8. */
function decimalsOf(step: number): number {
  const least = Math.min(8, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  for (let decimals = least; decimals < 8; decimals++) {
    const shifted = step * 10 ** decimals;
    if (Math.abs(shifted - Math.round(shifted)) < 1e-6 * shifted) return decimals;
  }
  return Math.min(8, least + 1);
}

function smallestStep(ticks: readonly number[]): number {
  let step = Number.POSITIVE_INFINITY;
  for (let index = 1; index < ticks.length; index++) {
    const difference = Math.abs((ticks[index] ?? 0) - (ticks[index - 1] ?? 0));
    if (difference > 0) step = Math.min(step, difference);
  }
  return Number.isFinite(step) ? step : Math.max(1e-12, Math.abs(ticks[0] ?? 1) / 100);
}

function trimZeros(text: string, decimals: number): string {
  return decimals > 0 && text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

function signUnlessZero(sign: string, text: string): string {
  return /[1-9]/.test(text) ? sign + text : text;
}

function group(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}
