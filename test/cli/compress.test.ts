import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile } from '../../src/graph/format/file.js';
import { derive } from '../../src/numeric/random.js';
import { ballast } from '../support/command.js';
import { network } from '../support/networks.js';
import { writeCustomers } from '../support/small-data.js';

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

  test('does not time a model of one row a call as one of many', async () => {
    const { model } = network('mlp');
    const inputs = model.graph.inputs.map((input) => ({ ...input, shape: [1, ...(input.shape ?? []).slice(1)] }));
    writeFileSync(join(folder, 'one.onnx'), writeModel({ ...model, graph: { ...model.graph, inputs } }));
    const quick = ['--seconds', '0.01', '--cold-starts', '0'];
    const { code, stderr } = await ballast(folder, 'bench', MODEL, '--against', 'one.onnx', '--batch', '4', ...quick);
    expect(stderr).toMatch(/one\.onnx: no input of this model is fed 4 rows/);
    expect(code).toBe(2);
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
  readonly before: { quality: { value: number } };
  readonly after: { quality: { value: number } };
  readonly notes: string[];
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
    const { converted, parity, before, after, notes } = json<Step>();
    expect(parity?.output.agreement).toBeGreaterThan(0.9);
    const lost = before.quality.value - after.quality.value;
    expect(notes.some((text) => /more than a point of accuracy is lost/.test(text))).toBe(lost > 0.01);
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

interface Trained {
  readonly bytes: { before: number; after: number };
  readonly packedBytes: number;
  readonly sparsity: number;
  readonly after: { quality: { value: number } };
}

describe('compress, pruning', () => {
  const prune = (...options: string[]) => ballast(folder, 'compress', MODEL, '--json', ...ROWS, ...options);

  test.each([
    ['taylor', '0'],
    ['magnitude', '1'],
    ['bn-scale', '0'],
    ['movement', '0'],
  ])('removes units by %s, with %s epochs of training after it', async (criterion, epochs) => {
    const { code, stderr, json } = await prune(
      ...['--method', 'prune', '--ratio', '0.5', '--criterion', criterion, '--epochs', epochs, '--out', 'p.onnx'],
    );
    expect(code, stderr).toBe(0);
    const { bytes } = json<Trained>();
    expect(bytes.after).toBeLessThan(bytes.before);
  });

  test.each([
    ['magnitude', '0'],
    ['movement', '2'],
  ])('sets single weights to 0 by %s, with %s epochs, which packs better and takes the same room', async (...given) => {
    const [criterion, epochs] = given;
    const { code, stderr, json, stdout } = await prune(
      ...['--method', 'sparsify', '--ratio', '0.8', '--criterion', criterion, '--epochs', epochs, '--out', 's.onnx'],
    );
    expect(code, stderr).toBe(0);
    const { sparsity, packedBytes, bytes } = json<Trained>();
    expect(sparsity, stdout).toBeGreaterThan(0.75);
    expect(packedBytes).toBeLessThan(0.8 * bytes.after);
  });

  test('refuses a criterion of the other kind', async () => {
    const { code, stderr } = await prune('--method', 'sparsify', '--criterion', 'taylor', '--out', 'x.onnx');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/sparsify does not go by taylor/)]);
  });
});

interface Entry {
  readonly id: string;
  readonly steps: string[];
  readonly quality: { value: number; interval: [number, number] };
  readonly ece: { value: number };
  readonly worstClass: { value: number; class: string };
  readonly p99Ms: number;
  readonly bytes: number;
  readonly meets: boolean;
  readonly misses: Record<string, number>;
  readonly notShown: Record<string, number>;
  readonly model: string;
}

interface Search {
  readonly baseline: Omit<Entry, 'id' | 'steps'>;
  readonly front: Entry[];
  readonly dominated: Entry[];
  readonly failed: Record<string, string>;
  readonly chosen: string | null;
  readonly bestMiss: string | null;
  readonly report: string;
}

