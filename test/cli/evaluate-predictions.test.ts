import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';

interface Answer {
  readonly metrics: Record<string, { value: number }>;
  readonly units?: number;
  readonly error?: { code: string; place?: string };
}

describe('evaluate --predictions', () => {
  let folder: string;
  const judge = async (...words: string[]): Promise<Answer & { code: number }> => {
    const { code, json, stderr } = await ballast(folder, 'evaluate', '--predictions', ...words, '--json');
    expect([0, 2], stderr).toContain(code);
    return { code, ...json<Answer>() };
  };
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-predictions-'));
    const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
    write('ranked.csv', 'session,relevance,score\na,1,0.9\na,0,0.4\nb,0,0.8\nb,1,0.7\n');
    write('heard.csv', 'reference,hypothesis\nthe cat sat,the cat sat down\n1 2 3,1 3\n');
    write('texts.jsonl', '{"logProbability":-2,"tokens":2}\n{"logProbability":-4,"tokens":4}\n');
    write('boxes.json', '[{"image_id":1,"category_id":1,"bbox":[0,0,10,10],"score":0.9}]');
    const objects =
      '[{"image_id":1,"category_id":1,"bbox":[0,0,10,10]},{"image_id":2,"category_id":1,"bbox":[0,0,9,9]}]';
    write('truth.json', `{"images":[{"id":1},{"id":2}],"annotations":${objects}}`);
    write('numbers.csv', `target,prediction\n${Array.from({ length: 20 }, (_, i) => `${i},${i + 1}\n`).join('')}`);
    write(
      'classes.csv',
      `no,yes,label\n${Array.from({ length: 20 }, (_, i) => `0.${2 + (i % 7)},0.${8 - (i % 7)},${i % 2 === 0 ? 'yes' : 'no'}\n`).join('')}`,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('judges answers of every task, made anywhere', async () => {
    const ranked = await judge('ranked.csv', '--task', 'ranking', '--input', 'query=session', '--metric', 'ndcg@1');
    expect(ranked).toMatchObject({ units: 2, metrics: { mrr: { value: 0.75 }, 'ndcg@1': { value: 0.5 } } });
    const heard = await judge('heard.csv', '--task', 'speech');
    expect(heard.metrics.wer.value).toBeCloseTo(2 / 6, 12);
    const texts = await judge('texts.jsonl', '--task', 'language-model');
    expect(texts.metrics.perplexity.value).toBeCloseTo(Math.E, 12);
    const boxes = await judge('boxes.json', '--truth', 'truth.json', '--task', 'detection');
    // One of two objects is found, and nothing else: precision 1 up to recall 0.5, at 51 of the 101 recalls.
    expect(boxes.metrics.mAP.value).toBeCloseTo(51 / 101, 12);
    const numbers = await judge('numbers.csv', '--task', 'regression', '--metric', 'pinball@0.9');
    expect(numbers.metrics.rmse.value).toBeCloseTo(1, 12);
    expect(numbers.metrics['pinball@0.9'].value).toBeCloseTo(0.1, 12);
    const classes = await judge('classes.csv', '--task', 'classification', '--positive', 'yes', '--metric', 'recall@5');
    expect(classes.metrics.accuracy.value).toBeGreaterThan(0);
    expect(classes.metrics['recall@5'].value).toBeLessThanOrEqual(0.5);
  });

  test('says what is wrong with a file or a word', async () => {
    const wrong: readonly (readonly [string, ...string[]])[] = [
      ['PREDICTIONS_COLUMN', 'ranked.csv', '--task', 'ranking'],
      ['USAGE', 'ranked.csv', '--task', 'ranking', '--input', 'query=session', '--input', 'other=score'],
      ['USAGE', 'ranked.csv'],
      ['USAGE', 'ranked.csv', '--task', 'ranking', '--truth', 'truth.json'],
      ['USAGE', 'ranked.csv', '--task', 'ranking', '--input', 'query=session', '--positive', 'a'],
      ['USAGE', 'boxes.json', '--task', 'detection'],
      ['DETECTIONS_FILE', 'ranked.csv', '--task', 'detection', '--truth', 'truth.json'],
      ['DETECTIONS_FILE', 'truth.json', '--task', 'detection', '--truth', 'truth.json'],
      ['METRIC_UNKNOWN', 'heard.csv', '--task', 'speech', '--metric', 'ndcg'],
      ['METRIC_TASK', 'numbers.csv', '--task', 'regression', '--metric', 'accuracy'],
      ['EVALUATION_POSITIVE', 'classes.csv', '--task', 'classification', '--positive', 'maybe'],
      ['EVALUATION_COST', 'classes.csv', '--task', 'classification', '--cost', '[[0]]'],
      ['USAGE', 'numbers.csv', '--task', 'regression', '--stress'],
    ];
    for (const [code, ...words] of wrong) {
      const answer = await judge(...words);
      expect(answer, words.join(' ')).toMatchObject({ code: 2, error: { code } });
    }
  });
});
