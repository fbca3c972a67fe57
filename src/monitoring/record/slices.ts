import type { Observation } from '../../store/index.js';

/** Values of one name that are slices of their own, in one process; the others are `NAME=(others)`. */
const MOST_VALUES = 50;
/** Names of metadata that slices are made by. */
const MOST_NAMES = 8;
const LONGEST = 100;

/**
 * The slices that observations are counted in: one per name and value of their metadata, in bounded number, whatever clients send.
 * `client`, which names whoever asks, makes none.
 */
export class Slices {
  readonly #values = new Map<string, Set<string>>();

  of({ metadata }: Observation): string[] {
    const slices: string[] = [];
    for (const [name, value] of Object.entries(metadata)) {
      if (name === 'client') continue;
      let known = this.#values.get(name);
      if (known === undefined) {
        if (this.#values.size === MOST_NAMES) continue;
        known = new Set();
        this.#values.set(name, known);
      }
      const fits = value.length <= LONGEST && (known.has(value) || known.size < MOST_VALUES);
      if (fits) known.add(value);
      slices.push(`${name}=${fits ? value : '(others)'}`);
    }
    return slices;
  }
}
