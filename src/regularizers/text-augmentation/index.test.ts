import { describe, expect, it } from 'vitest';
import { computed, stepContext } from '../../../test/support/computed.js';
import type { Inputs } from '../../../test/support/training-problem.js';
import { float32, int64 } from '../../graph/tensor.js';
import { resolveEntry } from '../resolve.js';
import { textAugmentation } from './index.js';

const [ROWS, LENGTH, PADDING, MASK] = [300, 40, 7, 5];
const INPUTS: Inputs = [
  { name: 'x', content: 'tokens', type: 'int64', shape: [LENGTH], special: { padding: PADDING, mask: MASK } },
];
const NONE = { dropout: 0, swap: 0, span: 0 };
/** Every token tells its place; each row ends in some padding. */
const wordsOf = (row: number): number => LENGTH - (row % 10);
const TEXTS = Array.from({ length: ROWS * LENGTH }, (_, i) =>
  i % LENGTH < wordsOf(Math.floor(i / LENGTH)) ? 100 + (i % LENGTH) : PADDING,
);

async function augmented(
  options: Record<string, unknown>,
  { strength = 1, texts = TEXTS }: { strength?: number; texts?: readonly number[] } = {},
): Promise<number[][]> {
  const entry = resolveEntry({ type: 'text-augmentation', ...options }, 'here');
  const given = entry.options as Parameters<NonNullable<typeof textAugmentation.hooks.batch>>[1];
  const t = float32([ROWS, 1], new Float32Array(ROWS));
  const { y } = await computed({ x: int64([ROWS, LENGTH], texts), s: float32([], [strength]), t }, (computation) => {
    const { inputs } = computation;
    const context = stepContext(computation, inputs.s, { inputs: INPUTS, batchSize: ROWS });
    const result = textAugmentation.hooks.batch!(context, given, { inputs: { x: inputs.x }, target: inputs.t });
    expect(result.target).toBe(inputs.t);
    return { y: result.inputs.x };
  });
  return Array.from({ length: ROWS }, (_, row) => y.slice(row * LENGTH, (row + 1) * LENGTH));
}

const original = (row: number): number[] => TEXTS.slice(row * LENGTH, (row + 1) * LENGTH);
const WORDS = TEXTS.filter((token) => token !== PADDING).length;

describe('text-augmentation', () => {
  it.each([1, 0.5])('hides tokens with their probability at strength %f, and never padding', async (strength) => {
    const found = await augmented({ ...NONE, dropout: 0.3 }, { strength });
    let hidden = 0;
    found.forEach((text, row) => {
      text.forEach((token, i) => {
        if (token === MASK) hidden++;
        else expect(token).toBe(original(row)[i]);
      });
      expect(text.slice(wordsOf(row))).toEqual(original(row).slice(wordsOf(row)));
    });
    const p = 0.3 * strength;
    expect(Math.abs(hidden / WORDS - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / WORDS));
  });

  it('lets words change places within their text alone', async () => {
    const found = await augmented({ ...NONE, swap: 0.2 });
    let moved = 0;
    found.forEach((text, row) => {
      expect([...text].sort((a, b) => a - b)).toEqual([...original(row)].sort((a, b) => a - b));
      expect(text.slice(wordsOf(row))).toEqual(original(row).slice(wordsOf(row)));
      moved += text.filter((token, i) => token !== original(row)[i]).length;
    });
    // Of n that are dealt out anew one stays on average: moved = n p - (1 - (1 - p)^n) a text.
    const expected = Array.from({ length: ROWS }, (_, row) => 0.2 * wordsOf(row) - 1 + 0.8 ** wordsOf(row)).reduce(
      (sum, v) => sum + v,
      0,
    );
    expect(Math.abs(moved - expected)).toBeLessThan(5 * Math.sqrt(ROWS * (LENGTH * 0.16 + 1)));
  });

  it('hides spans whose lengths are geometric and end by ten', async () => {
    const found = await augmented({ ...NONE, span: 0.02 });
    const lengths: number[] = [];
    for (const [row, text] of found.entries()) {
      // Spans that the end of the text cuts are not counted.
      for (let i = 0; i < wordsOf(row) - 10; i++) {
        if (text[i] !== MASK || text[i - 1] === MASK) continue;
        let length = 1;
        while (text[i + length] === MASK) length++;
        lengths.push(length);
      }
    }
    expect(lengths.length).toBeGreaterThan(25);
    const longest = 1 - 0.8 ** 10;
    const mean = Array.from({ length: 10 }, (_, k) => ((k + 1) * 0.2 * 0.8 ** k) / longest).reduce((a, v) => a + v, 0);
    const average = lengths.reduce((sum, v) => sum + v, 0) / lengths.length;
    // Two spans that touch count as one: a few in a hundred.
    expect(Math.abs(average - mean)).toBeLessThan((5 * 2.7) / Math.sqrt(lengths.length) + 0.2);
  });

  it('covers the declared share with spans', async () => {
    const found = await augmented({ ...NONE, span: 0.3 });
    const inner = found.flatMap((text, row) => text.slice(10, wordsOf(row)));
    const covered = inner.filter((token) => token === MASK).length / inner.length;
    // Neighbours are hidden together: some four tokens are as good as one.
    expect(Math.abs(covered - 0.3)).toBeLessThan(5 * Math.sqrt((0.21 * 5) / inner.length));
    for (const [row, text] of found.entries()) {
      expect(text.slice(wordsOf(row))).toEqual(original(row).slice(wordsOf(row)));
    }
  });

  it('never hides all of a text', async () => {
    const single = TEXTS.map((_, i) => (i % LENGTH === 0 ? 100 : PADDING));
    expect((await augmented({ ...NONE, dropout: 0.9 }, { texts: single })).flat()).toEqual(single);
  });

  it('is the identity where it is fed 0', async () => {
    expect((await augmented({ span: 0.5 }, { strength: 0 })).flat()).toEqual(TEXTS);
  });
});
