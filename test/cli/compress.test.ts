import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import { derive } from '../../src/numeric/random.js';
import { ballast } from '../support/command.js';
import { network } from '../support/networks.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-compress-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROWS = ['--data', 'rows.csv', '--target', 'y', '--task', 'classification', '--output', 'output:logits'];
const MODEL = 'mlp.onnx';

beforeAll(() => {
  const stream = derive('compress', 'rows');
  const columns = Array.from({ length: 9 }, (_, i) => `f${i}`);
  const rows = Array.from({ length: 120 }, (_, row) => [...columns.map(() => stream.normal().toFixed(4)), row % 3]);
  writeFileSync(join(folder, 'rows.csv'), `${[[...columns, 'y'], ...rows].map((row) => row.join(',')).join('\n')}\n`);
  writeFileSync(join(folder, MODEL), writeModel(network('mlp').model));
});

interface Bench {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly throughput: number;
  readonly coldStartMs: number | null;
  readonly peakMemoryBytes: number | null;
  readonly bytes: number;
  readonly costPer1000: number | null;
  readonly byThreads: { threads: number }[];
  readonly ratio?: { value: number; interval: [number, number] };
}

describe('bench', () => {
  test('measures warm and cold, memory, bytes and money', async () => {
    const { code, stderr, json } = await ballast(
      folder,
      'bench',
      MODEL,
      ...['--seconds', '0.05', '--cold-starts', '1', '--price', '0.36', '--threads', '1,2', '--json'],
    );
    expect(code, stderr).toBe(0);
    const { p50Ms, p99Ms, throughput, coldStartMs, peakMemoryBytes, bytes, costPer1000, byThreads } = json<Bench>();
    expect(p50Ms).toBeGreaterThan(0);
    expect(p99Ms).toBeGreaterThanOrEqual(p50Ms);
    expect(coldStartMs).toBeGreaterThan(p50Ms);
    expect(peakMemoryBytes).toBeGreaterThan(1e7);
    expect(bytes).toBeGreaterThan(1000);
    expect(costPer1000).toBeCloseTo(0.1 / throughput, 12);
    expect(byThreads.map(({ threads }) => threads)).toEqual([1, 2]);
  });

  test('compares two models in turns', async () => {
    const { code, stderr, json } = await ballast(
      folder,
      'bench',
      MODEL,
      ...['--against', MODEL, '--seconds', '0.05', '--cold-starts', '0', '--batch', '4', '--json'],
    );
    expect(code, stderr).toBe(0);
    const { ratio, coldStartMs } = json<Bench>();
    expect(coldStartMs).toBeNull();
    expect(ratio?.interval[0]).toBeLessThanOrEqual(ratio?.value ?? 0);
  });

  test.each([
    [['--dim', 'rows'], 2, /--dim rows does not say an extent/],
    [['--provider', 'tpu'], 3, /tpu/],
    [['--threads', '0'], 2, /1 to 1024/],
  ])('refuses %j', async (options, exit, message) => {
    const { code, stderr } = await ballast(folder, 'bench', MODEL, '--cold-starts', '0', ...options);
    expect(code).toBe(exit);
    expect(stderr).toMatch(message);
  });
});

interface Step {
  readonly bytes: { before: number; after: number };
  readonly converted: string[];
  readonly parity: Record<string, { sqnrDb: number | null; agreement: number }> | null;
}

describe('compress, one step', () => {
  test.each(['clean', 'dynamic-int8', 'static-int8', 'fp16'])('%s', async (method) => {
    const out = `${method}.onnx`;
    const { code, stderr, json } = await ballast(
      folder,
      'compress',
      MODEL,
      ...['--method', method, '--out', out, '--json', ...ROWS],
    );
    expect(code, stderr).toBe(0);
    const { converted, parity } = json<Step>();
    expect(parity?.output.agreement).toBeGreaterThan(0.9);
    expect(converted.length > 0).toBe(method !== 'clean');
    const again = await ballast(folder, 'evaluate', out, '--json', ...ROWS);
    expect(again.code, again.stderr).toBe(0);
  });

  test('without rows says that parity was not checked', async () => {
    const { code, stdout } = await ballast(folder, 'compress', MODEL, '--method', 'fp16', '--out', 'half.onnx');
    expect([code, existsSync(join(folder, 'half.onnx'))]).toEqual([0, true]);
    expect(stdout).toMatch(/not checked on rows: add --data/);
  });

  test.each([
    [['--method', 'static-int8', '--out', 'x.onnx'], /needs rows to calibrate on/],
    [['--method', 'fp16'], /Add --out/],
    [['--method', 'fp16', '--out', 'x.onnx', '--symmetric'], /--symmetric: it is of static-int8/],
    [['--method', 'dynamic-int8', '--out', 'x.onnx', '--exclude', 'nobody'], /no node "nobody"/],
    [['--method', 'shrink', '--out', 'x.onnx'], /shrink/],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await ballast(folder, 'compress', MODEL, ...options);
    expect(stderr).toMatch(message);
    expect([code, existsSync(join(folder, 'x.onnx'))]).toEqual([2, false]);
  });
});
