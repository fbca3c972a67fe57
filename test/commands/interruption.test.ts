import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { start } from '../support/process.js';
import { writeCustomers } from '../support/small-data.js';
import type { TrainDocument } from '../support/train-document.js';

const root = mkdtempSync(join(tmpdir(), 'ballast-interruption-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** Long enough to be interrupted, with everything that a checkpoint must keep: moments, schedule, dropout, patience. */
const LONG = {
  training: {
    epochs: 60,
    batchSize: 16,
    checkpointSeconds: 0,
    optimizer: { type: 'adamw', learningRate: 0.002, schedule: { type: 'cosine' } },
  },
  regularizers: [
    { type: 'weight-decay', strength: 0.01 },
    { type: 'dropout', strength: 0.2 },
    { type: 'early-stopping', patience: 60 },
  ],
};

function newFolder(name: string): string {
  const folder = join(root, name);
  mkdirSync(folder);
  writeCustomers(folder, LONG);
  return folder;
}

async function parameterHashes(folder: string, { runs }: TrainDocument): Promise<string[]> {
  const hashes: string[] = [];
  for (const { runId } of runs) {
    const { artifacts } = (await ballast(folder, 'runs', 'show', runId, '--json')).json<{
      artifacts: { path: string; sha256: string }[];
    }>();
    const sha256 = (path: string): string => artifacts.find((artifact) => artifact.path === path)?.sha256 ?? path;
    hashes.push(`${sha256('train-outputs.f32')} ${sha256('validation-outputs.f32')}`);
  }
  return hashes;
}

/** The weights inside a model file; its metadata names the run, so that whole files differ. */
function modelDigest(folder: string, path: string, runId: string): string {
  const text = readFileSync(resolve(folder, path)).toString('latin1').replaceAll(runId, '');
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

describe('an experiment that is interrupted', () => {
  let whole: string[];
  let digests: string[];

  beforeAll(async () => {
    const folder = newFolder('whole');
    const { code, stderr, json } = await ballast(folder, 'train', 'spec.yaml', '--json');
    expect(code, stderr).toBe(0);
    const document = json<TrainDocument>();
    whole = await parameterHashes(folder, document);
    digests = document.runs.map(({ model, runId }) => modelDigest(folder, model, runId));
  }, 120_000);

  test('by kill -9 is listed with its experiment, and resumed gives the bytes of an uninterrupted one', async () => {
    const folder = newFolder('killed');
    const child = start(folder, 'train', 'spec.yaml');
    await child.said(/model {2}\(2 of 2\)[\s\S]*epoch 20\//);
    child.signal('SIGKILL');
    expect(await child.ended).toBe('SIGKILL');

    const listed = await ballast(folder, 'runs', 'list');
    expect(listed.stdout).toMatch(/model .* interrupted/);
    const [, command] =
      /Unfinished; go on with: ballast (train spec\.yaml --resume [0-9a-f]{8})/.exec(listed.stdout) ?? [];
    expect(command).toBeDefined();
    const wrong = await ballast(folder, 'train', 'spec.yaml', '--resume', 'ffffffff');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toMatch(
      /there is no experiment ffffffff to resume\. Unfinished are [0-9a-f]{8} \(customers, interrupted\)/,
    );

    const resumed = await ballast(folder, ...String(command).split(' '), '--json');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(resumed.stderr).not.toMatch(/epoch 8\//);
    const document = resumed.json<TrainDocument>();
    expect(await parameterHashes(folder, document)).toEqual(whole);
    expect(document.runs.map(({ model, runId }) => modelDigest(folder, model, runId))).toEqual(digests);
  });

  test('by Ctrl-C exits 130, says how to go on, and goes on', async () => {
    const folder = newFolder('stopped');
    const child = start(folder, 'train', 'spec.yaml', '--json');
    await child.said(/epoch 16\//);
    child.signal('SIGINT');
    expect(await child.ended).toBe(130);
    expect(JSON.parse(child.output.stdout)).toMatchObject({ error: { code: 'INTERRUPTED' } });
    expect(child.output.stderr).toMatch(/Go on with: ballast train spec\.yaml --json --resume [0-9a-f]{8}/);

    // The record has the spec: the file need not be there any more.
    rmSync(join(folder, 'spec.yaml'));
    const resumed = await ballast(folder, 'train', '--json', '--resume', 'latest');
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(await parameterHashes(folder, resumed.json<TrainDocument>())).toEqual(whole);
  });

  test('is not resumed under another spec', async () => {
    const folder = newFolder('changed');
    const child = start(folder, 'train', 'spec.yaml');
    await child.said(/epoch 8\//);
    child.signal('SIGKILL');
    await child.ended;
    writeCustomers(folder, { ...LONG, training: { ...LONG.training, batchSize: 32 } });
    const { code, stderr } = await ballast(folder, 'train', 'spec.yaml', '--resume', 'latest');
    expect(code).toBe(2);
    expect(stderr).toMatch(/the spec has changed since the experiment was interrupted: training\.batchSize/);
  });
});

test('two trainings at once in one store both finish', async () => {
  const folder = join(root, 'two');
  mkdirSync(folder);
  writeCustomers(folder);
  const [first, second] = [
    start(folder, 'train', 'spec.yaml', '--json'),
    start(folder, 'train', 'spec.yaml', '--json'),
  ];
  const codes = await Promise.all([first.ended, second.ended]);
  // Both draw the first holdout: the same rows, so that neither contradicts the other.
  expect(codes, `${first.output.stderr}${second.output.stderr}`).toEqual([0, 0]);
  const { runs } = (await ballast(folder, 'runs', 'list', '--status', 'finished', '--json')).json<{
    runs: unknown[];
  }>();
  expect(runs).toHaveLength(4);
});

test('a reader that goes away costs neither the command nor its exit code', async () => {
  const folder = join(root, 'pipe');
  mkdirSync(folder);
  const { execFileSync } = await import('node:child_process');
  const bin = resolve(import.meta.dirname, '../../bin/ballast');
  const shown = execFileSync(
    'sh',
    [
      '-c',
      '{ "$0" "$1" schema; echo "exit $?" >&2; } 2>&1 >/dev/null | cat; "$0" "$1" schema 2>&1 | head -1',
      process.execPath,
      bin,
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  expect(shown).toBe('exit 0\n{\n');
});
