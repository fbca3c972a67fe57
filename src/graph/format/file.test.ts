import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, TensorProto_DataLocation, TensorProto_DataType } from 'onnx-buf';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BallastError } from '../../errors.js';
import type { Model } from '../model.js';
import { float32, int64, type Tensor, tensor } from '../tensor.js';
import { writeFileAtomically } from './atomic-file.js';
import { readModel } from './decode.js';
import { writeModel } from './encode.js';
import { readModelFile, writeModelFile } from './file.js';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ballast-format-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

function modelWith(initializers: Record<string, Tensor>): Model {
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producer: { name: 'ballast', version: '' },
    graph: {
      name: 'g',
      inputs: [{ name: 'x', type: 'float32', shape: [1] }],
      outputs: [{ name: 'y', type: 'float32', shape: [1] }],
      initializers: new Map(Object.entries(initializers)),
      nodes: [{ name: 'n', opType: 'Neg', domain: '', inputs: ['x'], outputs: ['y'], attributes: {} }],
      valueInfo: new Map(),
    },
    metadata: new Map(),
  };
}

const ramp = Float32Array.from({ length: 400_000 }, (_, index) => index / 7);
const sample = modelWith({
  large: float32([400, 1000], ramp),
  tied: float32([1000, 400], ramp),
  small: int64([3], [1, 2, 3]),
  names: tensor('string', [2], ['a', 'ü']),
  none: float32([0], []),
});

const faultOf = async (promise: Promise<unknown>): Promise<BallastError> => {
  const error: unknown = await promise.catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(BallastError);
  return error as BallastError;
};

describe('model files', () => {
  it('are one file unless it is asked otherwise, and read back equal', async () => {
    const path = join(directory, 'm.onnx');
    expect(await writeModelFile(sample, path)).toEqual({ files: [path] });
    expect(readdirSync(directory)).toEqual(['m.onnx']);
    expect(isDeepStrictEqual(await readModelFile(path), sample)).toBe(true);
    expect(Buffer.compare(readFileSync(path), writeModel(sample))).toBe(0);
  });

  it('put initializers from a threshold on into a data file, aligned, what is shared only once', async () => {
    const path = join(directory, 'm.onnx');
    const { files } = await writeModelFile(sample, path, { externalData: 24 });
    expect(files).toHaveLength(2);
    expect(files[1]).toMatch(/m\.[0-9a-f]{16}\.data$/);
    expect(statSync(files[1]).size).toBeLessThan(ramp.byteLength + 65_536);
    expect(statSync(path).size).toBeLessThan(1000);
    const model = await readModelFile(path);
    expect(isDeepStrictEqual(model, sample)).toBe(true);
    const { initializers } = model.graph;
    const [large, tied] = ['large', 'tied'].map((name) => initializers.get(name)?.data as Float32Array);
    expect(tied.buffer).toBe(large.buffer);
    // The same model gives the same files.
    expect(await writeModelFile(sample, path, { externalData: 24 })).toEqual({ files });
    expect(readdirSync(directory)).toHaveLength(2);
  });

  it('keep the data of the model that is replaced until it is replaced', async () => {
    const path = join(directory, 'm.onnx');
    const { files } = await writeModelFile(sample, path, { externalData: 24 });
    const other = modelWith({ large: float32([100], new Float32Array(100).fill(3)) });
    const old = readFileSync(path);
    await writeModelFile(other, path, { externalData: 24 });
    expect(existsSync(files[1])).toBe(true);
    expect(isDeepStrictEqual(readModel(old, { externalData: directory }), sample)).toBe(true);
    expect(isDeepStrictEqual(await readModelFile(path), other)).toBe(true);
  });

  it('leave nothing behind where they cannot be written', async () => {
    const missing = await faultOf(writeModelFile(sample, join(directory, 'no', 'm.onnx')));
    expect(missing).toMatchObject({ code: 'FILE_WRITE', kind: 'environment', exitCode: 3 });
    mkdirSync(join(directory, 'm.onnx'));
    for (const options of [{}, { externalData: 24 }]) {
      expect(await faultOf(writeModelFile(sample, join(directory, 'm.onnx'), options))).toMatchObject({
        code: 'FILE_WRITE',
        place: join(directory, 'm.onnx'),
      });
      expect(readdirSync(directory)).toEqual(['m.onnx']);
    }
    const invalid = modelWith({ x: float32([1], [1]), y: float32([1], [1]) });
    expect(await faultOf(writeModelFile(invalid, join(directory, 'i.onnx')))).toMatchObject({
      code: 'MODEL_DUPLICATE_NAME',
    });
    expect(readdirSync(directory)).toEqual(['m.onnx']);
  });

  it('leave nothing behind when the disk becomes full', async () => {
    function* chunks(): Generator<Uint8Array> {
      yield new Uint8Array(1000);
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }
    const path = join(directory, 'm.onnx');
    writeFileSync(path, 'before');
    const fault = await faultOf(writeFileAtomically(path, chunks()));
    expect(fault).toMatchObject({
      code: 'FILE_WRITE',
      kind: 'environment',
      message: 'the disk is full',
      place: directory,
    });
    expect(readdirSync(directory)).toEqual(['m.onnx']);
    expect(readFileSync(path, 'utf8')).toBe('before');
  });

  it('that are missing or directories are named', async () => {
    const path = join(directory, 'none.onnx');
    expect(await faultOf(readModelFile(path))).toMatchObject({
      code: 'MODEL_NOT_FOUND',
      kind: 'not-found',
      place: path,
    });
    expect(await faultOf(readModelFile(directory))).toMatchObject({ code: 'MODEL_READ', kind: 'environment' });
  });
});

