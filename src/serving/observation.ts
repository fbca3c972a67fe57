import type { Observation } from '../store/index.js';

export type { Observation };

/** Is told of every row that was answered, or refused. It returns at once and never throws: the answer waits for it. */
export type ObservationSink = (observation: Observation) => void;
