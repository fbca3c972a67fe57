import fc from 'fast-check';
import type { Attribute, Graph, Model, Node, ValueInfo } from '../../src/graph/model.js';
import { ARRAY_OF, type DataType, ONNX_TYPE_NUMBER, sizeOf, type Tensor } from '../../src/graph/tensor.js';

/** Objects with the usual prototype only: deep equality asks for it. */
const record = <T>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });

const dataType = fc.constantFrom(...(Object.keys(ONNX_TYPE_NUMBER) as DataType[]));
const text = fc.string({ unit: 'grapheme', maxLength: 6 });
const float = fc.float({ noNaN: true }).map((value) => (Object.is(value, -0) ? 0 : value));

/** A tensor of any element type with random bits (bool: 0 or 1). */
const arbitraryTensor: fc.Arbitrary<Tensor> = fc
  .tuple(dataType, fc.array(fc.nat(3), { maxLength: 3 }))
  .chain(([type, shape]) => {
    const size = sizeOf(shape);
    if (type === 'string') {
      return fc.array(text, { minLength: size, maxLength: size }).map((data): Tensor => ({ type, shape, data }));
    }
    const Data = ARRAY_OF[type];
    const length = size * Data.BYTES_PER_ELEMENT;
    const bytes = fc.uint8Array({ minLength: length, maxLength: length, ...(type === 'bool' ? { max: 1 } : {}) });
    return bytes.map((raw): Tensor => ({ type, shape, data: new Data(Uint8Array.from(raw).buffer, 0, size) }));
  });

const shape = fc.option(
  fc.array(fc.oneof(fc.nat(9), fc.constantFrom('batch', 'n'), fc.constant(null)), { maxLength: 3 }),
  { nil: undefined },
);

const valueInfo = (name: string): fc.Arbitrary<ValueInfo> =>
  fc.oneof(
    { weight: 5, arbitrary: record({ name: fc.constant(name), type: dataType, shape }) },
    {
      weight: 1,
      arbitrary: record({ type: dataType, shape, kind: fc.constantFrom('sequence', 'optional', 'map') }).map(
        ({ type, shape: inner, kind }): ValueInfo => ({
          name,
          type,
          shape: undefined,
          container:
            kind === 'map'
              ? { kind: 'sequence', element: { kind, key: 'int64', value: { kind: 'tensor', type, shape: inner } } }
              : { kind: kind as 'sequence' | 'optional', element: { kind: 'tensor', type, shape: inner } },
        }),
      ),
    },
  );

const integer = fc.oneof(fc.maxSafeInteger(), fc.constantFrom(2 ** 63, -(2 ** 63)));

const plainAttribute: fc.Arbitrary<Attribute> = fc.oneof(
  record({ kind: fc.constant('int' as const), value: integer }),
  record({ kind: fc.constant('float' as const), value: float }),
  record({ kind: fc.constant('string' as const), value: text }),
  record({ kind: fc.constant('tensor' as const), value: arbitraryTensor }),
  record({ kind: fc.constant('ints' as const), value: fc.array(integer, { maxLength: 4 }) }),
  record({ kind: fc.constant('floats' as const), value: fc.array(float, { maxLength: 4 }) }),
  record({ kind: fc.constant('strings' as const), value: fc.array(text, { maxLength: 4 }) }),
);

const DOMAINS = new Map([
  ['', 21],
  ['ai.onnx.ml', 3],
  ['org.example', 1],
]);

/**
 * A well-formed graph with random operators: its names start with `prefix`, nodes use what is defined before them and
 * in `outer`, and `depth` more levels of subgraphs may follow.
 */
function arbitraryGraph(prefix: string, outer: readonly string[], depth: number): fc.Arbitrary<Graph> {
  return record({
    inputs: fc.nat(2),
    initializers: fc.array(arbitraryTensor, { maxLength: 3 }),
    defaults: fc.boolean(),
    nodes: fc.nat(4),
  }).chain(({ inputs, initializers, defaults, nodes }) => {
    const inputNames = Array.from({ length: inputs }, (_, index) => `${prefix}x${index}`);
    const initializerNames = initializers.map((_, index) =>
      defaults && index < inputs ? inputNames[index] : `${prefix}w${index}`,
    );
    const known = [...new Set([...inputNames, ...initializerNames])];
    const makers: fc.Arbitrary<Node>[] = [];
    for (let index = 0; index < nodes; index++) {
      const visible = [...outer, ...known];
      const outputs = [`${prefix}v${index}`, ...(index % 2 === 1 ? ['', `${prefix}u${index}`] : [])];
      makers.push(arbitraryNode(`${prefix}n${index}`, visible, outputs, depth));
      known.push(...outputs.filter((name) => name !== ''));
    }
    return record({
      name: text.map((name) => `g${prefix}${name}`),
      inputs: fc.tuple(...inputNames.map(valueInfo)),
      outputs: fc.subarray(known).chain((names) => fc.tuple(...names.map(valueInfo))),
      initializers: fc.constant(new Map(initializers.map((tensor, index) => [initializerNames[index], tensor]))),
      nodes: fc.tuple(...makers),
      valueInfo: fc
        .subarray(known)
        .chain((names) => fc.tuple(...names.map((name) => record({ name: fc.constant(name), type: dataType, shape }))))
        .map((infos) => new Map(infos.map((info) => [info.name, info]))),
    });
  });
}

function arbitraryNode(
  name: string,
  visible: readonly string[],
  outputs: readonly string[],
  depth: number,
): fc.Arbitrary<Node> {
  const attribute: fc.Arbitrary<Attribute> =
    depth === 0
      ? plainAttribute
      : fc.oneof(
          { weight: 6, arbitrary: plainAttribute },
          {
            weight: 1,
            arbitrary: record({
              kind: fc.constant('graph' as const),
              value: arbitraryGraph(`${name}.`, visible, depth - 1),
            }),
          },
        );
  return record({
    name: fc.constantFrom('', name),
    opType: fc.constantFrom('Add', 'Identity', 'Constant', 'If', 'Whatever'),
    domain: fc.constantFrom(...DOMAINS.keys()),
    inputs: fc.array(fc.constantFrom('', ...visible), { maxLength: 3 }),
    outputs: fc.constant(outputs),
    attributes: fc.dictionary(fc.constantFrom('axis', 'body', 'ünï', '__proto__', 'value'), attribute, {
      maxKeys: 3,
      noNullPrototype: true,
    }),
  });
}

/** A well-formed model with random operators, tensors of every type, attributes of every kind, and subgraphs. */
export const arbitraryModel: fc.Arbitrary<Model> = record({
  irVersion: fc.integer({ min: 4, max: 13 }),
  opsets: fc.constant(DOMAINS),
  producer: record({ name: text, version: text }),
  graph: arbitraryGraph('', [], 2),
  metadata: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((entries) => new Map(entries)),
});
