import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { worstOf } from '../../../test/support/attack-goldens.js';
import { computed } from '../../../test/support/computed.js';
import {
  FEATURES,
  openRuntimes,
  problem,
  trained,
  weightBytes,
  weightsOf,
} from '../../../test/support/training-problem.js';
import { IR_VERSION, OPSET } from '../../graph/builder.js';
import { gradients } from '../../graph/gradients.js';
import type { Graph } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float64, int64, type Tensor } from '../../graph/tensor.js';
import type { TrainingProblem } from '../../training/problem.js';
import type { Asset } from '../regularizer.js';
import { blend, rareClassWeights, softLoss } from './index.js';

interface Goldens {
  readonly student: readonly number[];
  readonly teacher: readonly number[];
  readonly labels: readonly number[];
  readonly cases: readonly { temperature: number; alpha: number; loss: number; gradient: readonly number[] }[];
}

const GOLDENS = JSON.parse(readFileSync(new URL('goldens/distillation.json', import.meta.url), 'utf8')) as Goldens;

let runtime: Runtime;
beforeAll(async () => {
  runtime = (await openRuntimes()).ffi;
});

describe('the loss', () => {
  it.each(GOLDENS.cases)("is PyTorch's at temperature $temperature", async ({ temperature, alpha, loss, gradient }) => {
    const feeds = {
      student: float64([6, 4], GOLDENS.student),
      teacher: float64([6, 4], GOLDENS.teacher),
      labels: int64([6], GOLDENS.labels),
    };
    const found = await computed(feeds, ({ b, inputs: { student, teacher, labels } }) => {
      const hard = b.neg(b.reduceSum(b.mul(b.logSoftmax(student), b.oneHot(labels, 4, 'float64')), [1]));
      const mean = b.reduceMean(blend(b, hard, softLoss(b, student, teacher, temperature), alpha));
      return { loss: mean, gradient: gradients(b, mean, [student])[0]! };
    });
    expect(found.loss[0]).toBeCloseTo(loss, 10);
    expect(worstOf(found.gradient, gradient)).toBeLessThan(1e-9);
  });

  it('weighs rare classes so that the mean over rows is 1', () => {
    const weights = rareClassWeights([0, 0, 0, 0, 0, 0, 1, 1, 1], 3);
    expect(Array.from(weights)).toEqual([0.75, 1.5, 0]);
  });
});

const setting = { inputs: FEATURES, training: { epochs: 2 } };

/** A teacher of the suite's problem, trained for a while. */
async function teacherGraph(): Promise<Graph> {
  return (await trained(runtime, problem({ inputs: FEATURES, training: { epochs: 20 } }))).graph;
}

function withTeacher(asset: Omit<Asset, 'hash'>, options: Record<string, unknown> = {}): TrainingProblem {
  const given = problem({ ...setting, regularizers: [{ type: 'distillation', teacher: 'teacher.onnx', ...options }] });
  const assets = new Map([['teacher', { ...asset, hash: 'x' }]]);
  return { ...given, regularizers: given.regularizers.map((active) => ({ ...active, assets })) };
}

/** The teacher with its classes in another order. */
function reversed(graph: Graph): Graph {
  const order: Tensor = int64([3], [2, 1, 0]);
  return {
    ...graph,
    initializers: new Map([...graph.initializers, ['order', order]]),
    outputs: graph.outputs.map((output) => ({ ...output, name: 'reversed' })),
    nodes: [
      ...graph.nodes,
      {
        name: 'reverse',
        opType: 'Gather',
        domain: '',
        inputs: [graph.outputs[0].name, 'order'],
        outputs: ['reversed'],
        attributes: { axis: { kind: 'int', value: 1 } },
      },
    ],
  };
}

