import fc from 'fast-check';
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  type Attribute,
  float,
  floats,
  type Graph,
  graphAttribute,
  int,
  ints,
  type Model,
  type Node,
  string,
  strings,
  tensorAttribute,
  type ValueInfo,
} from '../model.js';
import { float32, int64, type Tensor, tensor } from '../tensor.js';
import { writeModel } from './encode.js';
import { normalize } from './normalize.js';
import { printModel } from './print.js';
import { resolveShadowing } from './shadowing.js';
import { validate } from './validate.js';

const value = (name: string): ValueInfo => ({ name, type: 'float32', shape: [2] });

const node = (opType: string, inputs: string, outputs: string, attributes: Record<string, Attribute> = {}): Node => ({
  name: '',
  opType,
  domain: '',
  inputs: inputs === '' ? [] : inputs.split(' '),
  outputs: outputs.split(' '),
  attributes,
});

function graphOf(
  name: string,
  inputs: string[],
  outputs: string[],
  nodes: Node[],
  initializers: Record<string, Tensor> = {},
): Graph {
  return {
    name,
    inputs: inputs.map(value),
    outputs: outputs.map(value),
    initializers: new Map(Object.entries(initializers)),
    nodes,
    valueInfo: new Map(),
  };
}

function modelOf(graph: Graph): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: '', version: '' },
    graph,
    metadata: new Map(),
  };
}

/** Nodes as `Operator inputs -> outputs`. */
const lines = (graph: Graph): string[] =>
  graph.nodes.map((each) => `${each.opType} ${each.inputs.join(' ')} -> ${each.outputs.join(' ')}`);

const normal = (graph: Graph): Graph => normalize(modelOf(graph)).graph;

describe('Identity', () => {
  it('goes in the middle, in chains, and at outputs that a node of the graph makes', () => {
    const nodes = [node('Identity', 'x', 'a'), node('Identity', 'a', 'b'), node('Neg', 'b', 'c'), node('Abs', 'c', 'd'), node('Identity', 'c', 'y'), node('Add', 'c d', 'z')]; // biome-ignore format: one line
    expect(lines(normal(graphOf('g', ['x'], ['y', 'z'], nodes)))).toEqual(['Neg x -> y', 'Abs y -> d', 'Add y d -> z']);
  });

  it('stays where an input, an initializer or another output would have to change its name', () => {
    const nodes = [node('Identity', 'x', 'y'), node('Identity', 'w', 'z'), node('Neg', 'x', 'a'), node('Identity', 'a', 'b'), node('Identity', 'a', 'c')]; // biome-ignore format: one line
    const graph = normal(graphOf('g', ['x'], ['y', 'z', 'b', 'c'], nodes, { w: float32([2], [1, 2]) }));
    expect(lines(graph)).toEqual(['Identity x -> y', 'Identity w -> z', 'Neg x -> b', 'Identity b -> c']);
  });

  it('goes in subgraphs, but not between a subgraph and the graphs around it', () => {
    const inner = graphOf('inner', [], ['o', 'p'], [node('Identity', 'a', 'i'), node('Neg', 'i', 'j'), node('Identity', 'j', 'o'), node('Identity', 'b', 'p')]); // biome-ignore format: one line
    const branches = { then_branch: graphAttribute(inner), else_branch: graphAttribute({ ...inner, name: 'other' }) };
    const nodes = [node('Abs', 'x', 'r'), node('Identity', 'r', 'a'), node('Identity', 'r', 'b'), node('If', 'flag', 'y z', branches), node('Identity', 'r', 'q')]; // biome-ignore format: one line
    const graph = normal(graphOf('g', ['x', 'flag'], ['y', 'z', 'q'], nodes));
    expect(lines(graph)).toEqual(['Abs x -> q', 'If flag -> y z']);
    for (const { value } of Object.values(graph.nodes[1].attributes)) {
      expect(lines(value as Graph)).toEqual(['Neg q -> o', 'Identity q -> p']);
    }
  });
});

