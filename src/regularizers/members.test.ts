import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { computed } from '../../test/support/computed.js';
import { describeStep, stepperOf } from '../../test/support/stepper.js';
import { PICTURES, problem, SMALL_CNN } from '../../test/support/training-problem.js';
import { inline } from '../graph/inline.js';
import type { Graph } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { float32 } from '../graph/tensor.js';
import { deriveSeed } from '../numeric/random.js';
import { readArchitecture } from '../training/architecture.js';
import { sgd } from '../training/optimizers.js';
import { architectureOf } from '../training/problem.js';
import { memberOutputs, sideBySide } from './members.js';
import { defineRegularizer, type Regularizer } from './regularizer.js';

const given = problem({ inputs: PICTURES, model: SMALL_CNN });
const context = { seed: 3, task: 'classification' as const, redraw: given.redraw };

/** Logits of a graph for some pictures. */
async function logitsOf(graph: Graph): Promise<number[]> {
  const picture = float32([2, 2, 6, 6], (given.data.inputs.picture.data as Float32Array).slice(0, 144));
  const { y } = await computed({ picture }, ({ b, inputs }) => ({
    y: inline(b, graph, { inputs })[graph.outputs[0].name],
  }));
  return y;
}

const softmax = (logits: readonly number[]): number[] => {
  const shares = logits.map(Math.exp);
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => share / sum);
};

describe('several networks side by side', () => {
  it('predict the mean of the probabilities of networks drawn from seeds of their own', async () => {
    const alone = [given.graph, given.redraw!(deriveSeed(3, 'member', 1)), given.redraw!(deriveSeed(3, 'member', 2))];
    const together = sideBySide(given.graph, 3, context);
    const expected = await Promise.all(alone.map(logitsOf));
    const found = await logitsOf(together);
    for (const row of [0, 1]) {
      const shares = expected.map((logits) => softmax(logits.slice(3 * row, 3 * row + 3)));
      softmax(found.slice(3 * row, 3 * row + 3)).forEach((p, k) => {
        expect(p).toBeCloseTo((shares[0][k] + shares[1][k] + shares[2][k]) / 3, 6);
      });
    }
    expect(memberOutputs(together)).toEqual(['output.member.0', 'output.member.1', 'output.member.2']);
    expect(memberOutputs(given.graph)).toEqual([]);
  });

  it('predict the mean in regression', async () => {
    const one = problem({ inputs: PICTURES, model: SMALL_CNN, task: 'regression' });
    const together = sideBySide(one.graph, 2, { seed: 3, task: 'regression', redraw: one.redraw });
    const [first, second, mean] = await Promise.all(
      [one.graph, one.redraw!(deriveSeed(3, 'member', 1)), together].map(logitsOf),
    );
    mean.forEach((value, i) => {
      expect(value).toBeCloseTo((first[i] + second[i]) / 2, 6);
    });
  });

  it('keep roles, sites and layers of the network, each member numbered alike', () => {
    const single = readArchitecture(given.graph, ['conv1']);
    const double = readArchitecture(sideBySide(given.graph, 2, context), ['conv1']);
    expect(double.depth).toBe(single.depth);
    expect(double.parameters.length).toBe(2 * single.parameters.length);
    for (const { name, role } of single.parameters) {
      const copy = double.parameters.find((parameter) => parameter.name === `${name}.member.1`);
      expect(copy?.role).toBe(role);
      expect(double.layers.get(`${name}.member.1`)).toBe(single.layers.get(name));
      expect(double.layers.get(name)).toBe(single.layers.get(name));
    }
    const kinds = [...single.sites.values()].map(({ kind }) => kind);
    expect([...double.sites.values()].map(({ kind }) => kind)).toEqual([...kinds, ...kinds]);
  });

  it('refuse weights that a file gives: members that start alike stay alike', () => {
    expect(() => sideBySide(given.graph, 2, { ...context, redraw: undefined })).toThrow(
      expect.objectContaining({ code: 'MEMBERS_NEED_FRESH_WEIGHTS', place: 'model' }),
    );
  });

  it('are each trained as they would be alone', async () => {
    const pair = defineRegularizer({
      type: 'pair',
      title: 'Pair',
      technique: 'own',
      summary: 'Two networks.',
      strength: { unit: 'networks', default: 1, range: [1, 1], scale: 'linear', limits: [0, 1], switch: true },
      options: z.strictObject({}),
      hooks: { architecture: (context, _options, graph) => sideBySide(graph, 2, context) },
      cost: { training: 'two networks', inference: 'two networks' },
      fails: [],
      dataSize: '',
      references: [],
    });
    const plain = problem({ training: { batchSize: 12 } });
    const active = { regularizer: pair as Regularizer, strength: 1, schedule: undefined, options: {} };
    const both = { ...plain, regularizers: [active] };
    const runtime = await openRuntime();
    const at = { step: 1, rate: 0.1, rows: plain.data.train.subarray(0, 12) };
    const step = async (problemOf: typeof plain) => {
      const description = describeStep(problemOf, sgd({ momentum: 0, nesterov: false }));
      const stepper = await stepperOf(runtime, problemOf, description, true);
      const initial = new Map(
        description.architecture.parameters.map(({ name, initial: { data } }) => [name, Float64Array.from(data)]),
      );
      const { loss, state } = await stepper.run(stepper.stateOf(initial), at);
      stepper.release();
      return { loss, parameters: stepper.parametersOf(state) };
    };
    const second = { ...plain, graph: plain.redraw!(deriveSeed(plain.seed, 'member', 1)) };
    const [together, first, other] = [await step(both), await step(plain), await step(second)];
    expect(together.loss).toBeCloseTo((first.loss + other.loss) / 2, 6);
    for (const [name, values] of first.parameters) {
      values.forEach((value, i) => {
        expect(together.parameters.get(name)![i]).toBeCloseTo(value, 6);
        expect(together.parameters.get(`${name}.member.1`)![i]).toBeCloseTo(other.parameters.get(name)![i], 6);
      });
    }
    expect(architectureOf(both).members).toEqual(['output.member.0', 'output.member.1']);
  });
});
