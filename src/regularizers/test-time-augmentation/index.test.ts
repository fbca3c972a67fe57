import { beforeAll, describe, expect, it } from 'vitest';
import { openRuntimes, PICTURES, problem, SMALL_CNN, trained } from '../../../test/support/training-problem.js';
import { GraphBuilder } from '../../graph/builder.js';
import { writeModel } from '../../graph/format/encode.js';
import type { Graph, Node } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { float32, int64, type Tensor, tensor } from '../../graph/tensor.js';
import { readArchitecture } from '../../training/architecture.js';
import { augmentationGraph } from '../augmentation-graph.js';
import { findConflicts } from '../resolve.js';
import { overViews } from './views.js';

let runtime: Runtime;
beforeAll(async () => {
  ({ ffi: runtime } = await openRuntimes());
});

const AUGMENTATION = { type: 'image-augmentation', strength: 0.8, rotate: 20, crop: 0.2 };
const VIEWS = 5;
const SEED = 3;
const given = problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: [AUGMENTATION] });
const setting = { inputs: PICTURES, active: given.regularizers, views: VIEWS, seed: SEED, outputs: 3 } as const;
const pictures = (given.data.inputs.picture.data as Float32Array).slice(0, 4 * 72);

async function outputsOf(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const session = await runtime.load(writeModel({ ...new GraphBuilder().model(), graph }));
  const found = await session.run(feeds);
  session.release();
  return Array.from(found[graph.outputs[0].name].data as Float32Array);
}

const softmax = (logits: readonly number[]): number[] => {
  const exponents = logits.map((value) => Math.exp(value));
  const sum = exponents.reduce((total, value) => total + value, 0);
  return exponents.map((value) => value / sum);
};

/** What the network says of each view of a row, made by the exported augmentation: [views][outputs]. */
async function ofViews(picture: Float32Array): Promise<number[][]> {
  const { model } = augmentationGraph(given.regularizers, { inputs: PICTURES, rows: VIEWS - 1 });
  const session = await runtime.load(writeModel(model));
  const copies = Float32Array.from({ length: (VIEWS - 1) * 72 }, (_, i) => picture[i % 72]);
  const { 'augmented.picture': made } = await session.run({
    picture: float32([VIEWS - 1, 2, 6, 6], copies),
    seed: tensor('uint32', [1], Uint32Array.of(SEED)),
    step: tensor('uint32', [1], Uint32Array.of(0)),
  });
  session.release();
  const all = float32([VIEWS, 2, 6, 6], [...picture, ...(made.data as Float32Array)]);
  const logits = await outputsOf(given.graph, { picture: all });
  return Array.from({ length: VIEWS }, (_, view) => logits.slice(3 * view, 3 * view + 3));
}

describe('overViews', () => {
  it('is the mean probability over the row and what the exported augmentation makes of it, for any batch', async () => {
    const graph = overViews(given.graph, { ...setting, task: 'classification' });
    const found = await outputsOf(graph, { picture: float32([4, 2, 6, 6], pictures) });
    for (let row = 0; row < 4; row++) {
      const picture = pictures.slice(row * 72, (row + 1) * 72);
      const probabilities = (await ofViews(picture)).map(softmax);
      const mean = [0, 1, 2].map((c) => probabilities.reduce((sum, p) => sum + p[c], 0) / VIEWS);
      softmax(found.slice(3 * row, 3 * row + 3)).forEach((value, c) => {
        expect(Math.abs(value - mean[c])).toBeLessThan(1e-5);
      });
      const alone = await outputsOf(graph, { picture: float32([1, 2, 6, 6], picture) });
      alone.forEach((value, c) => {
        expect(Math.abs(value - found[3 * row + c])).toBeLessThan(1e-5);
      });
    }
  });

  it('is the mean prediction in regression', async () => {
    const graph = overViews(given.graph, { ...setting, task: 'regression' });
    const picture = pictures.slice(0, 72);
    const found = await outputsOf(graph, { picture: float32([1, 2, 6, 6], picture) });
    const views = await ofViews(picture);
    found.forEach((value, c) => {
      expect(Math.abs(value - views.reduce((sum, logits) => sum + logits[c], 0) / VIEWS)).toBeLessThan(1e-5);
    });
    expect(views[1]).not.toEqual(views[2]);
  });

  it('leaves other outputs to the row itself', async () => {
    const most: Node = {
      name: 'most',
      opType: 'ReduceMax',
      domain: '',
      inputs: [given.graph.outputs[0].name, 'most.axes'],
      outputs: ['most'],
      attributes: {},
    };
    const outputs = [...given.graph.outputs, { name: 'most', type: 'float32' as const, shape: ['batch', 1] }];
    const initializers = new Map<string, Tensor>([...given.graph.initializers, ['most.axes', int64([1], [1])]]);
    const two = { ...given.graph, initializers, nodes: [...given.graph.nodes, most], outputs };
    const swapped = (graph: Graph): Graph => ({ ...graph, outputs: [...graph.outputs].reverse() });
    const picture = float32([4, 2, 6, 6], pictures);
    const found = await outputsOf(swapped(overViews(two, { ...setting, task: 'classification' })), { picture });
    expect(found).toHaveLength(4);
    const alone = await outputsOf(given.graph, { picture });
    found.forEach((value, row) => {
      expect(value).toBeCloseTo(Math.max(...alone.slice(3 * row, 3 * row + 3)), 5);
    });
  });

  it('keeps the weights of the network where they were', () => {
    const graph = overViews(given.graph, { ...setting, task: 'classification' });
    expect(readArchitecture(graph).parameters.map(({ name }) => name)).toEqual(
      readArchitecture(given.graph).parameters.map(({ name }) => name),
    );
  });
});

describe('a run with test-time augmentation', () => {
  it('predicts by views, and tells what that did to the validation rows and what it costs', async () => {
    const entries = [AUGMENTATION, { type: 'test-time-augmentation', views: VIEWS }];
    const with_ = await trained(runtime, problem({ inputs: PICTURES, model: SMALL_CNN, regularizers: entries }));
    const without = await trained(runtime, given);
    expect(with_.outputs.validation).not.toEqual(without.outputs.validation);
    const [{ message }] = with_.findings.filter(({ code }) => code === 'TEST_TIME_AUGMENTATION');
    expect(message).toMatch(
      /20 validation rows from accuracy [\d.]+ to [\d.]+, logLoss [\d.]+ to [\d.]+, ece [\d.]+ to [\d.]+, for [\d.]+ times the time/,
    );
    const last = without.history[without.history.length - 1].validation;
    expect(message).toContain(`logLoss ${last.logLoss.toFixed(4)} to`);
    expect(message).toContain(`accuracy ${last.accuracy.toFixed(4)} to`);
  });

  it('is refused where nothing augments', () => {
    const { regularizers: active } = problem({
      regularizers: [{ type: 'mixup' }, { type: 'test-time-augmentation' }],
    });
    const conflicts = findConflicts({
      active,
      task: 'classification',
      parameters: [],
      operators: [],
      optimizer: 'sgd',
      inputs: PICTURES,
      rows: 9,
      epochs: 1,
      classes: ['a', 'b'],
      columns: [],
    });
    expect(conflicts.map(({ code, severity }) => [code, severity])).toContainEqual([
      'TEST_TIME_AUGMENTATION_WITHOUT_AUGMENTATION',
      'error',
    ]);
  });
});