describe('a teacher', () => {
  it('brings the student closer to its answers', async () => {
    const graph = await teacherGraph();
    const labels = weightBytes(await trained(runtime, withTeacher({ graph }, { strength: 1e-9 })));
    const taught = await trained(runtime, withTeacher({ graph }, { strength: 1 }));
    expect(weightBytes(taught)).not.toEqual(labels);
    const given = withTeacher({ graph }, { strength: 1 });
    const optimizer = {
      ...given.options.optimizer,
      type: 'sgd' as const,
      learningRate: 0.1,
      momentum: 0,
      nesterov: false,
    };
    const same = await trained(runtime, { ...given, graph, options: { ...given.options, optimizer } });
    // A student that starts as its teacher has nothing to learn from it: what is left is rounding.
    const worst = weightsOf(same).reduce((most, w, i) => Math.max(most, Math.abs(w - weightsOf({ graph })[i])), 0);
    expect(worst).toBeLessThan(1e-5);
  });

  it('is the same within the step and by row, on raw columns of its own encoding', async () => {
    const graph = await teacherGraph();
    const inStep = withTeacher({ graph });
    const model = {
      irVersion: IR_VERSION,
      opsets: new Map([['', OPSET]]),
      producer: { name: 'test', version: '' },
      metadata: new Map<string, string>(),
      graph,
    };
    const byRow = withTeacher({ graph, raw: { model, feeds: inStep.data.inputs } });
    const first = weightsOf(await trained(runtime, inStep));
    const second = weightsOf(await trained(runtime, byRow));
    expect(worstOf(second, first)).toBeLessThan(1e-5);
  });

  it('of operators without rules is asked by row', async () => {
    const graph = await teacherGraph();
    const odd: Graph = {
      ...graph,
      nodes: [
        ...graph.nodes.map((node) => ({
          ...node,
          outputs: node.outputs.map((name) => (name === graph.outputs[0].name ? 'inner' : name)),
        })),
        // The identity, by operators without a rule.
        {
          name: 'odd',
          opType: 'Optional',
          domain: '',
          inputs: ['inner'],
          outputs: ['maybe'],
          attributes: {},
        },
        {
          name: 'get',
          opType: 'OptionalGetElement',
          domain: '',
          inputs: ['maybe'],
          outputs: [graph.outputs[0].name],
          attributes: {},
        },
      ],
    };
    const first = weightsOf(await trained(runtime, withTeacher({ graph })));
    const second = weightsOf(await trained(runtime, withTeacher({ graph: odd })));
    expect(worstOf(second, first)).toBeLessThan(1e-5);
  });

  it('of another order of classes is put right by their names, and one of other classes is refused', async () => {
    const graph = await teacherGraph();
    const plain = weightsOf(await trained(runtime, withTeacher({ graph, classes: ['a', 'b', 'c'] })));
    const other = withTeacher({ graph: reversed(graph), classes: ['c', 'b', 'a'] });
    expect(worstOf(weightsOf(await trained(runtime, other)), plain)).toBeLessThan(1e-5);
    for (const classes of [
      ['a', 'b', 'd'],
      ['a', 'b'],
      ['a', 'b', 'c', 'd'],
    ]) {
      await expect(trained(runtime, withTeacher({ graph, classes }))).rejects.toMatchObject({
        code: 'DISTILLATION_CLASSES',
        kind: 'input',
      });
    }
    await expect(trained(runtime, withTeacher({ graph }, { output: 'nothing' }))).rejects.toMatchObject({
      code: 'DISTILLATION_OUTPUT',
    });
  });

  it('gives its features through a map that is no part of the model', async () => {
    const { graph } = await trained(
      runtime,
      problem({ inputs: FEATURES, model: { type: 'mlp', hidden: [9, 5], activation: 'tanh' } }),
    );
    const given = withTeacher({ graph }, { features: 1 });
    const with_ = await trained(runtime, given);
    expect(weightBytes(with_)).not.toEqual(weightBytes(await trained(runtime, withTeacher({ graph }))));
    expect([...with_.graph.initializers.keys()]).toEqual([...given.graph.initializers.keys()]);
  });

  it('speaks in probabilities as well', async () => {
    const graph = await teacherGraph();
    const [output] = graph.outputs;
    const squashed: Graph = {
      ...graph,
      outputs: [{ ...output, name: 'probabilities' }],
      nodes: [
        ...graph.nodes,
        {
          name: 'squash',
          opType: 'Softmax',
          domain: '',
          inputs: [output.name],
          outputs: ['probabilities'],
          attributes: {},
        },
      ],
    };
    const first = weightsOf(await trained(runtime, withTeacher({ graph })));
    const second = weightsOf(await trained(runtime, withTeacher({ graph: squashed })));
    expect(worstOf(second, first)).toBeLessThan(1e-4);
  });
});
