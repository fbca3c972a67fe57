import { describe, expect, it } from 'vitest';
import { BallastError } from '../errors.js';
import { callInThread } from './thread.js';

const call = (request: unknown): Promise<unknown> =>
  callInThread(new URL('./thread.fixture.js', import.meta.url), request);

describe('a call in a thread', () => {
  it('gives the result, memory of numbers included', async () => {
    expect(await call({ square: Float32Array.of(1, 2, 3) })).toEqual(Float32Array.of(1, 4, 9));
  });

  it('throws what the call threw, with all that it says', async () => {
    const error = await call({ refuse: 'DATA_EMPTY' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BallastError);
    expect(error).toMatchObject({ message: 'refused', code: 'DATA_EMPTY', place: 'here', remedy: 'Bring rows' });
    await expect(call({ fault: 'a fault' })).rejects.toThrow('a fault');
  });

  it('says that the thread ended before it answered', async () => {
    await expect(call({ exit: true })).rejects.toThrow(/thread.fixture.* ended without an answer/);
  });
});
