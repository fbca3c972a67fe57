import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import {
  AttributeProto_AttributeType as AttributeType,
  ModelProtoSchema,
  TensorProto_DataType as Type,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { BallastError } from '../../errors.js';
import { type ReadOptions, readModel } from './decode.js';
import { writeModel } from './encode.js';
import type { ModelFault } from './fault.js';
import { normalize } from './normalize.js';
import { printModel } from './print.js';

const GOLDENS = join(import.meta.dirname, 'goldens');

type ModelInit = Exclude<MessageInitShape<typeof ModelProtoSchema>, { $typeName: string }>;
type GraphInit = NonNullable<ModelInit['graph']>;

const tensorType = { case: 'tensorType' as const, value: { elemType: Type.FLOAT } };
const typed = (name: string) => ({ name, type: { value: tensorType } });

/** The bytes of a model around a graph, x -> y if it says nothing else. */
function bytesOf(graph: GraphInit, more: ModelInit = {}): Uint8Array {
  const whole = {
    name: 'g',
    input: [typed('x')],
    output: [typed('y')],
    node: [{ opType: 'Neg', name: 'negate', input: ['x'], output: ['y'] }],
    ...graph,
  };
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, { irVersion: 10n, opsetImport: [{ domain: '', version: 21n }], graph: whole, ...more }),
  );
}

/** Processor time, which other work on the machine does not lengthen. */
function millisecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

/** Expects the error, and that nothing large was allocated on the way. */
function refuses(bytes: Uint8Array, code: ModelFault, message: RegExp, options?: ReadOptions): BallastError {
  const before = process.memoryUsage().arrayBuffers;
  const start = process.cpuUsage();
  let fault: unknown;
  try {
    readModel(bytes, options);
  } catch (error) {
    fault = error;
  }
  expect(millisecondsSince(start)).toBeLessThan(1000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50e6);
  expect(fault).toBeInstanceOf(BallastError);
  const error = fault as BallastError;
  expect(error.describe()).toMatch(message);
  expect(error.code).toBe(code);
  expect(error.exitCode).toBe(2);
  return error;
}

describe('bytes that are no model', () => {
  const model = readFileSync(join(GOLDENS, 'encodings.onnx'));

  it('are refused: nothing, text, another format, zeros', () => {
    refuses(new Uint8Array(0), 'MODEL_MALFORMED', /empty/);
    refuses(Buffer.from('not a model at all'), 'MODEL_MALFORMED', /not an ONNX model/);
    refuses(Buffer.from('\x89PNG\r\n\x1a\n0000'), 'MODEL_MALFORMED', /not an ONNX model/);
    refuses(new Uint8Array(1000), 'MODEL_MALFORMED', /not an ONNX model/);
  });

  it('are refused when truncated anywhere', () => {
    for (let end = 0; end < model.length; end++) {
      expect(() => readModel(model.subarray(0, end)), `the first ${end} bytes`).toThrow(BallastError);
    }
  });

  it('are refused when they hold no graph', () => {
    refuses(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n })), 'MODEL_MALFORMED', /no graph/);
  });
});

