import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);
/** What npm is told in the empty folder: no install scripts at all. */
const environment = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', BALLAST_STORE: undefined };

interface Packed {
  filename: string;
  size: number;
  unpackedSize: number;
  files: { path: string; mode: number }[];
}

interface TrainAnswer {
  dataset: { rows: Record<string, number> };
  runs: { role: string; metrics: { validation: Record<string, { value: number }> }; model: string }[];
  report: string;
}

/** Two noisy numbers and a category decide between two classes. */
function exampleTable(rows: number): string {
  let state = 7;
  const random = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  const lines = Array.from({ length: rows }, () => {
    const [a, b, colour] = [random(), random(), random() < 0.5 ? 'red' : 'blue'];
    const score = a - b + (colour === 'red' ? 0.4 : -0.4) + (random() - 0.5) * 0.6;
    return `${a.toFixed(4)},${b.toFixed(4)},${colour},${score > 0 ? 'yes' : 'no'}`;
  });
  return ['a,b,colour,answer', ...lines, ''].join('\n');
}

const SPEC = `
name: example
data: { source: rows.csv, target: answer, split: { validation: 0.25, holdout: 0.25 } }
task: classification
model: { type: mlp, hidden: [16] }
training: { epochs: 20, batchSize: 32, optimizer: { type: adamw, learningRate: 0.01 } }
regularizers:
  - { type: weight-decay, strength: 0.01 }
  - { type: dropout, strength: 0.1 }
`;

describe('the packed package, installed in an empty folder without install scripts', () => {
  let folder = '';
  let packed: Packed;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-package-'));
    const { stdout } = await run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], {
      cwd: ROOT,
      env: environment,
    });
    [packed] = Object.values(JSON.parse(stdout) as Record<string, Packed>);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', join(folder, packed.filename)], {
      cwd: folder,
      env: environment,
      maxBuffer: 2 ** 26,
    });
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function ballast(...args: string[]): Promise<string> {
    const { stdout } = await run('npx', ['--no-install', 'ballast', ...args], {
      cwd: folder,
      env: environment,
      maxBuffer: 2 ** 26,
    });
    return stdout;
  }

  const installed = (...path: string[]): string => join(folder, 'node_modules', 'ballast', ...path);

  it('holds what users need', () => {
    const files = new Set(packed.files.map(({ path }) => path));
    const recipes = readdirSync(join(ROOT, 'recipes')).map((name) => `recipes/${name}`);
    const cards = readdirSync(join(ROOT, 'src', 'regularizers'), { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && existsSync(join(entry.parentPath, entry.name, 'index.ts')))
      .map(({ name }) => `dist/regularizers/${name}/card.md`);
    const kernels = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.wasm'))
      .map((path) => `dist/${path}`);
    const texts = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'];
    const wanted = [
      ...texts,
      'bin/ballast',
      'dist/spec.schema.json',
      'dist/index.d.ts',
      ...recipes,
      ...cards,
      ...kernels,
    ];
    expect(wanted.filter((path) => !files.has(path))).toEqual([]);
    expect(packed.files.find(({ path }) => path === 'bin/ballast')?.mode.toString(8)).toBe('755');
  });

  it('holds nothing else: no tests, no goldens, no sources, no scripts', () => {
    const allowed =
      /^(bin\/ballast|recipes\/[\w-]+\.yaml|scenarios\/s1\/[\w-]+\.yaml|(README|CHANGELOG)\.md|LICENSE|package\.json|dist\/.*)$/;
    const stray = packed.files.map(({ path }) => path).filter((path) => !allowed.test(path));
    const tests = /\.(test|fixture|map|ts)(\.|$)|goldens|\/cases\/|\.tsbuildinfo|\.compiled/;
    const wrong = packed.files.map(({ path }) => path).filter((path) => tests.test(path) && !path.endsWith('.d.ts'));
    expect([...stray, ...wrong]).toEqual([]);
  });

  it('names no path of the machine that packed it', () => {
    const marks = [ROOT, homedir(), process.env.BALLAST_DATASETS, process.env.BALLAST_PYTHON].filter(
      (mark): mark is string => mark !== undefined && mark.length > 1 && mark !== '/root',
    );
    const naming = packed.files
      .map(({ path }) => path)
      .filter((path) => marks.some((mark) => readFileSync(installed(path), 'utf8').includes(mark)));
    expect(naming).toEqual([]);
  });

  it('is small', () => {
    console.info(
      `packed: ${(packed.size / 1024).toFixed(0)} kB, ${packed.files.length} files, ${(packed.unpackedSize / 1024).toFixed(0)} kB unpacked`,
    );
    expect(packed.size).toBeLessThan(2.5 * 2 ** 20);
  });

  it('finds this machine fit', async () => {
    expect(JSON.parse(await ballast('doctor', '--json'))).toMatchObject({ fit: true });
  });

  it('trains', async () => {
    writeFileSync(join(folder, 'rows.csv'), exampleTable(400));
    writeFileSync(join(folder, 'spec.yaml'), SPEC);
    const answer = JSON.parse(await ballast('train', 'spec.yaml', '--json')) as TrainAnswer;
    expect(answer.dataset.rows).toEqual({ train: 200, validation: 100, holdout: 100 });
    expect(answer.runs.map(({ role }) => role)).toEqual(['baseline', 'model']);
    for (const { metrics, model } of answer.runs) {
      expect(metrics.validation.accuracy?.value).toBeGreaterThan(0.7);
      expect(statSync(resolve(folder, model)).size).toBeGreaterThan(500);
    }
    expect(readFileSync(answer.report, 'utf8')).toContain('<svg');
  });

  it('shows recipes, cards and the schema', async () => {
    expect(await ballast('recipes')).toContain('digits');
    expect(await ballast('regularizers', 'dropout')).toContain('# ');
    const printed: unknown = JSON.parse(await ballast('schema'));
    expect(JSON.parse(readFileSync(installed('dist', 'spec.schema.json'), 'utf8'))).toEqual(printed);
  });

  it('is imported by the names of its rooms', async () => {
    const { exports } = JSON.parse(readFileSync(installed('package.json'), 'utf8')) as {
      exports: Record<string, unknown>;
    };
    const rooms = Object.keys(exports).filter((name) => !name.endsWith('.json'));
    const program = `await Promise.all(${JSON.stringify(rooms)}.map((name) => import(name.replace('.', 'ballast'))))`;
    await run(process.execPath, ['--input-type=module', '--eval', program], { cwd: folder });
    const required = `process.stdout.write(typeof require('ballast').readSpec)`;
    const { stdout } = await run(process.execPath, ['--input-type=commonjs', '--eval', required], { cwd: folder });
    expect(stdout).toBe('function');
  });
});
