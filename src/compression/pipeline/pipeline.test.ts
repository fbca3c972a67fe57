import { beforeAll, describe, expect, test } from 'vitest';
import { network } from '../../../test/support/networks.js';
import { writeModel } from '../../graph/format/encode.js';
import { int, type Model, type Node } from '../../graph/model.js';
import { openRuntime } from '../../graph/runtime/choose.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, sizeOf } from '../../graph/tensor.js';
import { derive } from '../../numeric/random.js';
import { answersTo, type Examples, feedsOf } from '../examples.js';
import { searchedStudents, studentOf } from '../train/student.js';
import { type ApplyOptions, Workshop } from './apply.js';
import type { Figures } from './figures.js';
import { paretoFront } from './front.js';
import { recalibrate } from './recalibrate.js';
import { candidatesOf, stepText } from './steps.js';
import type { Subject } from './subject.js';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await openRuntime();
});

const OPTIONS: ApplyOptions = {
  ...{ learningRate: 1e-3, batchSize: 32, teacherShare: 0.5, teacherFeatures: 0, classWeighted: false },
  ...{ calibration: 'min-max', reducedRange: true, calibrationRows: 64, multipleOf: 1 },
};

/** Rows of which the class is that of the largest of three features. */
function subjectOf(
  task: 'classification' | 'regression' = 'classification',
): Subject & { readonly examples: Examples } {
  const { model, inputs } = network('mlp');
  const stream = derive('pipeline', task);
  const rows = 240;
  const [{ name, shape }] = inputs;
  const width = sizeOf(shape);
  const data = Float32Array.from({ length: rows * width }, () => 50 + 20 * stream.normal());
  const largest = Int32Array.from({ length: rows }, (_, row) => {
    const three = data.subarray(row * width, row * width + 3);
    return three.indexOf(Math.max(...three));
  });
  const from = (start: number, end: number) => Uint32Array.from({ length: end - start }, (_, i) => start + i);
  return {
    network: model,
    examples: {
      task,
      classes: task === 'classification' ? ['a', 'b', 'c'] : [],
      output: { name: 'output', kind: task === 'classification' ? 'logits' : 'predictions' },
      inputs: { [name]: float32([rows, width], data) },
      target: task === 'classification' ? largest : Float64Array.from(largest, (_, row) => 1000 + data[row * width]),
    },
    rows: { fit: from(0, 160), tune: from(160, 200), judge: from(200, rows) },
    ...{ primary: task === 'classification' ? 'accuracy' : 'rmse', seed: 1, deploy: (made) => made },
    request: {},
    ...{ source: { path: 'm.onnx', bytes: 1, sha256: '' }, dataVersion: 'v' },
  };
}

describe('the order of the steps', () => {
  const candidates = candidatesOf({ quick: false, epochs: 1, criterion: 'magnitude' });

  test('both are declared: prune, quantize, distil; and distil, prune, quantize', () => {
    const told = Object.fromEntries(candidates.map(({ id, steps }) => [id, steps.map(stepText)]));
    expect(told['prune50-int8-distil']).toEqual(['prune 50 %', 'static-int8', 'distil 1 epochs']);
    expect(told['distil-prune50-distil-int8']).toEqual([
      'distil 1 epochs',
      'prune 50 %',
      'distil 1 epochs',
      'static-int8',
    ]);
  });

  test('or a spec declares them, each at its shares, and what is a conversion alone is tried once', () => {
    const ids = candidatesOf({
      ...{ quick: false, epochs: 2, criterion: 'magnitude', ratios: [0.125, 0.5] },
      orders: [['prune', 'fp16'], ['distil', 'drop'], ['fp16'], ['distil', 'dynamic-int8']],
    }).map(({ id }) => id);
    const ordered = ['prune12.5-fp16', 'prune50-fp16', 'distil-drop12.5', 'distil-drop50', 'distil-dynamic'];
    expect(ids).toEqual(['clean', 'fp16', 'dynamic-int8', 'static-int8', ...ordered]);
  });

  test.each(['prune50-int8-distil', 'distil-prune50-distil-int8', 'prune50-distil-int8'])(
    '%s: narrower, in 8 bits, and it answers',
    async (id) => {
      const subject = subjectOf();
      const { steps } = candidates.find((each) => each.id === id)!;
      const model = await new Workshop(runtime, subject, OPTIONS).make(steps);
      expect(model.graph.nodes.some(({ opType }) => opType === 'DequantizeLinear')).toBe(true);
      expect(writeModel(model).length).toBeLessThan(writeModel(subject.network).length * 2);
      const stored = [...model.graph.initializers.values()].filter(({ type }) => type === 'int8');
      const largest = Math.max(...stored.map(({ shape }) => sizeOf(shape)));
      expect(largest).toBeLessThan(16 * 12);
      const answers = await answersTo(runtime, model, subject.examples, subject.rows.judge);
      expect(answers).toMatchObject({ task: 'classification', logits: expect.any(Array) });
    },
  );

  test('a training behind a quantization rounds: its weights are not those of one without', async () => {
    const subject = subjectOf();
    const workshop = new Workshop(runtime, subject, OPTIONS);
    const of = (id: string) => workshop.make(candidates.find((each) => each.id === id)!.steps);
    const [aware, plain] = [await of('prune50-int8-distil'), await of('prune50-distil-int8')];
    expect(Buffer.compare(writeModel(aware), writeModel(plain))).not.toBe(0);
  });
});