describe('sizes', () => {
  it('a tensor that declares 10 GB and holds nothing is refused without allocating', () => {
    const initializer = [{ name: 'w', dims: [50_000n, 50_000n], dataType: Type.FLOAT }];
    refuses(bytesOf({ initializer }), 'MODEL_TENSOR', /graph "g", tensor "w".*needs 2500000000 elements, and 0 are/);
    const raw = [{ ...initializer[0], rawData: new Uint8Array(64) }];
    refuses(bytesOf({ initializer: raw }), 'MODEL_TENSOR', /takes 10000000000 bytes, and 64 are there/);
  });

  it.each([
    ['negative', [-1n]],
    ['beyond what a number holds', [2n ** 62n]],
    ['beyond what a number holds, multiplied', [2n ** 40n, 2n ** 40n]],
  ])('an extent that is %s is refused', (_, dims) => {
    refuses(bytesOf({ initializer: [{ name: 'w', dims, dataType: Type.FLOAT }] }), 'MODEL_TENSOR', /no shape/);
  });

  it('a sparse tensor that would be huge when dense is refused', () => {
    const values = { name: 's', dims: [1n], dataType: Type.FLOAT, floatData: [1] };
    const indices = { dims: [1n], dataType: Type.INT64, int64Data: [0n] };
    const sparseInitializer = [{ values, indices, dims: [100_000n, 100_000n] }];
    refuses(bytesOf({ sparseInitializer }), 'MODEL_TOO_LARGE', /tensor "s".*too large to hold densely/);
    // Many that are small, together.
    const many = Array.from({ length: 20 }, (_, index) => ({
      values: { ...values, name: `s${index}` },
      indices,
      dims: [1_000n, 100n],
    }));
    refuses(bytesOf({ sparseInitializer: many }), 'MODEL_TOO_LARGE', /too large/, { limits: { denseBytes: 1e6 } });
  });

  it('sparse entries outside the shape are refused', () => {
    const values = { name: 's', dims: [1n], dataType: Type.FLOAT, floatData: [1] };
    for (const index of [-1n, 4n, 2n ** 60n]) {
      const indices = { dims: [1n], dataType: Type.INT64, int64Data: [index] };
      refuses(bytesOf({ sparseInitializer: [{ values, indices, dims: [4n] }] }), 'MODEL_TENSOR', /outside the shape/);
    }
    const indices = { dims: [1n, 2n], dataType: Type.INT64, int64Data: [0n, 2n] };
    refuses(bytesOf({ sparseInitializer: [{ values, indices, dims: [2n, 2n] }] }), 'MODEL_TENSOR', /outside the shape/);
  });

  it('bytes that would become far more objects are refused before they do', () => {
    // Two bytes a node on the wire, hundreds in memory.
    const nodes = new Uint8Array(4_000_000);
    for (let index = 0; index < nodes.length; index += 2) nodes[index] = 0x0a;
    const graph = Buffer.concat([Buffer.from([0x3a, 0x80, 0x92, 0xf4, 0x01]), nodes]);
    refuses(graph, 'MODEL_TOO_LARGE', /limits for reading/, { limits: { objectBytes: 2 ** 28 } });
  });

  it('functions that multiply each other are refused', () => {
    const double = (name: string, callee: string) => ({
      name,
      domain: 'f',
      input: ['a'],
      output: ['c'],
      opsetImport: [{ domain: '', version: 21n }],
      node: [
        { domain: callee === 'Neg' ? '' : 'f', opType: callee, input: ['a'], output: ['b'] },
        { domain: callee === 'Neg' ? '' : 'f', opType: callee, input: ['b'], output: ['c'] },
      ],
    });
    const functions = Array.from({ length: 40 }, (_, level) =>
      double(`f${level}`, level === 0 ? 'Neg' : `f${level - 1}`),
    );
    const opsetImport = [{ domain: '', version: 21n }, { domain: 'f', version: 1n }]; // biome-ignore format: one line
    const call = (name: string) => ({ node: [{ domain: 'f', opType: name, input: ['x'], output: ['y'] }] });
    const limits = { inlinedParts: 20_000 };
    refuses(bytesOf(call('f39'), { functions, opsetImport }), 'MODEL_TOO_LARGE', /inlining/, { limits });
    expect(readModel(bytesOf(call('f3'), { functions, opsetImport })).graph.nodes).toHaveLength(16);
  });
});

