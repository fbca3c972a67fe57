import { BallastError } from '../../errors.js';
import type { AnswerUse } from '../model/model-runner.js';
import type { ServedVersion } from '../model/served-version.js';
import type { Observation, ObservationSink } from '../observation.js';
import type { Tensors } from '../worker/messages.js';
import { rowsOf } from '../worker/runner.js';

/** What is known of a request before it is answered. */
export interface Asked {
  readonly predictionId: string;
  readonly at: number;
  readonly version: ServedVersion;
  readonly role: Observation['role'];
  readonly metadata: Readonly<Record<string, string>>;
  /** The prediction of the answer that the user saw, of a shadow's. */
  readonly beside?: string;
}

/** What became of it. */
export interface Outcome {
  readonly latencyMs: number;
  /** What it took of the process that gave it. */
  readonly use?: AnswerUse | undefined;
  /** Undefined where the request could not be read. */
  readonly feeds?: Tensors;
  readonly outputs?: Tensors;
  readonly error?: unknown;
  /** Whose fault the error is; told by the error itself unless given. */
  readonly faultOf?: 'request' | 'service' | undefined;
  /** Of each row, the checks that flagged or clipped. */
  readonly flags?: readonly (readonly string[])[];
}

/** Tells a sink of each row of a request. */
export function observe(sink: ObservationSink, asked: Asked, outcome: Outcome): void {
  const { version, role, at, metadata, beside } = asked;
  const { feeds, outputs, error, latencyMs, use, flags = [] } = outcome;
  const rejected = isOfTheRequest(error) && outcome.faultOf !== 'service';
  const rows = feeds === undefined ? 1 : (rowsOf(feeds) ?? 1);
  const answered = outputs === undefined ? undefined : { outputs, reader: version.answers };
  const fault = error === undefined ? {} : { fault: faultOf(error) };
  for (let row = 0; row < rows; row++) {
    const suffix = rows === 1 ? '' : `/${row}`;
    sink({
      id: beside === undefined ? `${asked.predictionId}${suffix}` : `${beside}${suffix}~${version.version}`,
      at,
      model: version.name,
      version: String(version.version),
      regularizerId: version.regularizerId,
      role,
      ...(beside === undefined ? {} : { beside: `${beside}${suffix}` }),
      status: error === undefined ? 'ok' : rejected ? 'rejected' : 'failed',
      ...fault,
      latencyMs,
      ...(use === undefined ? {} : { runMs: use.runMs / rows }),
      ...(use?.memory === undefined || row > 0 ? {} : { memory: use.memory }),
      features: feeds === undefined ? {} : version.columns.read(feeds, row, outputs),
      ...(answered === undefined ? {} : answered.reader.read(answered.outputs, row)),
      flags: flags[row] ?? [],
      metadata,
    });
  }
}

function faultOf(error: unknown): string {
  return error instanceof BallastError ? `${error.code}: ${error.message}` : String(error);
}

/** Whether the request is at fault: nothing of the service failed. */
function isOfTheRequest(error: unknown): boolean {
  return error instanceof BallastError && (error.kind === 'input' || error.kind === 'not-found');
}
