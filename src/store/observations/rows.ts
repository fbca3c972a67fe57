import type { Selectable } from 'kysely';
import { decodeJson, encodeJson } from '../json.js';
import { storableText } from '../text.js';
import type { ObservationTable } from './schema.js';
import type { SlicedObservation, StoredObservation } from './types.js';

/** An observation as the database keeps it, without a label. */
export function toRow(observation: SlicedObservation, sequence: number): ObservationTable {
  const { id, beside, model, version, regularizerId, role, at, status, fault, latencyMs, runMs, memory } = observation;
  const { features, prediction, scores, flags, metadata, slices } = observation;
  // JSON escapes what a database would not hold.
  const json = (value: unknown): string => encodeJson(value, `observation ${id}`);
  return {
    ...{ model, sequence, id, answer_id: beside ?? id, at: Math.round(at), version, regularizer_id: regularizerId },
    ...{ role, status, fault: fault === undefined ? null : storableText(fault), latency_ms: latencyMs },
    ...{ run_ms: runMs ?? null, memory: memory === undefined ? null : json(memory) },
    features: json(features),
    prediction: prediction === undefined ? null : json(prediction),
    scores: scores === undefined ? null : json(scores),
    flags: json(flags),
    metadata: json(metadata),
    slices: json(slices),
    ...{ label: null, label_known_at: null, label_source: null, label_sequence: null },
  };
}

/** A content of bytes as either database gives it, as a copy of its own. */
export function toBytes(content: Uint8Array | ArrayBuffer): Uint8Array {
  return new Uint8Array(content instanceof ArrayBuffer ? content : content.slice());
}

/** The observation of a row, with its label. */
export function toObservation(row: Selectable<ObservationTable>): StoredObservation {
  return {
    id: row.id,
    at: row.at,
    model: row.model,
    version: row.version,
    regularizerId: row.regularizer_id,
    role: row.role,
    ...(row.answer_id === row.id ? {} : { beside: row.answer_id }),
    status: row.status,
    ...(row.fault === null ? {} : { fault: row.fault }),
    latencyMs: row.latency_ms,
    ...(row.run_ms === null ? {} : { runMs: row.run_ms }),
    ...(row.memory === null ? {} : { memory: decodeJson(row.memory) as StoredObservation['memory'] & {} }),
    features: decodeJson(row.features) as StoredObservation['features'],
    ...(row.prediction === null ? {} : { prediction: decodeJson(row.prediction) as string | number }),
    ...(row.scores === null ? {} : { scores: decodeJson(row.scores) as number[] }),
    flags: decodeJson(row.flags) as string[],
    metadata: decodeJson(row.metadata) as Record<string, string>,
    slices: decodeJson(row.slices) as string[],
    sequence: row.sequence,
    ...(row.label === null
      ? {}
      : {
          label: {
            value: decodeJson(row.label) as string | number,
            knownAt: row.label_known_at ?? 0,
            source: row.label_source ?? '',
            sequence: row.label_sequence ?? 0,
          },
        }),
  };
}
