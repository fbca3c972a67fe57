import { extent } from 'd3-array';
import { scaleLinear, scaleLog } from 'd3-scale';
import { formatLogTick, formatTicks, type NumberFormat } from './number-format.js';

/** How one axis is laid out. */
export interface AxisOptions {
  /** What is measured, with its unit. */
  label?: string;
  /** `log` drops values that are not positive; with none left the axis is linear. */
  scale?: 'linear' | 'log';
  format?: NumberFormat;
  /** Fixed end points instead of those of the data. */
  domain?: readonly [number, number];
  /** Whether zero is always on the axis; bars need it. */
  zero?: boolean;
  /** Further values that must be on the axis, so that charts side by side share one. */
  include?: readonly number[];
  /** Whether the axis ends at the data instead of at round numbers. */
  tight?: boolean;
}

export interface Tick {
  value: number;
  label: string;
}

/** An axis before its place on the page is known: the domain and ticks do not depend on the size of the plot. */
export interface ValueScale {
  kind: 'linear' | 'log';
  domain: readonly [number, number];
  ticks: readonly Tick[];
  format: NumberFormat;
  label: string | undefined;
  /** Whether a value can be drawn: finite, and positive on a logarithmic axis. */
  drawable(value: number): boolean;
  /** The position of values between `start` and `end`; values outside the domain are held at its ends. */
  project(start: number, end: number): (value: number) => number;
}

/** Larger numbers are drawn at this one: differences beyond it overflow. */
const LARGEST = 1e300;
/** Spans below this cannot be divided into ticks. */
const SMALLEST_SPAN = 1e-290;

/**
 * A linear or logarithmic scale over the finite ones of `values`, its ends rounded to ticks. Never fails: without any
 * finite value it runs from 0 to 1, around a single value it leaves room on both sides.
 */
export function valueScale(values: Iterable<number>, options: AxisOptions = {}, tickCount = 5): ValueScale {
  const finite: number[] = [];
  for (const value of values) if (Number.isFinite(value)) finite.push(clampSize(value));
  for (const value of options.include ?? []) if (Number.isFinite(value)) finite.push(clampSize(value));
  const format = options.format ?? 'number';
  const positive = options.scale === 'log' ? finite.filter((value) => value >= 1e-300) : [];
  if (positive.length > 0) return logScale(positive, options, format, tickCount);
  return linearScale(finite, options, format, tickCount);
}

function linearScale(values: number[], options: AxisOptions, format: NumberFormat, tickCount: number): ValueScale {
  const fixed = fixedDomain(options.domain);
  const [low, high] = fixed ?? spread(values, options.zero === true, format);
  const scale = scaleLinear().domain([low, high]);
  if (fixed === undefined && options.tight !== true) scale.nice(tickCount);
  const [start = 0, end = 1] = scale.domain();
  const candidates = scale.ticks(tickCount);
  const tickValues = format === 'integer' ? candidates.filter(Number.isInteger) : candidates;
  const labels = formatTicks(tickValues, format);
  return {
    kind: 'linear',
    domain: [start, end],
    ticks: tickValues.map((value, index) => ({ value, label: labels[index] ?? '' })),
    format,
    label: options.label,
    drawable: (value) => Number.isFinite(value),
    project: (from, to) => {
      const position = scaleLinear().domain([start, end]).range([from, to]).clamp(true);
      return (value) => position(clampSize(value));
    },
  };
}

function logScale(values: number[], options: AxisOptions, format: NumberFormat, tickCount: number): ValueScale {
  const fixed = fixedDomain(options.domain);
  const [dataLow = 1, dataHigh = 10] = fixed !== undefined && fixed[0] > 0 ? fixed : extent(values);
  const low = dataLow === dataHigh ? dataLow / 2 : dataLow;
  const high = dataLow === dataHigh ? dataHigh * 2 : dataHigh;
  const decades = Math.log10(high) - Math.log10(low);
  const scale = scaleLog().domain([low, high]);
  if (fixed === undefined && options.tight !== true && decades > 0.7) scale.nice();
  const [start = low, end = high] = scale.domain();
  const position = (from: number, to: number) => {
    const place = scaleLog().domain([start, end]).range([from, to]).clamp(true);
    return (value: number) => place(clampSize(value));
  };
  return {
    kind: 'log',
    domain: [start, end],
    ticks: logTicks(start, end, tickCount).map((value) => ({ value, label: formatLogTick(value, format) })),
    format,
    label: options.label,
    drawable: (value) => Number.isFinite(value) && value >= 1e-300,
    project: position,
  };
}

/** Powers of ten; between few of them also their doubles and fivefolds; within less than a decade, even steps. */
function logTicks(low: number, high: number, count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const powers = last - first + 1;
  if (powers < 2)
    return scaleLinear()
      .domain([low, high])
      .ticks(count)
      .filter((tick) => tick > 0);
  const stride = Math.max(1, Math.ceil(powers / (count + 1)));
  const steps = powers <= 2 ? [1, 2, 5] : powers * 2 <= count ? [1, 3] : [1];
  const ticks: number[] = [];
  for (let power = first - 1; power <= last; power++) {
    if ((power - first) % stride !== 0) continue;
    for (const step of steps) {
      const tick = step * 10 ** power;
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick);
    }
  }
  return ticks;
}

function spread(values: readonly number[], zero: boolean, format: NumberFormat): [number, number] {
  let [low, high] = extent(values);
  if (low === undefined || high === undefined) return [0, 1];
  if (zero) {
    low = Math.min(0, low);
    high = Math.max(0, high);
  }
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > Math.max(size * 1e-10, SMALLEST_SPAN)) return [low, high];
  if (size < SMALLEST_SPAN) return format === 'integer' ? [0, 10] : [0, 1];
  return low === 0 || high === 0 ? [Math.min(0, low), Math.max(0, high)] : [low - size * 0.1, high + size * 0.1];
}

function fixedDomain(domain: readonly [number, number] | undefined): [number, number] | undefined {
  if (domain === undefined) return undefined;
  const [low, high] = [clampSize(domain[0]), clampSize(domain[1])];
  return high - low > SMALLEST_SPAN ? [low, high] : undefined;
}

function clampSize(value: number): number {
  return Math.min(LARGEST, Math.max(-LARGEST, value));
}
