import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { BallastError } from '../errors.js';
import { parseSpec, readSpec, resolveSpec } from './read.js';

const SPEC = {
  name: 'small',
  data: { source: 'rows.csv', target: 'y', split: { validation: 0.2, holdout: 0.2, seed: 1 } },
  task: 'classification',
  model: { type: 'mlp', hidden: [8] },
  training: { epochs: 5, optimizer: { type: 'adamw', learningRate: 0.001 } },
  regularizers: [
    { type: 'weight-decay', strength: 0.01 },
    { type: 'dropout', strength: 0.1 },
  ],
};

const YAML = `name: small
data:
  source: rows.csv
  target: y
task: classification
model: { type: mlp }
training:
  epochs: 5
`;

const parse = (text: string) => parseSpec(text, { path: 'spec.yaml', baseDirectory: '/' });

/** The one line that a user sees. */
function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (!(error instanceof BallastError)) throw error;
    expect(error.exitCode).toBe(2);
    return error.describe();
  }
  return 'no error';
}

describe('a fault in a spec is one sentence: where, what, what to do', () => {
  test.each([
    [
      'a key of the top',
      YAML.replace('training:', 'traning:'),
      'spec.yaml:7:1 traning: unknown key "traning". Did you mean training?',
    ],
    [
      'a key within',
      YAML.replace('source:', 'sorce:'),
      'spec.yaml:3:3 data.sorce: unknown key "sorce". Did you mean source?',
    ],
    [
      'a key like no other',
      `${YAML}  xyz: 1\n`,
      /^spec\.yaml:9:3 training\.xyz: unknown key "xyz"\. Keys here are epochs, batchSize, /,
    ],
    [
      'weight decay in the optimizer',
      `${YAML}  optimizer: { type: adamw, weightDecay: 0.1 }\n`,
      'spec.yaml:9:29 training.optimizer.weightDecay: unknown key "weightDecay". Weight decay is a regularizer: { type: weight-decay, strength: 0.01 }',
    ],
    [
      'a section of later versions',
      `${YAML}retraining: {}\n`,
      'spec.yaml:9:1 retraining: "retraining" is not supported: this version has no retraining. Remove the section',
    ],
    [
      'a key below one of the user',
      `${YAML}`.replace('target: y', 'target: y\n  features: { tokens: { body: { lenght: 5 } } }'),
      /unknown key "lenght"\. Did you mean length\?$/,
    ],
    [
      'a key of another architecture',
      `${YAML}`.replace(/model: .*/, 'model: { type: onnx, path: a.onnx, hidden: [3] }'),
      /model\.hidden: unknown key "hidden"\. Keys here are type, path, output, head, freeze$/,
    ],
    ['a prototype', `${YAML}__proto__: { a: 1 }\n`, /^spec\.yaml:9:1 __proto__: unknown key "__proto__"/],
    [
      'text for a number',
      YAML.replace('5', 'many'),
      'spec.yaml:8:11 training.epochs: "epochs" must be a number (got "many"). ballast schema prints what may stand there',
    ],
    [
      'a fraction for a count',
      YAML.replace('5', '1.5'),
      'spec.yaml:8:11 training.epochs: "epochs" must be a whole number (got 1.5). ballast schema prints what may stand there',
    ],
    [
      'too few',
      YAML.replace('5', '0'),
      'spec.yaml:8:11 training.epochs: "epochs" must be at least 1 (got 0). ballast schema prints what may stand there',
    ],
    ['an empty value', YAML.replace(' 5', ''), /"epochs" must be a number \(got null\)/],
    [
      'a word nearly right',
      YAML.replace('classification', 'clasification'),
      'spec.yaml:5:7 task: "task" must be one of classification, regression (got "clasification"). Did you mean classification?',
    ],
    [
      'another architecture',
      YAML.replace('mlp', 'cnnn'),
      'spec.yaml:6:16 model.type: "type" must be one of linear, logistic, mlp, cnn, transformer, onnx (got "cnnn"). Did you mean cnn?',
    ],
    [
      'no architecture',
      YAML.replace('type: mlp', ''),
      'spec.yaml:6:8 model.type: "type" is missing. It is one of linear, logistic, mlp, cnn, transformer, onnx',
    ],
    [
      'a layer',
      YAML.replace('type: mlp', 'type: cnn, layers: [{ conv: x }]'),
      'spec.yaml:6:38 model.layers[0].conv: "conv" must be a number (got "x"). ballast schema prints what may stand there',
    ],
    [
      'an option of a layer',
      YAML.replace('type: mlp', 'type: cnn, layers: [{ conv: 4, kernal: 3 }]'),
      'spec.yaml:6:41 model.layers[0].kernal: unknown key "kernal". Did you mean kernel?',
    ],
    [
      'a value of the wrong kind',
      YAML.replace('rows.csv', '3'),
      'spec.yaml:3:11 data.source: "source" must be text, or a list (got 3). ballast schema prints what may stand there',
    ],
    [
      'what is missing',
      'name: small\n',
      'spec.yaml:1:1 data: "data" is missing. ballast schema prints what may stand there',
    ],
    [
      'a name that is a path',
      YAML.replace('small', '../../etc/passwd'),
      /^spec\.yaml:1:7 name: "name" must be a name of letters/,
    ],
    [
      'a share above 1',
      YAML.replace('target: y', 'target: y\n  split: { holdout: 1.5 }'),
      /"holdout" must be a share below 1, or a whole number of rows \(got 1\.5\)/,
    ],
    [
      'an unknown metric',
      `${YAML}objectives: { primary: accuraccy }\n`,
      /^spec\.yaml:9:24 objectives\.primary: there is no such metric \(got "accuraccy"\)\. Metrics of a classification are accuracy, /,
    ],
    [
      'a metric of another task',
      `${YAML}objectives: { primary: rmse }\n`,
      /RMSE is a metric of regression, and the task is classification/,
    ],
    [
      'a model of another task',
      YAML.replace('classification', 'regression').replace('mlp', 'logistic'),
      /^spec\.yaml:6:16 model\.type: a logistic model tells classes apart, and the task is regression\. Use linear/,
    ],
    [
      'class weights of a regression',
      `${YAML.replace('classification', 'regression')}  classWeights: balanced\n`,
      /training\.classWeights: class weights need classes/,
    ],
    [
      'no regularizer',
      `${YAML}regularizers: [dropout]\n`,
      /regularizers\[0\]: entry 1 must be a mapping \(got "dropout"\)/,
    ],
    [
      'an unknown regularizer',
      `${YAML}regularizers: [{ type: dropuot }]\n`,
      'spec.yaml:9:24 regularizers[0].type: there is no regularizer "dropuot". Did you mean dropout?',
    ],
    [
      'an unknown option',
      `${YAML}regularizers: [{ type: dropout, rate: 0.1 }]\n`,
      /^spec\.yaml:9:33 regularizers\[0\]\.rate: unknown key "rate"\. Keys here are type, strength, schedule, mode/,
    ],
    [
      'a strength beyond its limit',
      `${YAML}regularizers: [{ type: dropout, strength: 1.5 }]\n`,
      'spec.yaml:9:43 regularizers[0].strength: "strength" must be below 1 (got 1.5). ballast regularizers dropout shows its options',
    ],
    [
      'a negative strength',
      `${YAML}regularizers: [{ type: weight-decay, strength: -1 }]\n`,
      /"strength" must be at least 0 \(got -1\)/,
    ],
    [
      'a regularizer given twice',
      `${YAML}regularizers:\n  - { type: dropout }\n  - { type: dropout }\n`,
      /^spec\.yaml:11:5 regularizers\[1\]: dropout is declared twice/,
    ],
    ['a key given twice', `${YAML}name: other\n`, 'spec.yaml:9:1: this key is given twice.'],
    ['a second document', `${YAML}---\nname: other\n`, /a second document begins here, and a spec is one/],
    ['a tab', 'name: x\n\tdata: 3', /^spec\.yaml:2:1: this is not YAML: Tabs are not allowed/],
    ['an alias of nothing', 'name: *other\n', /the aliases of the spec do not work out: Unresolved alias/],
    ['a list', '- a\n- b\n', 'spec.yaml:1:1: a spec is a mapping with name, data, task and model.'],
    ['nothing', '', 'spec.yaml: a spec is a mapping with name, data, task and model.'],
  ])('%s', (_, text, expected) => {
    const message = messageOf(() => parse(text));
    if (typeof expected === 'string') expect(message).toBe(expected);
    else expect(message).toMatch(expected);
  });
});

