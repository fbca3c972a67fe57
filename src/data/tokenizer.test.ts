import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failure, testFolder } from './read/testing.fixture.js';
import { tokenize, tokenWindows } from './tokenize.js';
import { fitTokenizer, loadTokenizer, PADDING, tokenizerFromRecord, tokenizerId, UNKNOWN } from './tokenizer.js';

const golden = (name: string) => fileURLToPath(new URL(`goldens/${name}`, import.meta.url));

describe('vocabularies', () => {
  it('keeps what is frequent, ties by code point', () => {
    const tokenizer = fitTokenizer('whitespace', ['b a  b', '\ta c b '], { limit: 2 });
    expect(tokenizer.record).toEqual({ kind: 'whitespace', lowercase: false, vocabulary: ['b', 'a'] });
    expect(tokenizer.size).toBe(4);
    expect(tokenizer.encode('a b c')).toEqual([3, 2, UNKNOWN]);
    expect(tokenizer.decode([3, 2, PADDING])).toBe('a b');
    expect(fitTokenizer('whitespace', ['A a b'], { lowercase: true, minimumCount: 2 }).encode('A B')).toEqual([
      2,
      UNKNOWN,
    ]);
  });

  it('gives back any text of known characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const tokenizer = tokenizerFromRecord(fitTokenizer('character', [text]).record);
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
        expect(tokenizer.encode(text).every((id) => id >= 2 && id < tokenizer.size)).toBe(true);
      }),
    );
  });

  it('has an id of its content', () => {
    const [a, b] = [fitTokenizer('character', ['ab']), fitTokenizer('character', ['ba'])];
    expect(tokenizerId(a)).toMatch(/^tk-[0-9a-f]{16}$/);
    expect(tokenizerId(b)).toBe(tokenizerId(a));
    expect(tokenizerId(fitTokenizer('character', ['abc']))).not.toBe(tokenizerId(a));
  });
});

describe('tokenizer.json', async () => {
  type Case = { size: number; ids: number[][] };
  const expected = JSON.parse(await readFile(golden('tokenizers.json'), 'utf8')) as {
    sentences: string[];
    wordpiece: Case;
    bpe: Case;
  };

  it.each(['wordpiece', 'bpe'] as const)('encodes by %s as the Hugging Face library does', async (name) => {
    const tokenizer = await loadTokenizer(golden(`${name}.tokenizer.json`));
    expect(tokenizer.size).toBe(expected[name].size);
    expect(expected.sentences.map((sentence) => tokenizer.encode(sentence))).toEqual(expected[name].ids);
    expect(tokenizer.padding).toBe(0);
    const again = tokenizerFromRecord(tokenizer.record);
    expect(again.encode(expected.sentences[4])).toEqual(expected[name].ids[4]);
  });

  it('decodes what it encoded', async () => {
    const tokenizer = await loadTokenizer(golden('bpe.tokenizer.json'));
    expect(tokenizer.decode(tokenizer.encode(expected.sentences[0]))).toBe(expected.sentences[0]);
  });

  it('names what is no tokenizer.json', async () => {
    const folder = await testFolder();
    for (const content of ['', '{}', '[1]', '{"model": 5}', '{"model": {"type": "Magic"}}']) {
      const path = `${folder}/tokenizer.json`;
      await writeFile(path, content);
      expect((await failure(loadTokenizer(path))).code, content).toBe('DATA_TOKENIZER');
    }
    expect((await failure(loadTokenizer(`${folder}/none.json`))).code).toBe('DATA_NOT_FOUND');
  });
});

describe('columns of tokens', () => {
  const tokenizer = fitTokenizer('character', ['abcd']);
  const column = { kind: 'text', name: 't', values: ['abcdab', 'a', ''] } as const;
  const [a, b, c, d] = tokenizer.encode('abcd');

  it('cuts and pads', () => {
    const tokens = tokenize(column, tokenizer, 4);
    expect(tokens).toMatchObject({ kind: 'array', name: 't', content: 'tokens', shape: [4] });
    expect(Array.from(tokens.data)).toEqual([a, b, c, d, a, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('cuts long texts into windows', () => {
    expect(Array.from(tokenWindows(column, tokenizer, 3).data)).toEqual([a, b, c, d, a, b]);
    const overlapping = tokenWindows(column, tokenizer, 3, 1);
    expect(overlapping.data.length).toBe(12);
    expect(Array.from(overlapping.data.slice(9))).toEqual([d, a, b]);
  });
});