describe('compress, the search', () => {
  const QUICK = ['--quick', '--epochs', '1', '--json', ...ROWS];

  test('tries the declared ways, delivers certified models, and goes on where it was interrupted', async () => {
    const limits = ['--constraint', 'accuracyLoss<=100%', '--constraint', 'bytes<=1MB', '--constraint', 'p99<=1e5ms'];
    const share = ['--ratio', '0.4'];
    const { code, stderr, json } = await ballast(folder, 'compress', MODEL, ...QUICK, ...share, ...limits);
    expect(code, stderr).toBe(0);
    const { baseline, front, dominated, failed, chosen, bestMiss, report } = json<Search>();
    const ids = ['clean', 'fp16', 'dynamic-int8', 'static-int8', 'prune40-distil', 'prune40-distil-int8'];
    expect([...front, ...dominated].map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(failed).toEqual({});
    expect(bestMiss).toBeNull();
    const best = front.find(({ id }) => id === chosen);
    expect(best?.meets).toBe(true);
    expect(best?.bytes).toBeLessThan(baseline.bytes);
    expect(best?.quality.interval[0]).toBeLessThanOrEqual(best?.quality.value ?? 0);
    const { metadata } = await readModelFile(join(folder, best?.model ?? ''));
    const certificate = JSON.parse(metadata.get('ballast.certificate') ?? '{}');
    expect(certificate).toMatchObject({ candidate: chosen, primary: 'accuracy', data: { rows: 36 } });
    expect(certificate.ends.quality).toBeLessThan(certificate.figures.quality.interval[0]);
    expect(readFileSync(join(folder, report), 'utf8')).toContain('<svg');

    const again = await ballast(folder, 'compress', MODEL, ...QUICK, ...share, ...limits);
    expect(again.json<Search>().front).toEqual(front);
    expect(again.stderr).not.toContain('measuring');
  });

  test('keeps what it chose of a run with that run, from where it is registered', async () => {
    const own = join(folder, 'run');
    mkdirSync(own);
    writeCustomers(own, { training: { epochs: 2, batchSize: 16 } }, 400);
    const trained = await ballast(own, 'train', 'spec.yaml', '--json');
    expect(trained.code, trained.stderr).toBe(0);
    const { runId } = trained.json<{ runs: { role: string; runId: string }[] }>().runs[1];
    const limits = ['--constraint', 'qualityLoss<=100%', '--constraint', 'bytes<=1MB'];
    const { code, stderr, json } = await ballast(
      own,
      'compress',
      runId,
      ...['--quick', '--epochs', '0', '--json', ...limits],
    );
    expect(code, stderr).toBe(0);
    const { chosen, front } = json<Search>();
    const { model = '' } = front.find(({ id }) => id === chosen) ?? {};
    const registered = await ballast(own, 'models', 'register', `${runId}/compressed.onnx`, 'customers', '--json');
    expect(registered.code, registered.stderr).toBe(0);
    const sha256 = createHash('sha256').update(readFileSync(model)).digest('hex');
    expect(registered.json<{ onnxSha256: string }>().onnxSha256).toBe(sha256);
  });

  test('names the best miss and exits 1 where nothing keeps to the constraints', async () => {
    const { code, json } = await ballast(folder, 'compress', MODEL, ...QUICK, '--constraint', 'sizeRatio<=0.01');
    const { chosen, bestMiss, front } = json<Search>();
    expect([code, chosen]).toEqual([1, null]);
    const miss = front.find(({ id }) => id === bestMiss);
    expect(miss?.misses['sizeRatio<=0.01']).toBeGreaterThan(0);
    expect(existsSync(join(folder, miss?.model ?? ''))).toBe(true);
  });

  test('says what so few rows do not show, and chooses nothing of the kind with --shown', async () => {
    const limits = [
      '--epochs',
      '0',
      '--constraint',
      'accuracyLoss<=20%',
      '--constraint',
      'accuracyLoss<=2%',
      '--out',
      'shown',
    ];
    const plain = await ballast(folder, 'compress', MODEL, ...QUICK, ...limits);
    expect(plain.code, plain.stderr).toBe(0);
    const { chosen, front } = plain.json<Search>();
    const { notShown } = front.find(({ id }) => id === chosen)!;
    expect(notShown).toEqual({ 'accuracyLoss<=2%': expect.any(Number) });
    expect(notShown['accuracyLoss<=2%']).toBeGreaterThan(0.02);
    const strict = await ballast(
      folder,
      'compress',
      MODEL,
      ...QUICK.filter((word) => word !== '--json'),
      ...limits,
      '--shown',
    );
    expect([strict.code, strict.stdout]).toEqual([
      1,
      expect.stringMatching(/36 rows do not show .* accuracyLoss<=2% \(may be/),
    ]);
  });

  test('also distils into students of other architectures', async () => {
    const out = ['--out', 'students', '--constraint', 'qualityLoss<=100%', '--student', 'search', '--student', 'mlp:8'];
    const { code, stderr, json } = await ballast(folder, 'compress', MODEL, ...QUICK, ...out);
    expect(code, stderr).toBe(0);
    const { front, dominated, failed } = json<Search>();
    const all = [...front, ...dominated];
    expect(failed).toEqual({});
    const ids = ['mlp16', 'mlp32', 'mlp8'].flatMap((name) => [`student-${name}`, `student-${name}-int8`]);
    expect(all.map(({ id }) => id)).toEqual(expect.arrayContaining(ids));
    const { model = '', steps = [] } = all.find(({ id }) => id === 'student-mlp8') ?? {};
    expect(steps.slice(0, 2)).toEqual(['student mlp8', 'distil 4 epochs']);
    const evaluated = await ballast(folder, 'evaluate', model, '--json', ...ROWS);
    expect(evaluated.code, evaluated.stderr).toBe(0);
  });

  test.each([
    [[...ROWS, '--student', 'giant'], /--student: this names no student/],
    [[...ROWS, '--student', 'mlp:8', '--student', 'mlp:8'], /two students are called so/],
    [['--method', 'drop', '--out', 'x.onnx', ...ROWS], /no layer or block of this model can be removed/],
    [['--method', 'drop', '--criterion', 'taylor', '--out', 'x.onnx', ...ROWS], /--criterion: it is of channels/],
    [['--method', 'fp16', '--rounding', 'adaptive', '--out', 'x.onnx'], /--rounding: it is of static-int8/],
    [[...ROWS, '--constraint', 'speed<=5'], /"speed<=5" is no constraint/],
    [[...ROWS, '--constraint', 'accuracyLoss<=1'], /allows everything.*For 1 points write accuracyLoss<=1%/s],
    [[...ROWS, '--constraint', 'p99<=5kB'], /p99 is not told in kB.*with ms/s],
    [['--method', 'fp16', '--out', MODEL], /--out: .*written over|written over.*--out/s],
    [[...ROWS, '--symmetric'], /--symmetric: it is of a single step/],
    [[], /without rows nobody can say/],
    [
      ['--method', 'fp16', '--out', 'x.onnx', '--teacher-share', '0.3'],
      /--teacher-share: it is of training and pruning/,
    ],
  ])('refuses %j', async (options, message) => {
    const { code, stderr } = await ballast(folder, 'compress', MODEL, ...options);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});