describe('Constant', () => {
  it('becomes an initializer, from any of its attributes', () => {
    const attributes: Record<string, Attribute> = {
      value: tensorAttribute(int64([2], [3, 4])),
      value_float: float(0.5),
      value_floats: floats([1, 2]),
      value_int: int(7),
      value_ints: ints([8, 9]),
      value_string: string('a'),
      value_strings: strings(['b', 'c']),
    };
    const names = Object.keys(attributes);
    const nodes = names.map((name) => node('Constant', '', name, { [name]: attributes[name] }));
    const graph = normal(graphOf('g', ['x'], ['y'], [...nodes, node('Whatever', names.join(' '), 'y')]));
    expect(lines(graph)).toEqual([`Whatever ${names.join(' ')} -> y`]);
    expect(Object.fromEntries(graph.initializers)).toEqual({
      value: int64([2], [3, 4]),
      value_float: float32([], [0.5]),
      value_floats: float32([2], [1, 2]),
      value_int: int64([], [7]),
      value_ints: int64([2], [8, 9]),
      value_string: tensor('string', [], ['a']),
      value_strings: tensor('string', [2], ['b', 'c']),
    });
  });

  it('stays a node where it makes an output', () => {
    expect(
      lines(normal(graphOf('g', [], ['y'], [node('Constant', '', 'y', { value_floats: floats([1, 2]) })]))),
    ).toEqual(['Constant  -> y']);
  });
});

describe('dead code', () => {
  it('goes, with its initializers and hints, but not what only a subgraph uses', () => {
    const inner = graphOf('inner', [], ['o'], [node('Add', 'x w', 'o'), node('Neg', 'x', 'unused')], {
      v: float32([1], [0]),
    });
    const branches = { then_branch: graphAttribute(inner), else_branch: graphAttribute(inner) };
    const nodes = [node('Neg', 'x', 'a'), node('Abs', 'a', 'b'), node('If', 'flag', 'y', branches)];
    const tensors = { w: float32([2], [1, 2]), u: float32([2], [1, 2]), flag: tensor('bool', [], Uint8Array.of(1)) };
    const whole = graphOf('g', ['x', 'flag', 'idle'], ['y'], nodes, tensors);
    const graph = normal({ ...whole, valueInfo: new Map([['a', value('a')], ['y', value('y')], ['never', value('never')]]) }); // biome-ignore format: one line
    expect(lines(graph)).toEqual(['If flag -> y']);
    expect([...graph.initializers.keys()]).toEqual(['w', 'flag']);
    expect([...graph.valueInfo.keys()]).toEqual(['y']);
    expect(graph.inputs.map(({ name }) => name)).toEqual(['x', 'flag', 'idle']);
    const kept = graph.nodes[0].attributes.then_branch.value as Graph;
    expect(lines(kept)).toEqual(['Add x w -> o']);
    expect(kept.initializers.size).toBe(0);
  });
});

describe('ZipMap', () => {
  const zipMap = (input: string, output: string, attributes: Record<string, Attribute>): Node => ({
    ...node('ZipMap', input, output, attributes),
    domain: 'ai.onnx.ml',
  });
  const map = (name: string): ValueInfo => ({
    name,
    type: 'float32',
    shape: undefined,
    container: {
      kind: 'sequence',
      element: { kind: 'map', key: 'int64', value: { kind: 'tensor', type: 'float32', shape: [] } },
    },
  });

  it('of several outputs keeps the classes of each', () => {
    const nodes = [
      { ...node('LinearClassifier', 'x', 'l p'), domain: 'ai.onnx.ml' },
      { ...node('LinearClassifier', 'x', 'm q'), domain: 'ai.onnx.ml' },
      zipMap('p', 'first', { classlabels_int64s: ints([3, 5]) }),
      zipMap('q', 'second', { classlabels_strings: strings(['no', 'yes', 'maybe']) }),
    ];
    const graph = { ...graphOf('g', ['x'], [], nodes), outputs: [map('first'), map('second')] };
    const model = normalize({ ...modelOf(graph), opsets: new Map([['ai.onnx.ml', 3]]) });
    expect(JSON.parse(model.metadata.get('ballast.classes') ?? '')).toEqual({
      first: [3, 5],
      second: ['no', 'yes', 'maybe'],
    });
    expect(lines(model.graph)).toEqual(['LinearClassifier x -> l first', 'LinearClassifier x -> m second']);
    expect(model.graph.outputs).toEqual([
      { name: 'first', type: 'float32', shape: [null, 2] },
      { name: 'second', type: 'float32', shape: [null, 3] },
    ]);
  });
});

