import { BallastError } from '../../errors.js';
import type { Caller } from '../access.js';

/** Whether a caller may read what is measured of a model; of one that is not registered, everyone may. */
export async function mayRead(caller: Caller, model: string): Promise<boolean> {
  return (await ifRegistered(() => caller.mayReadModel(model))) ?? true;
}

/** @throws BallastError `ACCESS_DENIED` where the caller may not read a model that is registered */
export async function requireRead(caller: Caller, model: string): Promise<void> {
  await ifRegistered(() => caller.requireModel(model, 'read'));
}

/** Whether a caller may change what a model is promised; of one that is not registered, administrators may. @throws BallastError `ACCESS_DENIED` */
export async function requireWrite(caller: Caller, model: string): Promise<void> {
  const granted = await ifRegistered(async () => {
    await caller.requireModel(model, 'edit');
    return true;
  });
  if (granted === undefined) caller.requireAdmin();
}

async function ifRegistered<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof BallastError && error.code === 'MODEL_NOT_FOUND') return undefined;
    throw error;
  }
}
