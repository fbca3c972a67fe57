import { once } from 'node:events';
import { destination } from 'pino';
import { BallastError } from '../../errors.js';
import { type AnsweredRequest, outputJson } from '../../serving/index.js';

export interface RequestLog {
  /** Writes a line, behind the request. */
  record(request: AnsweredRequest): void;
  /** Writes what waits, and ends. */
  close(): Promise<void>;
}

/** Lines are written when so many bytes wait, or at the end. */
const BUFFER_BYTES = 8192;
/** Of lines that cannot be written so many bytes are kept; the newest are dropped beyond. */
const MOST_BYTES = 64 * 2 ** 20;

/**
 * A record of requests, to be replayed: a JSON line each, itself a request of the Open Inference Protocol. Its `id` is the
 * prediction's, by which a label joins; its parameters are what the client said of itself. A disk that is full costs lines, never
 * answers.
 *
 * @param file where lines are appended; made with its folder where it is not there
 */
export function openRequestLog(file: string, { onFault }: { readonly onFault: (error: Error) => void }): RequestLog {
  const sink = destination({ dest: file, mkdir: true, sync: false, minLength: BUFFER_BYTES, maxLength: MOST_BYTES });
  let isTold = false;
  const tell = (error: Error): void => {
    if (!isTold) onFault(error);
    isTold = true;
  };
  sink.on('error', tell);
  return {
    record({ predictionId, at, model, metadata, feeds }) {
      try {
        const inputs = Object.entries(feeds).map(([name, tensor]) => outputJson(name, tensor));
        sink.write(`${JSON.stringify({ id: predictionId, at, model, parameters: metadata, inputs })}\n`);
      } catch (error) {
        // Whole numbers that JSON cannot tell: of such requests there is no record.
        if (!(error instanceof BallastError)) throw error;
        tell(error);
      }
    },
    async close() {
      const closed = once(sink, 'close');
      sink.end();
      await closed;
    },
  };
}
