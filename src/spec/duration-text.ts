import { BallastError } from '../errors.js';

const UNITS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** A length of time as specs write it: a whole number and one of s, m, h, d, w. */
export const DURATION = /^[1-9]\d{0,6}[smhdw]$/;

/** The length of `30d`, `5m`, ... in ms. @throws BallastError `DURATION_INVALID` */
export function milliseconds(text: string): number {
  if (!DURATION.test(text)) {
    throw new BallastError('this is no length of time', {
      code: 'DURATION_INVALID',
      value: text,
      remedy: 'Write a whole number and one of s, m, h, d, w: 5m, 30d',
    });
  }
  return Number(text.slice(0, -1)) * UNITS[text.slice(-1) as keyof typeof UNITS];
}

/** A length in ms as the shortest such text: 3600000 is `1h`. */
export function durationText(ms: number): string {
  const [unit, size] = (Object.entries(UNITS) as [keyof typeof UNITS, number][])
    .filter(([name]) => name !== 'w')
    .reverse()
    .find(([, each]) => ms % each === 0) ?? ['s', 1000];
  return `${Math.round(ms / size)}${unit}`;
}
