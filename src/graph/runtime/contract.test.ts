import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARRAY_OF, float32, int64, type NumericArray, type Tensor, tensor } from '../tensor.js';
import { encodeModel } from './minimal-model.js';
import { CLASSIFIER, classifierFeeds, failure, RUNTIMES, set, wave } from './models.fixture.js';
import type { BoundTensor, Session } from './runtime.js';

const TYPES = ['float32', 'float64', 'float16', 'int64', 'int32', 'int16', 'int8'] as const;
const MORE_TYPES = ['uint64', 'uint32', 'uint16', 'uint8', 'bool'] as const;

/** One Identity per element type, strings included. */
const ECHO = encodeModel({
  nodes: [...TYPES, ...MORE_TYPES, 'string'].map((type) => ({
    op: 'Identity',
    inputs: [`${type}_in`],
    outputs: [`${type}_out`],
  })),
  inputs: [...TYPES, ...MORE_TYPES, 'string' as const].map((type) => [`${type}_in`, type, ['n']]),
  outputs: [...TYPES, ...MORE_TYPES, 'string' as const].map((type) => [`${type}_out`, type, ['n']]),
});

/** Multiplies a 2 x 2 state by a matrix: state' = state m, and counts in int64. */
const STEP = encodeModel({
  nodes: [
    { op: 'MatMul', inputs: ['state', 'm'], outputs: ['next_state'] },
    { op: 'Add', inputs: ['count', 'one'], outputs: ['next_count'] },
  ],
  inputs: [
    ['state', 'float64', [2, 2]],
    ['m', 'float64', [2, 2]],
    ['count', 'int64', []],
    ['one', 'int64', []],
  ],
  outputs: [
    ['next_state', 'float64', [2, 2]],
    ['next_count', 'int64', []],
  ],
});

describe('ffi and stock', () => {
  it('agree bit for bit', async () => {
    const results = [];
    for (const runtime of RUNTIMES) {
      const session = await runtime.load(CLASSIFIER);
      results.push(await session.run(classifierFeeds(37)));
      session.release();
    }
    expect(results[0]).toEqual(results[1]);
  });

  it('are of the same version', () => {
    expect(RUNTIMES[0]!.version).toBe(RUNTIMES[1]!.version);
  });
});