describe('nesting', () => {
  /** If in If in If ... */
  function nested(depth: number): GraphInit {
    let graph: GraphInit = {
      name: 'innermost',
      output: [typed('y0')],
      node: [{ opType: 'Neg', input: ['x'], output: ['y0'] }],
    };
    for (let level = 1; level <= depth; level++) {
      const attribute = ['then_branch', 'else_branch'].map((name) => ({ name, type: AttributeType.GRAPH, g: graph }));
      graph = {
        name: `level${level}`,
        output: [typed(`y${level}`)],
        node: [{ opType: 'If', input: ['x'], output: [`y${level}`], attribute: attribute.slice(0, 1) }],
      };
    }
    return { ...graph, input: [typed('x')] };
  }

  it('of 20 graphs is read, of 33 and of 1,000 refused', () => {
    expect(readModel(bytesOf(nested(20))).graph.nodes).toHaveLength(1);
    refuses(bytesOf(nested(33)), 'MODEL_TOO_LARGE', /nest deeper/);
    // By hand: such a message cannot be built by recursion either. Graph > node > attribute > graph > ...
    let bytes = new Uint8Array(0);
    for (let level = 0; level < 3_000; level++) {
      const field = [0x32, 0x2a, 0x0a][level % 3];
      bytes = Uint8Array.from([field, ...varint(bytes.length), ...bytes]);
    }
    refuses(Uint8Array.from([0x3a, ...varint(bytes.length), ...bytes]), 'MODEL_TOO_LARGE', /nest deeper/);
  });

  function varint(value: number): number[] {
    return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
  }
});

describe('graphs that are wrong', () => {
  const neg = (input: string, output: string, name = '') => ({ opType: 'Neg', input: [input], output: [output], name });

  it('cycles', () => {
    const node = [neg('b', 'a', 'first'), neg('a', 'b', 'second'), neg('b', 'y')];
    refuses(
      bytesOf({ node }),
      'MODEL_CYCLE',
      /graph "g": nodes need each other's results: node "first" \(Neg\), node "second"/,
    );
    refuses(bytesOf({ node: [neg('y', 'y', 'self')] }), 'MODEL_CYCLE', /node "self" \(Neg\) needs its own result/);
  });

  it('a cycle through a subgraph', () => {
    const g = { name: 'inner', output: [typed('i')], node: [neg('y', 'i')] };
    const node = [
      { opType: 'If', input: ['x'], output: ['c'], attribute: [{ name: 'then_branch', type: AttributeType.GRAPH, g }] },
      neg('c', 'y'),
    ];
    refuses(bytesOf({ node }), 'MODEL_CYCLE', /node \(If\) that makes "c"/);
  });

  it('names that are defined twice', () => {
    refuses(
      bytesOf({ node: [neg('x', 'y', 'a'), neg('x', 'y', 'b')] }),
      'MODEL_DUPLICATE_NAME',
      /node "b".*"y" is already made by node "a"/,
    );
    refuses(bytesOf({ input: [typed('x'), typed('x')] }), 'MODEL_DUPLICATE_NAME', /"x" is defined twice/);
    refuses(bytesOf({ output: [typed('y'), typed('y')] }), 'MODEL_DUPLICATE_NAME', /output "y" is listed twice/);
    refuses(bytesOf({ node: [neg('x', 'x'), neg('x', 'y')] }), 'MODEL_DUPLICATE_NAME', /"x" is already an input/);
    const tensor = { name: 'w', dims: [1n], dataType: Type.FLOAT, floatData: [1] };
    refuses(bytesOf({ initializer: [tensor, tensor] }), 'MODEL_DUPLICATE_NAME', /tensor "w"/);
    refuses(bytesOf({ initializer: [tensor], node: [neg('x', 'w'), neg('w', 'y')] }), 'MODEL_DUPLICATE_NAME', /"w"/);
    const attribute = [1n, 2n].map((i) => ({ name: 'axis', type: AttributeType.INT, i }));
    refuses(bytesOf({ node: [{ ...neg('x', 'y'), attribute }] }), 'MODEL_DUPLICATE_NAME', /attribute "axis": .*twice/);
  });

  it('values that are not there', () => {
    refuses(
      bytesOf({ node: [neg('z', 'y', 'n')] }),
      'MODEL_UNDEFINED_VALUE',
      /graph "g", node "n" \(Neg\): the input "z"/,
    );
    refuses(bytesOf({ output: [typed('q')] }), 'MODEL_UNDEFINED_VALUE', /the output "q" is never computed/);
    const g = { name: 'inner', output: [typed('x')] };
    const attribute = [{ name: 'then_branch', type: AttributeType.GRAPH, g }];
    const node = [{ opType: 'If', input: ['x'], output: ['y'], attribute }];
    refuses(
      bytesOf({ node }),
      'MODEL_UNDEFINED_VALUE',
      /graph "inner": .*"x" is a value of a graph around it.*Identity/,
    );
  });

  it('domains and versions', () => {
    const node = [{ ...neg('x', 'y', 'n'), domain: 'org.unknown' }];
    refuses(bytesOf({ node }), 'MODEL_OPSET', /node "n".*no opset of the domain "org.unknown"/);
    const twice = [7n, 8n].map((version) => ({ domain: '', version }));
    refuses(bytesOf({}, { opsetImport: twice }), 'MODEL_OPSET', /imported as 7 and as 8/);
    refuses(bytesOf({}, { opsetImport: [{ domain: '', version: -1n }] }), 'MODEL_OPSET', /not a positive/);
    refuses(bytesOf({}, { irVersion: 99n }), 'MODEL_UNSUPPORTED', /IR version 99 is newer/);
    refuses(bytesOf({}, { irVersion: 0n }), 'MODEL_INVALID', /IR version/);
  });

  it('inputs without a type, nodes without an operator', () => {
    refuses(bytesOf({ input: [{ name: 'x' }] }), 'MODEL_INVALID', /input "x".*no type/);
    refuses(bytesOf({ node: [{ ...neg('x', 'y'), opType: '' }] }), 'MODEL_INVALID', /no operator/);
  });

  it('functions that call themselves', () => {
    const functions = [
      {
        name: 'f',
        domain: 'd',
        input: ['a'],
        output: ['b'],
        node: [{ domain: 'd', opType: 'f', input: ['a'], output: ['b'] }],
      },
    ];
    const node = [{ domain: 'd', opType: 'f', name: 'call', input: ['x'], output: ['y'] }];
    refuses(bytesOf({ node }, { functions }), 'MODEL_CYCLE', /function "f" calls itself/);
  });

  it('functions of another opset', () => {
    const opsetImport = [{ domain: '', version: 13n }];
    const functions = [{ name: 'f', domain: 'd', input: ['a'], output: ['b'], node: [neg('a', 'b')], opsetImport }];
    const node = [{ domain: 'd', opType: 'f', input: ['x'], output: ['y'] }];
    refuses(bytesOf({ node }, { functions }), 'MODEL_OPSET', /function "f": needs version 13 .* imports version 21/);
  });
});

