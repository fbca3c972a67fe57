import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile } from '../../src/graph/format/file.js';
import { ballast } from '../support/command.js';
import { writeSpec } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-own-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let path: string;
let runId: string;

beforeAll(async () => {
  const rows = Array.from({ length: 200 }, (_, i) => {
    const good = i % 2 === 0;
    return `${good ? 'yes' : 'no'},"the ${i % 7} ${good ? 'fine warm' : 'bad cold'} day number ${i % 5}"`;
  });
  writeFileSync(join(folder, 'texts.csv'), `liked,body\n${rows.join('\n')}\n`);
  writeSpec(folder, {
    name: 'texts',
    data: { source: 'texts.csv', target: 'liked', features: { tokens: { body: { length: 8 } } } },
    task: 'classification',
    model: { type: 'transformer', dimension: 8, heads: 2, layers: 1 },
    training: { epochs: 2, batchSize: 32 },
    regularizers: [{ type: 'weight-decay', strength: 0.01 }],
  });
  const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
  expect(code, stderr).toBe(0);
  const model = json<TrainDocument>().runs[1];
  path = model.model;
  runId = model.runId;
});

describe('a model file that ballast train wrote', () => {
  test('needs nothing beside it: its metadata holds target, inputs and tokenizers', async () => {
    type Document = { metrics: Record<string, { value: number }>; perClass: Record<string, unknown> };
    const { code, stderr, json } = await ballast(folder, 'evaluate', path, '--data', 'texts.csv', '--json');
    expect(code, stderr).toBe(0);
    const ofRun = (await ballast(folder, 'evaluate', runId, '--data', 'texts.csv', '--json')).json<Document>();
    expect(json<Document>().metrics).toEqual(ofRun.metrics);
    expect(Object.keys(json<Document>().perClass)).toEqual(['no', 'yes']);
  });

  test('is refused where its tokenizers are not those that their ids name', async () => {
    const model = await readModelFile(resolve(folder, path));
    const tokenizers = model.metadata.get('ballast.tokenizers') ?? '';
    expect(tokenizers).toContain('"warm"');
    const metadata = new Map(model.metadata).set('ballast.tokenizers', tokenizers.replace('"warm"', '"hot"'));
    writeFileSync(join(folder, 'changed.onnx'), writeModel({ ...model, metadata }));
    const { code, stderr } = await ballast(folder, 'evaluate', 'changed.onnx', '--data', 'texts.csv');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^ballast: changed\.onnx: the metadata entry ballast\.tokenizers/);
  });
});
