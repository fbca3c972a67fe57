export function figure(value: unknown): string {
  if (typeof value !== 'number') return value === undefined || value === null ? '' : String(value);
  return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : String(Number(value.toPrecision(4)));
}

export function time(text: string | undefined): string {
  return text === undefined ? '' : text.slice(0, 16).replace('T', ' ');
}

export function bytes(size: number): string {
  const unit = ['B', 'kB', 'MB', 'GB'];
  let at = 0;
  let value = size;
  while (value >= 1000 && at < unit.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${Number(value.toPrecision(3))} ${unit[at]}`;
}

/** A share as a percentage, with as many digits as it takes to tell it from 0 and from 100 %. */
export function percent(share: number | null | undefined): string {
  if (share === null || share === undefined) return '–';
  const rest = Math.min(Math.abs(share), Math.abs(1 - share));
  const digits = rest === 0 ? 0 : Math.min(4, Math.max(1, -Math.floor(Math.log10(rest)) - 1));
  return `${Number((100 * share).toFixed(digits))} %`;
}

/** A moment at the end of an axis: the day, or the time of day. */
export const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);
export const hourText = (at: number): string => new Date(at).toISOString().slice(11, 16);

/** `48 s`, `12 min`, `3.4 h` */
export function duration(seconds: number): string {
  if (seconds < 120) return `${Number(seconds.toPrecision(seconds < 10 ? 2 : 3))} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Number((seconds / 3600).toPrecision(2))} h`;
}

/** A value of a spec, as it is written. */
export function specValue(value: unknown): string {
  if (value === undefined) return '–';
  return typeof value === 'number' ? String(Number(value.toPrecision(3))) : JSON.stringify(value);
}

/** `0.91 to 0.95` */
export const rangeText = (interval: readonly [number, number] | undefined): string =>
  interval === undefined ? '' : `${figure(interval[0])} to ${figure(interval[1])}`;

/** A key of a spec without what the keys of strengths have in common. */
export const shortName = (key: string): string => key.replace(/^regularizers\./, '');