describe('names in subgraphs that stand outside too', () => {
  it('are changed inside, where the inner one counts', () => {
    const innermost = graphOf('innermost', [], ['o'], [node('Add', 'a later', 'o')]);
    const inner = graphOf(
      'inner',
      [],
      ['y'],
      [
        node('Neg', 'x', 'a'),
        node('If', 'flag', 'later', { then_branch: graphAttribute(graphOf('n', [], ['n'], [node('Abs', 'a', 'n')])) }),
        node('If', 'flag', 'y', { then_branch: graphAttribute(innermost), else_branch: graphAttribute(innermost) }),
      ],
    );
    const nodes = [
      node('Abs', 'x', 'a'),
      node('If', 'flag', 'y', { then_branch: graphAttribute(inner) }),
      node('Neg', 'a', 'later'),
    ];
    const graph = graphOf('g', ['x', 'flag'], ['y', 'later'], nodes);
    const resolved = resolveShadowing(graph);
    validate(modelOf(resolved));
    expect(printModel(modelOf(resolved)).split('graph g\n')[1]).toMatchInlineSnapshot(`
      "  input  x: float32[2]
        input  flag: float32[2]
        output y: float32[2]
        output later: float32[2]
        a = Abs(x)
        y = If(flag)
          then_branch:
            graph inner
              output y_inner: float32[2]
              a_inner = Neg(x)
              later_inner = If(flag)
                then_branch:
                  graph n
                    output n: float32[2]
                    n = Abs(a_inner)
              y_inner = If(flag)
                then_branch:
                  graph innermost
                    output o: float32[2]
                    o = Add(a_inner, later_inner)
                else_branch:
                  graph innermost
                    output o: float32[2]
                    o = Add(a_inner, later_inner)
        later = Neg(a)
      "
    `);
    expect(resolveShadowing(resolved)).toBe(resolved);
  });
});

describe('what a model computes', () => {
  /** A random graph of real operators over float32 [2], some inside an If. */
  const step = fc.record({
    operator: fc.constantFrom('Neg', 'Abs', 'Add', 'Mul', 'Identity', 'Identity', 'Constant', 'If'),
    first: fc.nat(1000),
    second: fc.nat(1000),
  });

  interface Step {
    operator: string;
    first: number;
    second: number;
  }

  function build(steps: readonly Step[], prefix: string, outer: readonly string[]): Node[] {
    const known = [...outer];
    return steps.map(({ operator, first, second }, index) => {
      const [a, b] = [known[first % known.length], known[second % known.length]];
      const name = `${prefix}${index}`;
      known.push(name);
      switch (operator) {
        case 'Constant':
          return node('Constant', '', name, { value_floats: floats([first, -second]) });
        case 'Add':
        case 'Mul':
          return node(operator, `${a} ${b}`, name);
        case 'If': {
          const branch = (which: string, input: string): Attribute => {
            const inner = [
              { operator: 'Identity', first, second },
              { operator: 'Neg', first: second, second },
              { operator: 'Identity', first: second + 1, second },
            ];
            const nodes = build(inner, `${name}${which}`, prefix === 'v' ? [input, ...known.slice(0, -1)] : [input]);
            return graphAttribute(graphOf(which, [], [`${name}${which}${second % 3}`], nodes));
          };
          return node('If', 'flag', name, { then_branch: branch('t', a), else_branch: branch('e', b) });
        }
        default:
          return node(operator, a, name);
      }
    });
  }

  async function run(model: Model): Promise<Record<string, number[]>> {
    const session = await InferenceSession.create(writeModel(model), {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    const results = await session.run({
      x: new RuntimeTensor('float32', Float32Array.of(1.5, -2), [2]),
      flag: new RuntimeTensor('bool', Uint8Array.of(1), []),
    });
    await session.release();
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, [...(data as Float32Array)]]));
  }

  it('is the same after normalizing', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(100), { minLength: 1, maxLength: 3 }),
        async (steps, picks) => {
          const nodes = build(steps, 'v', ['x', 'w']);
          const outputs = [...new Set(picks.map((pick) => `v${pick % steps.length}`))];
          const graph = graphOf('g', ['x'], outputs, nodes, { w: float32([2], [3, 4]) });
          const flag: ValueInfo = { name: 'flag', type: 'bool', shape: [] };
          const model = modelOf({ ...graph, inputs: [...graph.inputs, flag] });
          const simple = normalize(model);
          expect(simple.graph.nodes.length).toBeLessThanOrEqual(nodes.length);
          expect(await run(simple)).toEqual(await run(model));
        },
      ),
      { numRuns: 60 },
    );
  });
});