describe('students', () => {
  test.each([
    ['a table', [9], ['mlp16', 'mlp32']],
    ['pictures', [3, 12, 12], ['cnn8', 'cnn16']],
    ['a series', [6, 5], ['transformer16', 'transformer32']],
    ['a tiny picture', [1, 2, 2], ['cnn8', 'cnn16']],
  ])('of %s are searched among what suits it, and answer in the shape of the original', async (_what, shape, names) => {
    const data = float32([4, ...shape], new Float32Array(4 * sizeOf(shape)).fill(3));
    const base = subjectOf();
    const rows = { fit: Uint32Array.of(0, 1), tune: Uint32Array.of(2), judge: Uint32Array.of(3) };
    const subject = {
      ...base,
      rows,
      examples: { ...base.examples, inputs: { x: data }, target: new Int32Array(4) },
    };
    const students = searchedStudents(subject.examples);
    expect(students.map(({ name }) => name)).toEqual(names);
    for (const student of students) {
      const session = await runtime.load(writeModel(studentOf(subject, student)));
      const { output } = await session.run({ x: data });
      session.release();
      expect(output.shape).toEqual([4, 3]);
      expect(Array.from(output.data as Float32Array).every(Number.isFinite)).toBe(true);
    }
  });

  test('of tokens know every token of the original, those that no row has too', async () => {
    const { model } = network('tokens');
    const tokens = int64([4, 7], new Array<number>(28).fill(2));
    const base = subjectOf();
    const rows = { fit: Uint32Array.of(0, 1), tune: Uint32Array.of(2), judge: Uint32Array.of(3) };
    const examples = { ...base.examples, inputs: { tokens }, target: new Int32Array(4) };
    const subject: Subject = { ...base, network: model, rows, examples };
    const [student] = searchedStudents(examples);
    const session = await runtime.load(writeModel(studentOf(subject, student)));
    const { output } = await session.run({ tokens: int64([1, 7], [0, 1, 2, 5, 8, 9, 10]) });
    session.release();
    expect(output.shape).toEqual([1, 3]);
  });

  test('answer all that the original makes of its scores, and recalibration reaches it', async () => {
    const subject = subjectOf();
    const node = (opType: string, inputs: string[], made: string): Node => ({
      ...{ name: made, opType, domain: '', inputs, outputs: [made], attributes: {} },
    });
    const { graph } = subject.network;
    const further = [
      { name: 'probabilities', type: 'float32' as const, shape: ['batch', 3] },
      { name: 'best', type: 'int64' as const, shape: ['batch', 1] },
    ];
    const network: Model = {
      ...subject.network,
      graph: {
        ...graph,
        outputs: [...graph.outputs, ...further],
        nodes: [
          ...graph.nodes,
          node('Softmax', ['output'], 'probabilities'),
          { ...node('ArgMax', ['output'], 'best'), attributes: { axis: int(1) } },
        ],
      },
    };
    const [student] = searchedStudents(subject.examples);
    const made = studentOf({ ...subject, network }, student);
    expect(made.graph.outputs.map(({ name }) => name)).toEqual(['output', 'probabilities', 'best']);
    const answers = await answersTo(runtime, made, subject.examples, subject.rows.tune);
    const { model } = recalibrate(made, subject.examples, answers, [0, 50, 0]);
    const session = await runtime.load(writeModel(model));
    const [input] = session.inputs;
    const { output, probabilities, best } = await session.run(feedsOf(subject.examples.inputs, Uint32Array.of(0)));
    session.release();
    expect(input.name).toBe(Object.keys(subject.examples.inputs)[0]);
    expect(best.data[0]).toBe(1n);
    const scores = Array.from(output.data as Float32Array, Math.exp);
    const total = scores.reduce((sum, score) => sum + score, 0);
    scores.forEach((score, k) => {
      expect(probabilities.data[k]).toBeCloseTo(score / total, 5);
    });
  });

  test('learn, from inputs far from 0 too', async () => {
    const subject = subjectOf();
    const [student] = searchedStudents(subject.examples);
    const steps = [{ do: 'student', student } as const, { do: 'distil', epochs: 30 } as const];
    const options = { ...OPTIONS, teacherShare: 0, learningRate: 1e-2 };
    const model = await new Workshop(runtime, subject, options).make(steps);
    const answers = await answersTo(runtime, model, subject.examples, subject.rows.judge);
    if (answers.task !== 'classification') throw new Error('it tells classes');
    const [logits, target] = [Array.from(answers.logits ?? []), answers.target];
    const right = Array.from(target).filter((code, row) => {
      const own = logits.slice(3 * row, 3 * row + 3);
      return own.indexOf(Math.max(...own)) === code;
    });
    expect(right.length / target.length).toBeGreaterThan(0.6);
  });

  test('learn from the features of the teacher too: other weights than from its scores alone', async () => {
    const subject = subjectOf();
    const [student] = searchedStudents(subject.examples);
    const steps = [{ do: 'student', student } as const, { do: 'distil', epochs: 1 } as const];
    const made = (teacherFeatures: number) =>
      new Workshop(runtime, subject, { ...OPTIONS, teacherFeatures }).make(steps);
    const [taught, without] = [await made(2), await made(0)];
    expect([...taught.graph.initializers.keys()]).toEqual([...without.graph.initializers.keys()]);
    expect(Buffer.compare(writeModel(taught), writeModel(without))).not.toBe(0);
  });

  test('of numbers begin at their mean, in their unit', async () => {
    const subject = subjectOf('regression');
    const [student] = searchedStudents(subject.examples);
    const answers = await answersTo(runtime, studentOf(subject, student), subject.examples, subject.rows.judge);
    if (answers.task !== 'regression') throw new Error('it tells numbers');
    const predictions = Array.from(answers.predictions);
    const mean = predictions.reduce((sum, value) => sum + value, 0) / predictions.length;
    expect(mean).toBeGreaterThan(950);
    expect(mean).toBeLessThan(1150);
  });
});

