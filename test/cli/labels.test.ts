import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MissingLabels } from '../../src/monitoring/labels/missing.js';
import { Recorder } from '../../src/monitoring/record/recorder.js';
import { derive } from '../../src/numeric/index.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';

const DAY = 24 * 3_600_000;

describe('ballast labels', () => {
  let folder: string;
  /** The truth by prediction id. */
  const truth = new Map<string, string>();

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-labels-'));
    const random = derive(1, 'labels test');
    await using store = await openStore(join(folder, '.ballast'));
    const recorder = new Recorder(store);
    for (let i = 0; i < 4000; i++) {
      const confidence = 0.5 + random.uniform() / 2;
      const right = random.uniform() < confidence;
      truth.set(`q${i}`, right ? 'yes' : 'no');
      recorder.observe({
        ...{ id: `q${i}`, at: Date.now() - (i % 10) * DAY, model: 'credit', version: '1', regularizerId: 'rg-1' },
        ...{ role: 'live', status: 'ok', latencyMs: 1, flags: [], prediction: 'yes' },
        scores: [1 - confidence, confidence],
        features: { age: random.normal(40, 10), city: i % 3 === 0 ? 'rome' : '=cmd' },
        metadata: { device: i % 4 === 0 ? 'phone' : 'desk' },
      });
    }
    await recorder.stop();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const labels = (...words: string[]) => ballast(folder, 'labels', ...words);

  test('draws a sample, takes it back filled in, and estimates the accuracy of all from it', async () => {
    const drawn = await labels('sample', 'credit', '--count', '400', '--by', 'uncertainty', '--out', 'draw.csv');
    expect(drawn.stderr).toMatch(/Sample 1: 400 of 4000 predictions/);
    const [header, ...lines] = readFileSync(join(folder, 'draw.csv'), 'utf8').trim().split('\n');
    expect(header).toBe('id,label,weight,time,version,prediction,confidence,age,city');
    expect(lines).toHaveLength(400);
    expect(lines.join('\n')).toMatch(/,'=cmd$/m);
    const weights = lines.map((line) => Number(line.split(',')[2]));
    // The weights stand for the population.
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeGreaterThan(3500);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeLessThan(4500);
    const filled = lines.map((line) => line.replace(/^(q\d+),,/, (_, id: string) => `${id},${truth.get(id)},`));
    writeFileSync(join(folder, 'draw.csv'), `${[header, ...filled].join('\n')}\n`);
    const done = await labels('ingest', 'draw.csv', '--json');
    expect(done.json()).toEqual({
      ...{ labels: 400, joined: 400, corrected: 0, duplicates: 0, older: 0, unknown: [], ambiguous: [] },
    });
    const { json } = await labels('missing', 'credit', '--json');
    const found = json<MissingLabels>();
    expect(found).toMatchObject({ answered: 4000, labelled: 400, share: 0.1, reports: { count: 0 } });
    const [{ accuracy }] = found.samples;
    const right = [...truth.values()].filter((each) => each === 'yes').length / truth.size;
    expect(accuracy?.interval[0]).toBeLessThan(right);
    expect(accuracy?.interval[1]).toBeGreaterThan(right);
    expect((await labels('missing', 'credit')).stdout).toMatch(/Sample 1 \(uncertainty\): 400 of 400 labelled/);
  });

  test('tells corrections, duplicates, unknown ids, and what users report', async () => {
    writeFileSync(
      join(folder, 'late.jsonl'),
      '{"tx":"q1","truth":"maybe"}\n{"tx":"q1","truth":"maybe"}\n{"tx":"nobody","truth":"no"}\n',
    );
    const done = await labels('ingest', 'late.jsonl', '--id', 'tx', '--label', 'truth', '--json');
    expect(done.json()).toMatchObject({ labels: 3, duplicates: 1, unknown: ['nobody'] });
    expect((await labels('report', 'q1', '--note', 'not me', '--json')).json()).toEqual({ id: 'q1', known: true });
    expect((await labels('report', 'zz', '--json')).json()).toEqual({ id: 'zz', known: false });
    const found = (await labels('missing', 'credit', '--since', '30d', '--json')).json<MissingLabels>();
    expect(found.reports).toEqual({ count: 1, confirmed: 1, refuted: 0 });
    expect(found.slices.map(({ slice }) => slice).sort()).toEqual(['device=desk', 'device=phone']);
    expect(found.ages.map(({ age }) => age)).toEqual(['under an hour', 'a day to a week', 'a week to 30 days']);
    expect(found.delayMs?.median).toBeGreaterThanOrEqual(0);
  });

  test.each([
    [['ingest', 'absent.csv'], 2, /absent\.csv/],
    [['ingest', 'draw.csv', '--label', 'truth'], 2, /there is no column "truth"/],
    [['missing', 'nothing'], 2, /nothing was observed.*credit/],
    [['sample', 'credit', '--of', '9'], 2, /no prediction without a label/],
  ])('%j is one clear error', async (words, code, message) => {
    const answer = await labels(...words);
    expect(answer.code).toBe(code);
    expect(answer.stderr).toMatch(message);
  });

  test('draws by drift and by chance too', async () => {
    for (const by of ['drift', 'random', 'mix']) {
      const { json } = await labels('sample', 'credit', '--count', '20', '--by', by, '--json');
      expect(json<{ rows: unknown[] }>().rows).toHaveLength(20);
    }
  });
});