describe('files of other times', () => {
  it('before IR 3 mean opset 1, and their attributes need not say their type', () => {
    const attribute = [
      { name: 'axis', i: 1n },
      { name: 'alpha', f: 0.5 },
      { name: 'mode', s: Buffer.from('same') },
      { name: 'pads', ints: [1n, 2n] },
    ];
    const node = [{ opType: 'Neg', input: ['x'], output: ['y'], attribute }];
    const model = readModel(bytesOf({ node }, { irVersion: 1n, opsetImport: [] }));
    expect([...model.opsets]).toEqual([['', 1]]);
    expect(model.graph.nodes[0].attributes).toEqual({
      axis: { kind: 'int', value: 1 },
      alpha: { kind: 'float', value: 0.5 },
      mode: { kind: 'string', value: 'same' },
      pads: { kind: 'ints', value: [1, 2] },
    });
  });

  it('may have functions whose output is their input, or is given twice', () => {
    const functions = [{ name: 'f', domain: 'd', input: ['a'], output: ['a', 'b', 'b'], node: [{ opType: 'Neg', input: ['a'], output: ['b'] }] }]; // biome-ignore format: one line
    const node = [{ domain: 'd', opType: 'f', name: 'call', input: ['x'], output: ['same', 'y', 'z'] }];
    const { nodes } = readModel(bytesOf({ node, output: ['same', 'y', 'z'].map(typed) }, { functions })).graph;
    expect(nodes.map(({ opType, inputs, outputs }) => [opType, ...inputs, ...outputs])).toEqual([
      ['Neg', 'x', 'y'],
      ['Identity', 'x', 'same'],
      ['Identity', 'y', 'z'],
    ]);
  });
});

