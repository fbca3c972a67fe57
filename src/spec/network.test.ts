import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PADDING, UNKNOWN } from '../data/tokenizer.js';
import { describedInputs } from './network.js';
import { prepareData } from './prepare.js';
import { resolveSpec } from './read.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-inputs-'));
  const lines = Array.from({ length: 20 }, (_, i) => JSON.stringify({ y: i % 2, words: `a b c${i % 3}`, x: i }));
  await writeFile(join(folder, 'rows.jsonl'), lines.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

const register = {
  read: () => Promise.resolve(undefined),
  write: () => Promise.resolve(),
  countRead: () => Promise.resolve(1),
};

describe('describedInputs', () => {
  it('tells what fills texts up and what hides a token; other inputs are as they were', async () => {
    const spec = {
      name: 'texts',
      data: { source: join(folder, 'rows.jsonl'), target: 'y', features: { tokens: { words: { length: 5 } } } },
      task: 'classification',
      model: { type: 'mlp' },
    };
    const { preprocessor, tokenizers } = await prepareData(resolveSpec(spec), { register });
    const [features, tokens] = describedInputs(preprocessor, tokenizers);
    expect(features).toEqual(preprocessor.outputs[0]);
    expect(tokens).toEqual({ ...preprocessor.outputs[1], special: { padding: PADDING, mask: UNKNOWN } });
  });
});