describe('external data', () => {
  /** A model file in `models/` whose initializer `w`, float32 [4], is said to be at these places. */
  function referring(entries: Record<string, string>): string {
    const proto = fromBinary(ModelProtoSchema, writeModel(modelWith({ w: float32([4], [1, 2, 3, 4]) })));
    const [w] = proto.graph?.initializer ?? [];
    w.rawData = new Uint8Array(0);
    w.dataLocation = TensorProto_DataLocation.EXTERNAL;
    w.externalData = Object.entries(entries).map(([key, value]) => ({
      $typeName: 'onnx.StringStringEntryProto' as const,
      key,
      value,
    }));
    expect(w.dataType).toBe(TensorProto_DataType.FLOAT);
    const path = join(directory, 'models', 'm.onnx');
    writeFileSync(path, toBinary(ModelProtoSchema, create(ModelProtoSchema, proto)));
    return path;
  }

  const refused = async (entries: Record<string, string>, message: RegExp): Promise<void> => {
    const fault = await faultOf(readModelFile(referring(entries)));
    expect(fault.describe()).toMatch(message);
    expect(fault).toMatchObject({ code: 'MODEL_EXTERNAL_DATA', exitCode: 2 });
    expect(fault.place).toBe(`${join(directory, 'models', 'm.onnx')}: graph "g", tensor "w"`);
  };

  beforeEach(() => {
    mkdirSync(join(directory, 'models', 'sub'), { recursive: true });
    writeFileSync(join(directory, 'secret'), new Uint8Array(Float32Array.of(9, 9, 9, 9).buffer));
    writeFileSync(join(directory, 'models', 'data'), new Uint8Array(Float32Array.of(0, 1, 2, 3, 4).buffer));
    writeFileSync(join(directory, 'models', 'sub', 'data'), new Uint8Array(Float32Array.of(5, 6, 7, 8).buffer));
  });

  it('is read inside the directory, also further in and through links that stay inside', async () => {
    const values = async (entries: Record<string, string>) => [
      ...((await readModelFile(referring(entries))).graph.initializers.get('w')?.data ?? []),
    ];
    expect(await values({ location: 'data', offset: '4', length: '16' })).toEqual([1, 2, 3, 4]);
    expect(await values({ location: 'data', length: '16' })).toEqual([0, 1, 2, 3]);
    expect(await values({ location: 'sub/data' })).toEqual([5, 6, 7, 8]);
    symlinkSync('sub/data', join(directory, 'models', 'link'));
    expect(await values({ location: './link' })).toEqual([5, 6, 7, 8]);
    linkSync(join(directory, 'models', 'sub', 'data'), join(directory, 'models', 'hard'));
    expect(await values({ location: 'hard' })).toEqual([5, 6, 7, 8]);
  });

  it('outside of the directory is refused: paths and links', async () => {
    const leaves = /may not leave the model's directory/;
    await refused({ location: '../secret' }, leaves);
    await refused({ location: 'sub/../../secret' }, leaves);
    await refused({ location: 'sub\\..\\..\\secret' }, leaves);
    await refused({ location: join(directory, 'secret') }, leaves);
    await refused({ location: 'C:\\secret' }, leaves);
    await refused({ location: 'C:secret' }, leaves);
    await refused({ location: '\\\\host\\share' }, leaves);
    await refused({ location: '' }, leaves);
    await refused({ location: 'data\0' }, leaves);
    symlinkSync('../secret', join(directory, 'models', 'link'));
    await refused({ location: 'link' }, /by a link/);
    symlinkSync('..', join(directory, 'models', 'up'));
    await refused({ location: 'up/secret' }, /by a link/);
  });

  it('that is no file, or not there, is refused', async () => {
    await refused({ location: 'none' }, /"none" cannot be opened.*beside the model/);
    await refused({ location: 'sub' }, /not a regular file/);
    await refused({}, /without a location/);
    if (existsSync('/usr/bin/mkfifo')) {
      execFileSync('mkfifo', [join(directory, 'models', 'pipe')]);
      await refused({ location: 'pipe' }, /not a regular file/);
    }
  });

  it('out of range, or of another length, is refused', async () => {
    await refused({ location: 'data', offset: '8' }, /16 bytes at 8 of "data", which has 20 bytes/);
    await refused({ location: 'data', offset: '9007199254740991' }, /which has 20 bytes/);
    await refused({ location: 'data', offset: '-4' }, /the offset of external data is no whole number/);
    await refused({ location: 'data', offset: '99999999999999999999' }, /no whole number/);
    await refused({ location: 'data', length: '8' }, /declares 8 bytes where 16 are needed/);
  });
});
