import { derive } from '../../numeric/index.js';

/**
 * Draws `count` of some rows without replacement, each with a probability in proportion to its size, 1 at most (systematic sampling in
 * random order; Madow 1949).
 *
 * @param sizes above 0
 * @returns places, ascending, and the probability that each had
 */
export function drawBySize(
  sizes: readonly number[],
  count: number,
  seed: number,
): { place: number; probability: number }[] {
  const probabilities = inclusion(sizes, Math.min(count, sizes.length));
  const random = derive(seed, 'label sample');
  const order = random.shuffle(Int32Array.from({ length: sizes.length }, (_, place) => place));
  const start = random.uniform();
  const drawn: { place: number; probability: number }[] = [];
  let [passed, next] = [0, start];
  for (const place of order) {
    passed += probabilities[place];
    // Sums of shares round: what is certain is drawn.
    if (passed > next || probabilities[place] === 1) {
      drawn.push({ place, probability: probabilities[place] });
      next += 1;
    }
  }
  return drawn.sort((a, b) => a.place - b.place);
}

/** Probabilities in proportion to sizes that sum to `count`, those above 1 cut to 1 and the rest raised. */
export function inclusion(sizes: readonly number[], count: number): Float64Array {
  const probabilities = new Float64Array(sizes.length);
  const certain = new Set<number>();
  for (;;) {
    let open = 0;
    sizes.forEach((size, place) => {
      if (!certain.has(place)) open += size;
    });
    const scale = (count - certain.size) / open;
    let more = false;
    sizes.forEach((size, place) => {
      const wanted = certain.has(place) ? 1 : size * scale;
      probabilities[place] = Math.min(1, wanted);
      if (wanted >= 1 && !certain.has(place)) {
        certain.add(place);
        more = wanted > 1 || more;
      }
    });
    if (!more || certain.size >= count) return probabilities;
  }
}
