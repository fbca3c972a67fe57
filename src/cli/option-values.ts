import { InvalidArgumentError } from 'commander';

/** Reads an option that is a whole number within limits. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text.trim()) || value < least || value > most) {
      throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}

/** Reads an option that names a plot to write. */
export function svgFile(path: string): string {
  if (!/\.svg$/i.test(path)) throw new InvalidArgumentError('Plots are SVG: name it *.svg.');
  return path;
}

/** Reads an option that is a share of a whole. */
export function shareOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new InvalidArgumentError('It is a share from 0 to 1.');
  return value;
}

/** Reads an option that is a length of time, as seconds: `90s`, `20m`, `1.5h`, `30d`; a number alone is seconds. */
export function duration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(s|m|min|h|d)?$/.exec(text.trim());
  const seconds =
    match === null ? 0 : Number(match[1]) * { s: 1, m: 60, min: 60, h: 3600, d: 86_400 }[match[2] ?? 's']!;
  if (!(seconds > 0)) throw new InvalidArgumentError('It is a time such as 90s, 20m, 2h or 30d.');
  return seconds;
}

/** Reads an option that is an amount of money. */
export function money(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0) || !Number.isFinite(value)) {
    throw new InvalidArgumentError('It is an amount above 0.');
  }
  return value;
}

/** Reads an option that names a page to write. */
export function htmlFile(path: string): string {
  if (!/\.html?$/i.test(path)) throw new InvalidArgumentError('Reports are HTML: name it *.html.');
  return path;
}

/** Reads an option that is a number above 0. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It is a number above 0.');
  }
  return value;
}

/** Reads an option that counts something: a number of at least 0. */
export function count(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('It is a number of at least 0.');
  }
  return value;
}

/** Reads an option that is a number strictly between 0 and 1. */
export function between01(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && value < 1)) {
    throw new InvalidArgumentError('It is a number above 0 and below 1.');
  }
  return value;
}

/** Reads an option that is a list of names: `age,income`. */
export function names(text: string): string[] {
  const list = text.split(',').map((name) => name.trim());
  if (list.some((name) => name === '')) throw new InvalidArgumentError('It is a list of names, with commas between.');
  return list;
}

/** Reads an option that gives numbers to names: `age=0,city=2`. A name may hold "=": the last one counts. */
export function numbersByName(text: string): Record<string, number> {
  return Object.fromEntries(
    names(text).map((entry) => {
      const at = entry.lastIndexOf('=');
      const value = Number(entry.slice(at + 1));
      if (at < 1 || entry.slice(at + 1).trim() === '' || !Number.isFinite(value)) {
        throw new InvalidArgumentError('It is a list such as age=0,city=2.');
      }
      return [entry.slice(0, at), value];
    }),
  );
}

/** Reads an option that names groups: `place=city+street,person=age+sex`. */
export function namesByGroup(text: string): Record<string, string[]> {
  return Object.fromEntries(
    names(text).map((entry) => {
      const [group, ...rest] = entry.split('=');
      const members = rest.join('=').split('+');
      if (rest.length === 0 || group === '' || members.some((name) => name.trim() === '')) {
        throw new InvalidArgumentError('It is a list such as place=city+street,person=age+sex.');
      }
      return [group.trim(), members.map((name) => name.trim())];
    }),
  );
}
