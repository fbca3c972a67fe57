import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ReplayReport } from '../../src/rollout/replay/replay.js';
import type { StressReport } from '../../src/rollout/replay/stress.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { line, register } from '../support/served-models.js';

describe('recorded requests', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-replay-'));
    const store = await openStore(join(folder, '.ballast'));
    await register(store, 'same', line(1), line(1), line(2));
    await store.setAlias('same', 'champion', 1);
    // What a server would have kept: users asked, and were told right.
    const observations = Array.from({ length: 300 }, (_, i) => ({
      ...{
        id: `p${i}`,
        at: Date.now() - 1000,
        model: 'same',
        version: '1',
        regularizerId: 'rg',
        role: 'live' as const,
      },
      ...{ status: 'ok' as const, latencyMs: 2, features: { x: i % 7 }, prediction: i % 7, flags: [], slices: [] },
      metadata: { device: i % 2 === 0 ? 'phone' : 'desk' },
    }));
    await store.recordObservations({ id: 'all', observations, windows: [], sketches: [] });
    const labels = observations.map(({ id, prediction }) => ({
      id,
      label: prediction,
      knownAt: Date.now(),
      source: 't',
    }));
    await store.ingestLabels(labels);
    await store.close();
    const lines = observations.map(({ id, prediction, metadata }) =>
      JSON.stringify({
        ...{ id, parameters: metadata, label: prediction },
        inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [prediction] }],
      }),
    );
    writeFileSync(join(folder, 'requests.jsonl'), `${lines.join('\n')}\n`);
    writeFileSync(
      join(folder, 'rollout.yaml'),
      'slis:\n  - { type: error, allowed: 0.1 }\n  - { type: disagreement }\nsteps: [{ weight: 0, samples: 200 }]\n',
    );
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const rollout = (...words: string[]) => ballast(folder, 'rollout', ...words, '--json');
  const ask = ['--options', 'rollout.yaml'];

  test.each([
    ['that the store kept', []],
    ['of a file', ['--requests', 'requests.jsonl']],
  ])('%s pass a version that answers alike, and refuse another with the evidence', async (_, from) => {
    const alike = await rollout('replay', 'same', '--candidate', '2', ...ask, ...from);
    expect(alike.code, alike.stderr).toBe(0);
    expect(alike.json<ReplayReport>()).toMatchObject({ verdict: 'promote', requests: 300, labelled: 300 });
    const other = await rollout('replay', 'same', '--candidate', '3', ...ask, ...from);
    expect(other.code).toBe(1);
    const { verdict, requests, slis, alphaSpent, alpha } = other.json<ReplayReport>();
    expect(verdict).toBe('roll-back');
    expect(requests).toBeLessThan(300);
    expect(slis.find(({ verdict: each }) => each === 'regressed')).toBeDefined();
    expect(alphaSpent).toBeLessThanOrEqual(alpha);
  });

  test('too few hold the verdict, and say what is missing', async () => {
    const { code, stdout } = await ballast(
      folder,
      ...['rollout', 'replay', 'same', '--candidate', '2', '--most', '60', ...ask],
    );
    expect(code).toBe(0);
    expect(stdout).toContain('hold: error has 60 of 100 samples; disagreement has 60 of 200 samples');
  });

  test('refuse what cannot be read, saying where', async () => {
    writeFileSync(join(folder, 'broken.jsonl'), '\n{ "inputs": [] }\n');
    writeFileSync(join(folder, 'wrong.yaml'), 'rollout:\n  alpha: 0.1\n  stepz: []\n');
    const faults = [];
    for (const more of [
      ['--requests', 'missing.jsonl'],
      ['--requests', 'broken.jsonl'],
      ['--options', 'wrong.yaml'],
    ]) {
      const { code, json } = await rollout('replay', 'same', '--candidate', '2', ...more);
      const { error } = json<{ error: { code: string; place: string; remedy?: string } }>();
      faults.push([code, error.code, error.place, error.remedy]);
    }
    expect(faults).toEqual([
      [2, 'FILE_NOT_READ', 'missing.jsonl', undefined],
      [2, 'REQUEST_INVALID', 'broken.jsonl:2: inputs', undefined],
      [2, 'SPEC_UNKNOWN_KEY', 'wrong.yaml:3:3 rollout.stepz', 'Did you mean steps?'],
    ]);
  });
});

describe('a stress run', () => {
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-stress-'));
    const store = await openStore(join(folder, '.ballast'));
    await register(store, 'line', line(1));
    await store.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('asks at a rate, and reports latencies and failures; a limit that is broken is a no', async () => {
    const words = ['rollout', 'stress', 'line', '--candidate', '1', '--rate', '100', '--duration', '2s', '--json'];
    const { code, json } = await ballast(folder, ...words);
    expect(code).toBe(0);
    const report = json<StressReport & { broken: string[] }>();
    expect(report).toMatchObject({ failed: {}, failedShare: 0, broken: [], interrupted: false });
    expect(report.answered).toBe(report.requests);
    // Poisson arrivals of mean 200: outside of this once in a million runs.
    expect(report.requests).toBeGreaterThan(130);
    expect(report.requests).toBeLessThan(275);
    const slow = await ballast(folder, ...words, '--p99-ms', '0.0001');
    expect([slow.code, slow.json<{ broken: string[] }>().broken.length]).toEqual([1, 1]);
    const unreachable = await ballast(folder, ...words, '--url', 'http://127.0.0.1:1', '--duration', '0.2s');
    expect(unreachable.code).toBe(1);
    expect(unreachable.json<StressReport>()).toMatchObject({ answered: 0, failedShare: 1, latencyMs: null });
  });
});