test.each(['logits', 'probabilities'] as const)(
  'offsets move the %s of a class, whatever they are divided by',
  async (kind) => {
    const subject = subjectOf();
    const { nodes, outputs } = subject.network.graph;
    const softmax = { name: 's', opType: 'Softmax', domain: '', inputs: ['output'], outputs: ['p'], attributes: {} };
    const graph = { ...subject.network.graph, nodes: [...nodes, softmax], outputs: [{ ...outputs[0], name: 'p' }] };
    const network = kind === 'logits' ? subject.network : { ...subject.network, graph };
    const examples = { ...subject.examples, output: { name: kind === 'logits' ? 'output' : 'p', kind } };
    const scores = async (model: Model): Promise<number[]> => {
      const answers = await answersTo(runtime, model, examples, subject.rows.judge);
      if (answers.task !== 'classification') throw new Error('it tells classes');
      return answers.logits === undefined
        ? Array.from(answers.probabilities ?? [], Math.log)
        : Array.from(answers.logits);
    };
    const offsets = [0, 2, -1];
    const answers = await answersTo(runtime, network, examples, subject.rows.tune);
    const { model, temperature, offsets: told } = recalibrate(network, examples, answers, offsets);
    expect(told).toEqual(offsets);
    const [before, after] = [await scores(network), await scores(model)];
    const gap = (all: number[], row: number, k: number): number => all[3 * row + k] - all[3 * row];
    let compared = 0;
    for (let row = 0; row < subject.rows.judge.length; row++) {
      // Probabilities further out are drawn in.
      if (Math.max(...before.slice(3 * row, 3 * row + 3)) - Math.min(...before.slice(3 * row, 3 * row + 3)) > 14)
        continue;
      compared++;
      for (const k of [1, 2]) {
        expect(gap(after, row, k)).toBeCloseTo((gap(before, row, k) + offsets[k]) / temperature, 2);
      }
    }
    expect(compared).toBeGreaterThan(5);
  },
);

test('memory is an objective: of two models alike in all else the one that takes less is on the front', () => {
  const figures = (peakMemoryBytes: number): Figures => ({
    ...{
      quality: { value: 0.9, interval: [0.8, 1] },
      loss: null,
      ece: null,
      worstClass: null,
      timeRatio: { value: 1, interval: [1, 1] },
    },
    ...{ p50Ms: 1, p99Ms: 1, coldStartMs: 1, bytes: 100, peakMemoryBytes },
  });
  expect(paretoFront([figures(1e8), figures(2e8)], 'accuracy')).toEqual([true, false]);
  // Below what measurements of one model differ by.
  expect(paretoFront([figures(1e8), figures(1.01e8)], 'accuracy')).toEqual([true, true]);
});
