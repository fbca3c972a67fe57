import { callInThread } from '../../concurrency/index.js';
import type { AddedExamples, PreparationContext } from '../regularizer.js';
import type { MakeRequest } from './make-thread.js';
import { asExamples, type Source, type Synthetic, sourceOf } from './source.js';

/** Below so many numbers a thread takes longer to start than the rows take to be made. */
const FEW = 20_000;

/**
 * Rows to add, made in a thread of their own where there is much to do, so that a server or a progress bar in this one goes
 * on. What is made follows from the source alone: it is the same to the bit in either thread.
 *
 * @param make the same function that the thread calls by this name
 */
export async function makeRows<Options>(
  type: MakeRequest['type'],
  make: (source: Source, options: Options) => Promise<Synthetic | undefined>,
  context: PreparationContext,
  options: Options,
): Promise<AddedExamples | undefined> {
  const { source, real } = sourceOf(context);
  const made =
    source.real.data.length < FEW
      ? await make(source, options)
      : await callInThread<MakeRequest, Synthetic | undefined>(new URL('./make-thread.js', import.meta.url), {
          type,
          source,
          options,
        });
  return made === undefined ? undefined : asExamples(real, made);
}