describe('data that is wrong', () => {
  const tensor = { name: 'w', dims: [2n], dataType: Type.FLOAT };

  it('is refused: twice, in the wrong field, out of range, not UTF-8', () => {
    const refusesTensor = (more: object, message: RegExp) =>
      refuses(bytesOf({ initializer: [{ ...tensor, ...more }] }), 'MODEL_TENSOR', message);
    refusesTensor({ floatData: [1, 2], rawData: new Uint8Array(8) }, /given twice: float_data and raw_data/);
    refusesTensor({ int32Data: [1, 2] }, /float32 data is stored in int32_data/);
    refusesTensor({ floatData: [1] }, /needs 2 elements, and 1 are there/);
    refusesTensor({ dataType: Type.INT8, int32Data: [1, 300] }, /element 1 does not fit int8 \(got 300\)/);
    refusesTensor({ dataType: Type.STRING, rawData: new Uint8Array(8) }, /strings are stored as raw/);
    const stringData = [Uint8Array.of(0xff, 0xfe), Uint8Array.of()];
    const text = { ...tensor, dataType: Type.STRING, stringData };
    refuses(bytesOf({ initializer: [text] }), 'MODEL_UNSUPPORTED', /tensor "w": .*not UTF-8/);
  });

  it('in attributes: kinds that are not supported, references outside of functions, integers too large', () => {
    const withAttribute = (attribute: object) => bytesOf({ node: [{ opType: 'Neg', name: 'n', input: ['x'], output: ['y'], attribute: [{ name: 'a', ...attribute }] }] }); // biome-ignore format: one line
    refuses(withAttribute({ type: AttributeType.TYPE_PROTO }), 'MODEL_UNSUPPORTED', /attribute "a": .*type_proto/);
    refuses(withAttribute({ type: AttributeType.TENSOR }), 'MODEL_ATTRIBUTE', /a type and no value/);
    refuses(withAttribute({ refAttrName: 'b' }), 'MODEL_ATTRIBUTE', /outside of any function/);
    refuses(withAttribute({ type: AttributeType.INT, i: 2n ** 53n + 1n }), 'MODEL_ATTRIBUTE', /9007199254740993/);
    const bool = { ...tensor, dataType: Type.BOOL, rawData: Uint8Array.of(2, 0) };
    expect(readModel(bytesOf({ initializer: [bool] })).graph.initializers.get('w')?.data).toEqual(Uint8Array.of(1, 0));
  });
});

