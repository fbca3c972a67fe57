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
