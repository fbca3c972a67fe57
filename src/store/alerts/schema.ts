import type { Generated } from 'kysely';

/** A service level objective of a model. */
export interface SloTable {
  model: string;
  name: string;
  /** JSON. */
  definition: string;
  source: string;
  updated_at: number;
  updated_by: string;
}

/** An application's own counts, by minute. */
export interface SliCountTable {
  model: string;
  name: string;
  at: number;
  /** Empty where the application does not know it. */
  version: string;
  good: number;
  total: number;
}

export interface AlertTable {
  fingerprint: string;
  model: string;
  rule: string;
  severity: 'page' | 'ticket';
  state: 'firing' | 'resolved';
  /** JSON, as all below. */
  labels: string;
  annotations: string;
  started_at: number;
  seen_at: number;
  resolved_at: number | null;
  /** Times of the last changes of state. */
  changes: string;
  suppressed_by: string | null;
}

export interface AlertEventTable {
  id: Generated<number>;
  fingerprint: string;
  at: number;
  event: string;
  details: string;
}

/** What a target was last told of an alert. */
export interface AlertDeliveryTable {
  fingerprint: string;
  target: string;
  told: string;
  at: number;
  failures: number;
  error: string | null;
}

export interface SilenceTable {
  id: Generated<number>;
  kind: 'silence' | 'planned';
  matchers: string;
  starts_at: number;
  ends_at: number;
  reason: string;
  created_by: string;
  created_at: number;
}

/** When a job that one process does at a time was last begun. */
export interface TurnTable {
  name: string;
  at: number;
}
