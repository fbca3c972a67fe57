import { Recorder } from '../../monitoring/index.js';
import { InferenceService, type RequestLimits, type ServiceOptions } from '../../serving/index.js';
import type { Observation, Store } from '../../store/index.js';
import type { EndpointOptions } from './endpoint.js';

export interface OpenInference extends Omit<ServiceOptions, 'store' | 'sink'> {
  readonly store: Store;
  /** The same store by a way of its own, so that nothing waits while answers are written; `store` unless given. */
  readonly records?: Store;
  /** `NAME@ALIAS`, `NAME/VERSION` or `NAME`. */
  readonly models: readonly string[];
  readonly limits: RequestLimits;
  /** Of Ballast. */
  readonly version: string;
  /** Told of every answer beside the record in the store; returns at once. */
  readonly observed?: (observation: Observation) => void;
}

/** Inference that is at work: what a server is given, and how it ends. */
export interface OpenedInference extends EndpointOptions {
  readonly recorder: Recorder;
  /** After the server answered its last request: ends the models, writes what was observed. */
  close(): Promise<void>;
}

/**
 * Loads models and records what they answer in the store.
 *
 * @throws BallastError those of {@link InferenceService}'s loading: nothing is left running
 */
export async function openInference(options: OpenInference): Promise<OpenedInference> {
  const { store, records = store, models, limits, version, observed, ...serving } = options;
  const recorder = new Recorder(records, { onChange: serving.onChange });
  const sink = (observation: Observation): void => {
    recorder.observe(observation);
    observed?.(observation);
  };
  const service = new InferenceService({ ...serving, store, sink });
  const close = async (): Promise<void> => {
    await service.close();
    await recorder.stop();
  };
  try {
    for (const model of models) await service.models.load(model);
  } catch (error) {
    await close();
    throw error;
  }
  return { service, limits, version, recorder, close };
}
