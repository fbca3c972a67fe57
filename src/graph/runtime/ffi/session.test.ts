import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { float32, type Tensor } from '../../tensor.js';
import { failure, matMuls, RUNTIMES, set, wave } from '../models.fixture.js';
import type { BoundTensor } from '../runtime.js';
import { openNative } from './environment.js';
import { loadSession } from './session.js';
import { allocateBound } from './tensor.js';

describe('ffi', () => {
  const runtime = RUNTIMES[0]!;
  /** Shifts columns by one: products keep their size (denormal numbers would be slow) and are exact. */
  const shift = (size: number): Float32Array =>
    Float32Array.from({ length: size * size }, (_, i) => (i % size === (Math.floor(i / size) + 1) % size ? 1 : 0));

  const bytesOf = ({ data }: Tensor): Uint8Array => {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    return new Uint8Array(buffer, byteOffset, byteLength);
  };

  it('aligns bound tensors to 64 bytes', async () => {
    const { default: koffi } = await import('koffi');
    for (const length of [1, 3, 17, 1000, 12345]) {
      expect(koffi.address(runtime.allocate('float32', [length]).data) % 64n).toBe(0n);
    }
  });

  it('leaves the event loop free while it loads and runs', async () => {
    const size = 512;
    const session = await runtime.load(matMuls(40, size));
    const [x, m, y] = [0, 1, 2].map(() => runtime.allocate('float32', [size, size])) as [
      BoundTensor,
      BoundTensor,
      BoundTensor,
    ];
    set(x, wave(size * size, 4));
    set(m, shift(size));
    const binding = session.bind({ x, m }, { y });
    let fired = 0;
    const timer = setInterval(() => fired++, 2);
    const start = performance.now();
    await binding.run();
    const elapsed = performance.now() - start;
    clearInterval(timer);
    expect(elapsed).toBeGreaterThan(15);
    expect(fired).toBeGreaterThan(2);
    binding.release();
    session.release();
  });

  it('runs bindings of a device that does not read CPU memory in place by plain calls', async () => {
    const size = 8;
    const native = openNative();
    const session = await loadSession(native, matMuls(2, size), {}, false);
    const [x, m, y] = [0, 1, 2].map(() => allocateBound(native, 'float32', [size, size])) as [
      BoundTensor,
      BoundTensor,
      BoundTensor,
    ];
    set(m, shift(size));
    const binding = session.bind({ x, m }, { y });
    for (const held of [session, x, m, y]) held.release();
    for (const fill of [1, 2, 3]) {
      set(x, new Float32Array(size * size).fill(fill));
      if (fill === 2) await binding.run();
      else binding.runSync();
      expect(y.data).toEqual(x.data);
    }
    binding.release();
  });

  it('ends a run early when it is cancelled, and can run again', async () => {
    const size = 384;
    const session = await runtime.load(matMuls(150, size));
    const feeds = { x: float32([size, size], wave(size * size, 4)), m: float32([size, size], shift(size)) };
    const start = performance.now();
    await session.run(feeds);
    const whole = performance.now() - start;
    const controller = new AbortController();
    const running = failure(() => session.run(feeds, undefined, { signal: controller.signal }));
    await sleep(whole / 10);
    controller.abort();
    expect(await running).toMatchObject({ code: 'CANCELLED', kind: 'cancelled' });
    expect((await session.run(feeds)).y!.shape).toEqual([size, size]);
    session.release();
  });

  it('keeps what a run needs, although everything is released and collected meanwhile', async () => {
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const size = 512;
    const m = shift(size);
    const expected = await (await runtime.load(matMuls(60, size))).run({
      x: float32([size, size], wave(size * size, 4)),
      m: float32([size, size], m),
    });
    for (let round = 0; round < 3; round++) {
      const y = runtime.allocate('float32', [size, size]);
      // In a function of its own, so that nothing but the run refers to session, binding and inputs afterwards.
      const start = async (): Promise<readonly [running: Promise<void>]> => {
        const session = await runtime.load(matMuls(60, size));
        const [x, matrix] = [runtime.allocate('float32', [size, size]), runtime.allocate('float32', [size, size])];
        set(x, wave(size * size, 4));
        set(matrix, m);
        const binding = session.bind({ x, m: matrix }, { y });
        const running = binding.run();
        for (const held of [session, binding, x, matrix]) held.release();
        return [running];
      };
      const [running] = await start();
      let ended = false;
      const end = running.then(() => {
        ended = true;
      });
      collect();
      await sleep(1);
      collect();
      await sleep(1);
      expect(ended).toBe(false);
      await end;
      expect(Buffer.compare(bytesOf(y), bytesOf(expected.y!))).toBe(0);
    }
  });
});
