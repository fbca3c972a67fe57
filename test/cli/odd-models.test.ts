import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ballast } from '../support/command.js';
import { ODD_MODELS, writeOdd } from '../support/odd-models.js';
import { customerRows, writeCsv } from '../support/small-data.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-odd-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => {
  writeCsv(
    join(folder, 'customers.csv'),
    customerRows(160).filter(([age]) => age !== ''),
  );
});

const ROWS = [
  '--data',
  'customers.csv',
  '--target',
  'plan',
  '--task',
  'classification',
  '--input',
  'features=spent+age',
];
const step = (method: string, ...more: string[]) => ['compress', '--method', method, '--out', 'out.onnx', ...more];

/** What is done to each model. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  evaluate: ['evaluate'],
  bench: ['bench', '--seconds', '0.01', '--cold-starts', '0', '--dim', 'd=2', '--dim', 'features:1=2'],
  clean: step('clean'),
  dynamic: step('dynamic-int8'),
  static: step('static-int8', '--calibration', 'min-max', '--rounding', 'adaptive'),
  prune: step('prune', '--criterion', 'magnitude'),
  sparsify: step('sparsify', '--epochs', '1'),
};

/** What is refused, and how: of a model by every command, or by some. The others work. */
const REFUSED: Readonly<Record<string, RegExp | Readonly<Record<string, RegExp>>>> = {
  'opset 6': /opset 6|Add\(6\) node with name 'sum_node'/,
  'opset 99': /[Oo]pset 99/,
  'no shapes': { bench: /declared without a shape\. Give real rows with --data/ },
  'a custom operator': /Riddle/,
  'a dead branch with a custom operator': { bench: /node unused_node.*Riddle/ },
  'a subgraph of If': { prune: /in the way: If/, sparsify: /node .*scores_node: If decides by data/ },
  'a subgraph of Loop': { sparsify: /node .*scores_node: operator Loop repeats a subgraph/ },
  'a sequence inside': {
    prune: /in the way: SequenceConstruct/,
    sparsify: /node .*list_node: operator SequenceConstruct/,
  },
  'random numbers': {
    prune: /in the way: RandomUniformLike/,
    sparsify: /node .*noise_node: operator RandomUniformLike/,
  },
  'double precision': {
    dynamic: /no matrix products or tables/,
    static: /no convolutions or matrix products of float32/,
    sparsify: /no float32 weights/,
  },
  'nothing but an identity': {
    dynamic: /no matrix products or tables/,
    static: /no convolutions or matrix products/,
    prune: /no channel, neuron or head/,
    sparsify: /no float32 weights/,
  },
  'one weight used twice': { prune: /no channel, neuron or head/ },
  'external data missing': /tensor "w": external data .* cannot be opened/,
  'not a model': /this is not an ONNX model/,
  'cut short': /a damaged one: a field declares/,
};

/** Of so many opsets alike, some go through all of the commands, the others through one each. */
const WHOLLY = /^opset (?:6|7|26|99)$/;

describe.each(ODD_MODELS)('%s', (name) => {
  const output = name === 'ZipMap' ? 'output_probability:probabilities' : 'scores:logits';
  const commands = name.startsWith('opset') && !WHOLLY.test(name) ? ['static'] : Object.keys(COMMANDS);

  test(`works, or is refused with a reason: ${commands.join(', ')}`, async () => {
    const file = await writeOdd(name, folder);
    for (const command of commands) {
      const [verb, ...options] = COMMANDS[command];
      const fed = verb === 'bench' ? [] : [...ROWS, '--output', output];
      const { code, stdout, stderr } = await ballast(folder, verb, file, ...options, ...fed, '--json');
      const refused = REFUSED[name];
      const reason = refused instanceof RegExp ? refused : refused?.[command];
      if (reason === undefined) {
        expect(code, `${command}: ${stderr}`).toBe(0);
        expect(JSON.parse(stdout)).toBeTypeOf('object');
      } else {
        expect(stderr, command).toMatch(reason);
        expect(code, command).toBe(2);
      }
    }
  });
});

test('the node of an operator that the runtime does not have is named', async () => {
  const file = await writeOdd('a custom operator', folder);
  const { stderr } = await ballast(folder, 'bench', file, '--cold-starts', '0');
  expect(stderr).toMatch(/node scores_node: .*Riddle.*Export the model with standard operators/s);
});