describe('a hostile spec', () => {
  test('whose aliases expand without end is refused at once', () => {
    const levels = 'bcdefghijk'
      .split('')
      .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghij'[i]}`)}]`);
    const started = performance.now();
    expect(messageOf(() => parse(`a: &a [${Array(9).fill('x')}]\n${levels.join('\n')}`))).toMatch(/aliases/);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test.each([
    ['lists in lists', '['.repeat(100_000)],
    ['dashes', '- '.repeat(20_000)],
    ['question marks', '? '.repeat(20_000)],
    ['mappings', '{a: '.repeat(20_000)],
    ['indentation', Array.from({ length: 900 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ])('of %s without end is refused', (_, text) => {
    expect(messageOf(() => parse(text))).toMatch(/nested more than 100 levels/);
  });

  test('with a part inside itself is refused', () => {
    expect(messageOf(() => parse(`${YAML}regularizers: [&a { type: dropout, inner: *a }]\n`))).toMatch(
      /unknown key "inner"/,
    );
  });
});

describe('a spec file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballast-spec-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const failure = async (name: string) =>
    readSpec(join(folder, name)).then(
      () => 'no error',
      (error: unknown) => (error as BallastError).describe(),
    );

  test('may lie under any name', async () => {
    const name = 'größe и 模型.yaml';
    writeFileSync(join(folder, name), YAML);
    expect((await readSpec(join(folder, name))).baseDirectory).toBe(folder);
  });

  test('that is missing, a folder, or no spec at all by its size is named', async () => {
    mkdirSync(join(folder, 'a-folder'));
    writeFileSync(join(folder, 'rows.yaml'), 'x'.repeat(2 << 20));
    expect(await failure('none.yaml')).toMatch(/none\.yaml: there is no such spec file\. Check the path/);
    expect(await failure('a-folder')).toMatch(/a-folder: this is a folder, not a spec file/);
    expect(await failure('rows.yaml')).toMatch(/the spec is larger than 1 MiB/);
  });

  test.skipIf(process.platform === 'win32')('without end is not read to its end', async () => {
    await expect(readSpec('/dev/zero')).rejects.toMatchObject({ code: 'SPEC_TOO_LARGE' });
  });

  test.skipIf(process.platform === 'win32')('may be a pipe', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const read = readSpec(pipe);
    writeFileSync(pipe, YAML);
    expect((await read).spec.name).toBe('small');
  });
});

/** A change to one part of a spec: another value there, the part gone, or a key more. */
const mutation = fc.record({
  at: fc.nat(),
  how: fc.oneof(
    fc.record({ put: fc.jsonValue({ maxDepth: 2 }) }),
    fc.record({
      put: fc.constantFrom(undefined, null, Number.NaN, Number.POSITIVE_INFINITY, -0, 2 ** 53, '', '__proto__'),
    }),
    fc.constant('remove' as const),
    fc.record({ add: fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toString', 'type')) }),
  ),
});

type Holder = Record<string, unknown>;

function mutate(spec: Holder, { at, how }: typeof mutation extends fc.Arbitrary<infer T> ? T : never): void {
  const places: { holder: Holder; key: string }[] = [];
  const visit = (holder: Holder): void => {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      const value = holder[key];
      if (value !== null && typeof value === 'object') visit(value as Holder);
    }
  };
  visit(spec);
  if (places.length === 0) return;
  const { holder, key } = places[at % places.length];
  if (how === 'remove') delete holder[key];
  else if ('put' in how) holder[key] = how.put;
  else Object.defineProperty(holder, how.add, { value: 1, enumerable: true, configurable: true, writable: true });
}

describe('whatever is changed in a valid spec, the answer is a spec or a BallastError', () => {
  const mutated = fc.array(mutation, { minLength: 1, maxLength: 4 }).map((mutations) => {
    const spec = structuredClone(SPEC) as Holder;
    for (const one of mutations) mutate(spec, one);
    return spec;
  });
  const orBallastError = (action: () => unknown): void => {
    try {
      action();
    } catch (error) {
      expect(error).toBeInstanceOf(BallastError);
      expect((error as BallastError).exitCode).toBe(2);
      expect((error as BallastError).message).not.toMatch(/undefined|\[object|Invalid input|NaN must/);
    }
  };

  test('given as an object', () => {
    fc.assert(
      fc.property(mutated, (spec) => orBallastError(() => resolveSpec(spec))),
      { numRuns: 400 },
    );
  });

  test('given as text, with text changed too', () => {
    const text = fc
      .tuple(mutated, fc.nat(), fc.nat(10), fc.string({ unit: 'binary', maxLength: 5 }))
      .map(([spec, at, length, put]) => {
        const yaml = stringify(spec);
        const from = at % (yaml.length + 1);
        return `${yaml.slice(0, from)}${put}${yaml.slice(from + length)}`;
      });
    fc.assert(
      fc.property(text, (yaml) => orBallastError(() => parse(yaml))),
      { numRuns: 300 },
    );
  });

  test('an untouched spec is valid, and what is resolved from it resolves to itself', () => {
    const { spec } = resolveSpec(SPEC);
    expect(resolveSpec(spec).spec).toEqual(spec);
    expect(parse(stringify(SPEC)).spec).toEqual(spec);
  });
});
