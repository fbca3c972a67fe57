import { once } from 'node:events';
import { destination, pino } from 'pino';
import type { Observation } from '../../store/index.js';

export interface AnswerLog {
  /** Writes a line, behind the request. */
  observe(observation: Observation): void;
  /** Writes what waits, and ends. */
  close(): Promise<void>;
}

/** Lines are written when so many bytes wait, or at the end. */
const BUFFER_BYTES = 4096;
/** Of lines that cannot be written so many bytes are kept; the newest are dropped beyond. */
const MOST_BYTES = 16 * 2 ** 20;

/**
 * A structured log of answers: a JSON line for every row that was asked, with the prediction's id by which its label joins, version
 * and regularizer id. Features are not logged. A disk that is full costs lines, never answers.
 *
 * @param file where lines are appended; made with its folder where it is not there
 */
export function openAnswerLog(file: string, { onFault }: { readonly onFault: (error: Error) => void }): AnswerLog {
  const sink = destination({ dest: file, mkdir: true, sync: false, minLength: BUFFER_BYTES, maxLength: MOST_BYTES });
  let isTold = false;
  sink.on('error', (error: Error) => {
    if (!isTold) onFault(error);
    isTold = true;
  });
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'event' }, sink);
  return {
    observe(observation) {
      const {
        id,
        at,
        model,
        version,
        regularizerId,
        role,
        beside,
        status,
        fault,
        latencyMs,
        prediction,
        flags,
        metadata,
      } = observation;
      const fields = {
        ...{ prediction_id: id, at: new Date(at).toISOString(), model, version, regularizer_id: regularizerId, role },
        ...{ beside, status, fault, latency_ms: latencyMs, prediction, metadata },
        ...(flags.length === 0 ? {} : { flags }),
      };
      if (status === 'failed') log.error(fields, 'answer');
      else if (status === 'rejected') log.warn(fields, 'answer');
      else log.info(fields, 'answer');
    },
    async close() {
      const closed = once(sink, 'close');
      sink.end();
      await closed;
    },
  };
}
