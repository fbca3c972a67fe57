import { BallastError } from '../errors.js';
import { answerCall } from './thread.js';

interface Request {
  readonly square?: Float32Array;
  readonly refuse?: string;
  readonly fault?: string;
  readonly exit?: true;
}

answerCall(({ square, refuse, fault, exit }: Request): Promise<Float32Array> => {
  if (exit) process.exit();
  if (fault !== undefined) return Promise.reject(new Error(fault));
  if (refuse !== undefined) {
    return Promise.reject(new BallastError('refused', { code: refuse, place: 'here', remedy: 'Bring rows' }));
  }
  return Promise.resolve(Float32Array.from(square ?? [], (value) => value * value));
});