describe.each(RUNTIMES.map((runtime) => ({ name: runtime.name, runtime })))('$name', ({ runtime }) => {
  describe('a session', () => {
    let session: Session;
    beforeAll(async () => {
      session = await runtime.load(CLASSIFIER);
    });
    afterAll(() => session.release());

    it('lists its inputs and outputs', () => {
      expect(session.inputs).toEqual([
        { name: 'x', type: 'float32', shape: ['batch', 5] },
        { name: 'w', type: 'float32', shape: [5, 3] },
        { name: 'b', type: 'float32', shape: [3] },
      ]);
      expect(session.outputs.map((port) => [port.name, port.shape])).toEqual([
        ['p', ['batch', 3]],
        ['hidden', ['batch', 3]],
      ]);
    });

    it('computes what the formula says', async () => {
      const feeds = classifierFeeds(4);
      const { p, hidden } = await session.run(feeds);
      for (let row = 0; row < 4; row++) {
        const relu = [0, 1, 2].map((column) => {
          const products = [0, 1, 2, 3, 4].map((k) => feeds.x.data[row * 5 + k]! * feeds.w.data[k * 3 + column]!);
          return Math.max(
            0,
            products.reduce((sum, product) => sum + product, feeds.b.data[column]!),
          );
        });
        const total = relu.reduce((sum, value) => sum + Math.exp(value), 0);
        relu.forEach((value, column) => {
          expect(hidden!.data[row * 3 + column]).toBeCloseTo(value, 6);
          expect(p!.data[row * 3 + column]).toBeCloseTo(Math.exp(value) / total, 6);
        });
      }
    });

    it.each([0, 1, 1000])('takes a dynamic batch of %i', async (batch) => {
      const { p } = await session.run(classifierFeeds(batch), ['p']);
      expect(p!.shape).toEqual([batch, 3]);
      expect(p!.data).toHaveLength(batch * 3);
    });

    it('fetches only what is asked for', async () => {
      expect(Object.keys(await session.run(classifierFeeds(1), ['hidden']))).toEqual(['hidden']);
    });

    it('runs several times at once', async () => {
      const runs = await Promise.all([1, 2, 3, 4].map((batch) => session.run(classifierFeeds(batch))));
      const alone = await session.run(classifierFeeds(3));
      expect(runs[2]).toEqual(alone);
    });

    it('does not see changes that come after the call', async () => {
      const feeds = classifierFeeds(8);
      const expected = await session.run(classifierFeeds(8));
      const running = session.run(feeds);
      feeds.x.data.fill(99);
      expect(await running).toEqual(expected);
    });

    const wrong: readonly [string, Record<string, Tensor>, readonly string[] | undefined, object][] = [
      ['a missing input', { x: classifierFeeds(1).x, w: classifierFeeds(1).w }, undefined, { code: 'INPUT_MISSING' }],
      ['an unknown input', { ...classifierFeeds(1), z: float32([1], [1]) }, undefined, { code: 'INPUT_UNKNOWN' }],
      ['another type', { ...classifierFeeds(1), b: int64([3], [1, 2, 3]) }, undefined, { code: 'INPUT_TYPE' }],
      ['another rank', { ...classifierFeeds(1), b: float32([1, 3], [1, 2, 3]) }, undefined, { code: 'INPUT_SHAPE' }],
      ['another extent', { ...classifierFeeds(1), b: float32([2], [1, 2]) }, undefined, { code: 'INPUT_SHAPE' }],
      [
        'too little data',
        { ...classifierFeeds(1), b: { type: 'float32', shape: [3], data: new Float32Array(2) } },
        undefined,
        { code: 'TENSOR_DATA' },
      ],
      [
        'a holder of another class',
        { ...classifierFeeds(1), b: { type: 'float32', shape: [3], data: new Float64Array(3) } },
        undefined,
        { code: 'TENSOR_DATA' },
      ],
      ['an unknown output', classifierFeeds(1), ['q'], { code: 'OUTPUT_UNKNOWN' }],
      ['no output', classifierFeeds(1), [], { code: 'OUTPUT_MISSING' }],
    ];
    it.each(wrong)('refuses %s', async (_, feeds, fetches, expected) => {
      const error = await failure(() => session.run(feeds, fetches));
      expect(error).toMatchObject({ name: 'BallastError', kind: 'input', ...expected });
    });

    it('says which input, what is expected and what was given', async () => {
      const error = await failure(() => session.run({ ...classifierFeeds(1), x: float32([1, 4], wave(4, 1)) }));
      expect(error).toMatchObject({
        message: 'input "x" has shape [batch, 5], but a tensor of shape [1, 4] was given',
        place: 'input x',
      });
    });
  });

  it('carries every element type through run() unchanged', async () => {
    const session = await runtime.load(ECHO);
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => (i * 37 + 1) & 0x7f);
    const feeds: Record<string, Tensor> = {
      string_in: tensor('string', [4], ['', 'plain', 'zwölf 🙂', ' \n']),
    };
    for (const type of [...TYPES, ...MORE_TYPES]) {
      const data: NumericArray =
        type === 'bool' ? Uint8Array.of(1, 0, 1) : new ARRAY_OF[type](bytes.slice().buffer, 0, 3);
      feeds[`${type}_in`] = tensor(type, [3], data);
    }
    const results = await session.run(feeds);
    for (const [name, given] of Object.entries(feeds)) expect(results[name.replace('_in', '_out')]).toEqual(given);
    session.release();
  });

  it('carries the content of each run, with sizes that come back and several at once', async () => {
    const session = await runtime.load(ECHO);
    const feedsOf = (run: number): Record<string, Tensor> => {
      // Of more sizes than a session would remember.
      const length = (run * 7) % 11;
      const numbers = [...TYPES, ...MORE_TYPES].map((type): [string, Tensor] => {
        const data = new ARRAY_OF[type](length);
        for (let i = 0; i < length; i++)
          data[i] = data instanceof BigInt64Array || data instanceof BigUint64Array ? BigInt(run) : (run + i) % 2;
        return [`${type}_in`, tensor(type, [length], data)];
      });
      const texts = Array.from({ length }, (_, i) => `${run} ü ${'long '.repeat(i)}`);
      return { ...Object.fromEntries(numbers), string_in: tensor('string', [length], texts) };
    };
    const answers: { run: number; results: Record<string, Tensor> }[] = [];
    for (let start = 0; start < 48; start += 3) {
      const together = [start, start + 1, start + 1].map(async (run) => ({
        run,
        results: await session.run(feedsOf(run)),
      }));
      answers.push(...(await Promise.all(together)));
    }
    for (const { run, results } of answers) {
      for (const [name, given] of Object.entries(feedsOf(run)))
        expect(results[name.replace('_in', '_out')]).toEqual(given);
    }
    session.release();
  });

  it('carries empty tensors, and empty string tensors', async () => {
    const session = await runtime.load(ECHO);
    const feeds: Record<string, Tensor> = { string_in: tensor('string', [0], []) };
    for (const type of [...TYPES, ...MORE_TYPES]) feeds[`${type}_in`] = tensor(type, [0], new ARRAY_OF[type](0));
    const results = await session.run(feeds);
    expect(results.string_out).toEqual(feeds.string_in);
    expect(results.float64_out).toEqual(feeds.float64_in);
    session.release();
  });

  it('refuses strings that the runtime would cut off', async () => {
    const session = await runtime.load(
      encodeModel({
        nodes: [{ op: 'Identity', inputs: ['s'], outputs: ['t'] }],
        inputs: [['s', 'string', ['n']]],
        outputs: [['t', 'string', ['n']]],
      }),
    );
    const error = await failure(() => session.run({ s: tensor('string', [2], ['fine', 'a\0b']) }));
    expect(error).toMatchObject({ code: 'TENSOR_DATA', place: 'input s' });
    session.release();
  });

  it('looks categories up in strings (ai.onnx.ml LabelEncoder)', async () => {
    const session = await runtime.load(
      encodeModel({
        nodes: [
          {
            op: 'LabelEncoder',
            domain: 'ai.onnx.ml',
            inputs: ['colour'],
            outputs: ['index'],
            attributes: { keys_strings: ['red', 'green', 'blau ü'], values_int64s: [0, 1, 2], default_int64: -1 },
          },
        ],
        inputs: [['colour', 'string', ['n', 1]]],
        outputs: [['index', 'int64', ['n', 1]]],
      }),
    );
    const { index } = await session.run({ colour: tensor('string', [4, 1], ['blau ü', 'red', '', 'green']) });
    expect(index).toEqual(int64([4, 1], [2, 0, -1, 1]));
    // A binding copies strings when it is made; numbers are read where they lie.
    const colours = ['red', 'blau ü'];
    const bound = runtime.allocate('int64', [2, 1]);
    const binding = session.bind({ colour: { type: 'string', shape: [2, 1], data: colours } }, { index: bound });
    colours.fill('green');
    session.release();
    for (let run = 0; run < 3; run++) {
      bound.data.fill(0n as never);
      binding.runSync();
      expect([...bound.data]).toEqual([0n, 2n]);
    }
    binding.release();
  });

  it('refuses strings that do not fit a binding', async () => {
    const session = await runtime.load(ECHO);
    const bound = runtime.allocate('float32', [1]);
    const given = { string_in: { type: 'string', shape: [2], data: ['one'] } } as const;
    expect(await failure(() => session.bind(given, { float32_out: bound }))).toMatchObject({ code: 'INPUT_MISSING' });
    session.release();
  });

  it('leaves outputs that are no tensors out, and says what they are when asked for', async () => {
    const session = await runtime.load(
      encodeModel({
        nodes: [
          { op: 'ArgMax', inputs: ['p'], outputs: ['label'], attributes: { axis: 1, keepdims: 0 } },
          {
            op: 'ZipMap',
            domain: 'ai.onnx.ml',
            inputs: ['p'],
            outputs: ['probabilities'],
            attributes: { classlabels_int64s: [0, 1] },
          },
        ],
        inputs: [['p', 'float32', ['n', 2]]],
        outputs: [['label', 'int64', ['n']], 'probabilities'],
      }),
    );
    expect(session.outputs.map((port) => port.name)).toEqual(['label']);
    const feeds = { p: float32([2, 2], [0.1, 0.9, 0.8, 0.2]) };
    expect(await session.run(feeds)).toEqual({ label: int64([2], [1, 0]) });
    const error = await failure(() => session.run(feeds, ['probabilities']));
    expect(error).toMatchObject({ code: 'OUTPUT_NOT_TENSOR' });
    expect(String((error as { remedy: string }).remedy)).toContain('ZipMap');
    session.release();
  });

  describe('a binding', () => {
    it('reads and writes in place, step after step, ping-pong', async () => {
      const session = await runtime.load(STEP);
      const state = [runtime.allocate('float64', [2, 2]), runtime.allocate('float64', [2, 2])] as const;
      const count = [runtime.allocate('int64', []), runtime.allocate('int64', [])] as const;
      const m = runtime.allocate('float64', [2, 2]);
      const one = runtime.allocate('int64', []);
      set(m, [1, 1, 1, 0]);
      set(one, [1n]);
      set(state[0], [1, 0, 0, 1]);
      const steps = [0, 1].map((from) =>
        session.bind(
          { state: state[from]!, count: count[from]!, m, one },
          { next_state: state[1 - from]!, next_count: count[1 - from]! },
        ),
      );
      for (let step = 0; step < 10; step++) {
        if (step % 3 === 2) await steps[step % 2]!.run();
        else steps[step % 2]!.runSync();
      }
      // [[1, 1], [1, 0]]^n holds the Fibonacci numbers F(n+1), F(n), F(n-1).
      expect([...state[0].data]).toEqual([89, 55, 55, 34]);
      expect([...count[0].data]).toEqual([10n]);
      set(m, [2, 0, 0, 2]);
      steps[0]!.runSync();
      expect([...state[1].data]).toEqual([178, 110, 110, 68]);
      for (const held of [...steps, ...state, ...count, m, one, session]) held.release();
    });

    it('gives the bits that run() gives', async () => {
      const session = await runtime.load(CLASSIFIER);
      const feeds = classifierFeeds(16);
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { type, shape, data }]) => {
          const bound = runtime.allocate(type as 'float32', shape);
          set(bound, data);
          return [name, bound];
        }),
      );
      const p = runtime.allocate('float32', [16, 3]);
      const binding = session.bind(inputs, { p });
      binding.runSync();
      expect(p.data).toEqual((await session.run(feeds)).p!.data);
      binding.release();
      session.release();
    });

    it('copies what a model passes through: input to output, constant to output, reshaped input', async () => {
      const session = await runtime.load(
        encodeModel({
          nodes: [
            { op: 'Identity', inputs: ['x'], outputs: ['same'] },
            { op: 'Flatten', inputs: ['x'], outputs: ['flat'], attributes: { axis: 0 } },
            { op: 'Identity', inputs: ['c'], outputs: ['constant'] },
          ],
          inputs: [['x', 'float32', [2, 2]]],
          outputs: [
            ['same', 'float32', [2, 2]],
            ['flat', 'float32', [1, 4]],
            ['constant', 'float32', [2]],
          ],
          initializers: [{ name: 'c', dims: [2n], dataType: 1, floatData: [5, 6] }],
        }),
      );
      const x = runtime.allocate('float32', [2, 2]);
      const outputs = {
        same: runtime.allocate('float32', [2, 2]),
        flat: runtime.allocate('float32', [1, 4]),
        constant: runtime.allocate('float32', [2]),
      };
      const binding = session.bind({ x }, outputs);
      set(x, [1, 2, 3, 4]);
      binding.runSync();
      set(x, [0, 0, 0, 0]);
      set(outputs.constant, [0, 0]);
      expect([...outputs.same.data, ...outputs.flat.data]).toEqual([1, 2, 3, 4, 1, 2, 3, 4]);
      binding.runSync();
      expect([...outputs.constant.data]).toEqual([5, 6]);
      binding.release();
      session.release();
    });

    it('refuses what does not fit, what is shared and what is gone', async () => {
      const session = await runtime.load(STEP);
      const square = (): BoundTensor => runtime.allocate('float64', [2, 2]);
      const [count, one] = [runtime.allocate('int64', []), runtime.allocate('int64', [])];
      const [state, m] = [square(), square()];
      const inputs = { state, m, count, one };
      const refuse = async (given: Record<string, BoundTensor>, outputs: Record<string, BoundTensor>, code: string) => {
        expect(await failure(() => session.bind(given, outputs))).toMatchObject({ name: 'BallastError', code });
      };
      await refuse({ state, m, count }, { next_state: square() }, 'INPUT_MISSING');
      await refuse({ ...inputs, state: runtime.allocate('float64', [3, 2]) }, { next_state: square() }, 'INPUT_SHAPE');
      await refuse({ ...inputs, one: runtime.allocate('int32', []) }, { next_state: square() }, 'INPUT_TYPE');
      await refuse(inputs, { next_state: runtime.allocate('float64', [2, 3]) }, 'OUTPUT_SHAPE');
      await refuse(inputs, { next_state: runtime.allocate('float32', [2, 2]) }, 'OUTPUT_TYPE');
      await refuse(inputs, { other: square() }, 'OUTPUT_UNKNOWN');
      await refuse(inputs, {}, 'OUTPUT_MISSING');
      await refuse(inputs, { next_state: state }, 'BINDING_ALIAS');
      const foreign = RUNTIMES.find((other) => other !== runtime)!.allocate('float64', [2, 2]);
      await refuse(inputs, { next_state: foreign }, 'FOREIGN_TENSOR');
      const gone = square();
      gone.release();
      gone.release();
      await refuse(inputs, { next_state: gone }, 'USE_AFTER_RELEASE');
      session.release();
      await refuse(inputs, { next_state: square() }, 'USE_AFTER_RELEASE');
    });

    it('outlives the release of its session and tensors, not its own', async () => {
      const session = await runtime.load(STEP);
      const tensors = ['float64', 'float64', 'float64'].map(() => runtime.allocate('float64', [2, 2]));
      const counts = [0, 1].map(() => runtime.allocate('int64', []));
      const binding = session.bind(
        { state: tensors[0]!, m: tensors[1]!, count: counts[0]!, one: counts[1]! },
        { next_state: tensors[2]! },
      );
      set(tensors[0]!, [1, 2, 3, 4]);
      set(tensors[1]!, [1, 0, 0, 1]);
      for (const held of [session, session, ...tensors, ...counts]) held.release();
      const running = binding.run();
      expect(await failure(() => binding.run())).toMatchObject({ code: 'RUN_IN_FLIGHT' });
      binding.release();
      await running;
      expect([...tensors[2]!.data]).toEqual([1, 2, 3, 4]);
      expect(await failure(() => binding.run())).toMatchObject({ code: 'USE_AFTER_RELEASE' });
      expect(await failure(() => binding.runSync())).toMatchObject({ code: 'USE_AFTER_RELEASE' });
      expect(await failure(() => session.run({}))).toMatchObject({ code: 'USE_AFTER_RELEASE' });
      binding.release();
    });
  });

  it('does not start a run that is cancelled already', async () => {
    const session = await runtime.load(CLASSIFIER);
    const signal = AbortSignal.abort();
    const error = await failure(() => session.run(classifierFeeds(1), undefined, { signal }));
    expect(error).toMatchObject({ code: 'CANCELLED', kind: 'cancelled' });
    session.release();
  });
});