describe('mutated models', () => {
  const seeds = readdirSync(GOLDENS)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => readFileSync(join(GOLDENS, name)));
  const numRuns = Number(process.env.BALLAST_FUZZ_RUNS ?? 500);

  /** Reads it, or is given a BallastError; in less than a second. Whether it was read. */
  function survives(bytes: Uint8Array): boolean {
    const start = process.cpuUsage();
    let read = true;
    try {
      const model = readModel(bytes, { externalData: GOLDENS });
      // What was read can be worked with.
      writeModel(normalize(model));
      printModel(model);
    } catch (error) {
      if (!(error instanceof BallastError)) throw error;
      read = false;
    }
    expect(millisecondsSince(start)).toBeLessThan(1000);
    return read;
  }

  /** Runs the property; the process may not grow by more than 200 MB at its peak. */
  function check(property: fc.IRawProperty<unknown[], false>): void {
    const peak = process.resourceUsage().maxRSS;
    fc.assert(property, { numRuns });
    expect((process.resourceUsage().maxRSS - peak) / 1024).toBeLessThan(200);
  }

  const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const damage = fc.record({
    kind: fc.constantFrom('set', 'set', 'flip', 'flip', 'cut', 'insert', 'repeat', 'huge'),
    at,
    byte: fc.nat(255),
    length: fc.integer({ min: 1, max: 40 }),
  });

  function damaged(bytes: Buffer, change: typeof damage extends fc.Arbitrary<infer T> ? T : never): Buffer {
    const { kind, byte, length } = change;
    const position = Math.floor(change.at * bytes.length);
    const [before, after] = [bytes.subarray(0, position), bytes.subarray(position)];
    switch (kind) {
      case 'set':
        return Buffer.concat([before, Buffer.of(byte), after.subarray(1)]);
      case 'flip':
        return Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ (1 << (byte % 8))), after.subarray(1)]);
      case 'cut':
        return Buffer.concat([before, after.subarray(length)]);
      case 'insert':
        return Buffer.concat([before, Buffer.alloc(length, byte), after]);
      case 'repeat':
        return Buffer.concat([before, after.subarray(0, length), after]);
      default:
        return Buffer.concat([before, Buffer.of(0xff, 0xff, 0xff, 0xff, byte & 0x7f), after.subarray(1)]);
    }
  }

  it('in their bytes, are read or refused, quickly, within little memory', () => {
    check(
      fc.property(fc.constantFrom(...seeds), fc.array(damage, { minLength: 1, maxLength: 3 }), (seed, changes) => {
        survives(changes.reduce(damaged, seed));
      }),
    );
  });

  /** A field of a message, or an element of a repeated one. */
  interface Slot {
    holder: Record<string | number, unknown>;
    key: string | number;
  }

  function slotsOf(value: unknown, slots: Slot[] = []): Slot[] {
    if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return slots;
    const holder = value as Record<string | number, unknown>;
    for (const key of Array.isArray(value) ? value.keys() : Object.keys(value)) {
      if (key === '$typeName' || key === 'case') continue;
      slots.push({ holder, key });
      slotsOf(holder[key], slots);
    }
    return slots;
  }

  const extremes = fc.constantFrom(0, 1, -1, 3, 7, 2 ** 31 - 1, -(2 ** 31));
  const change = fc.record({ at, from: at, extreme: fc.option(extremes), remove: fc.boolean() });

  /** Puts something of the same kind, from elsewhere in the model or extreme, into one field; or drops an element. */
  function changed(
    model: unknown,
    { at, from, extreme, remove }: typeof change extends fc.Arbitrary<infer T> ? T : never,
  ): void {
    const slots = slotsOf(model);
    const { holder, key } = slots[Math.floor(at * slots.length)];
    const old = holder[key];
    const kind = (value: unknown) => (Array.isArray(value) ? `list of ${kindOf(value[0])}` : kindOf(value));
    const alike = slots.map((slot) => slot.holder[slot.key]).filter((value) => kind(value) === kind(old));
    if (remove && Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (extreme !== null && typeof old === 'bigint') holder[key] = BigInt(extreme) * 2n ** 30n;
    else if (extreme !== null && typeof old === 'number') holder[key] = extreme;
    else holder[key] = structuredClone(alike[Math.floor(from * alike.length)]);
  }

  function kindOf(value: unknown): string {
    if (typeof value !== 'object' || value === null) return typeof value;
    return ArrayBuffer.isView(value) ? 'bytes' : String((value as { $typeName?: string }).$typeName);
  }

  /** Null where a change put what has no encoding into a field: a fraction among the integers. */
  function encoded(model: Parameters<typeof toBinary<typeof ModelProtoSchema>>[1]): Uint8Array | null {
    try {
      return toBinary(ModelProtoSchema, model);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('cannot encode field')) return null;
      throw error;
    }
  }

  it('in their structure, are read or refused, quickly, within little memory', () => {
    let read = 0;
    check(
      fc.property(fc.constantFrom(...seeds), fc.array(change, { minLength: 1, maxLength: 3 }), (seed, changes) => {
        const model = fromBinary(ModelProtoSchema, new Uint8Array(seed));
        for (const each of changes) changed(model, each);
        const bytes = encoded(model);
        if (bytes !== null && survives(bytes)) read++;
      }),
    );
    // Changes that always made the model invalid would test little.
    expect(read).toBeGreaterThan(numRuns / 20);
  });
});
