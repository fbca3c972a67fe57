import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Observation } from '../../store/index.js';
import { openAnswerLog } from './answer-log.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballast-answers-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('each answer is a line with the id that its label joins by; features are not in it', async () => {
  const faults: Error[] = [];
  const file = join(folder, 'logs', 'answers.jsonl');
  const log = openAnswerLog(file, { onFault: (error) => faults.push(error) });
  const observation: Observation = {
    ...{ id: 'r1/0', at: 0, model: 'fraud', version: '3', regularizerId: 'rg-1', role: 'live', status: 'ok' },
    ...{ latencyMs: 1.5, features: { secret: 'iban' }, prediction: 'yes', flags: ['age: range'] },
    metadata: { device: 'phone' },
  };
  for (let i = 0; i < 1000; i++) log.observe({ ...observation, id: `r${i}/0` });
  log.observe({ ...observation, id: 'last', status: 'failed', fault: 'timeout' });
  await log.close();
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(lines).toHaveLength(1001);
  expect(JSON.parse(lines[7])).toMatchObject({
    ...{
      level: 30,
      event: 'answer',
      prediction_id: 'r7/0',
      at: '1970-01-01T00:00:00.000Z',
      model: 'fraud',
      version: '3',
    },
    ...{ regularizer_id: 'rg-1', role: 'live', status: 'ok', latency_ms: 1.5, flags: ['age: range'] },
  });
  expect(JSON.parse(lines[1000])).toMatchObject({ level: 50, prediction_id: 'last', fault: 'timeout' });
  expect(lines.join('')).not.toContain('iban');
  expect(faults).toEqual([]);
});
