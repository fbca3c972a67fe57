import type { Kysely, Migration } from 'kysely';
import { createInitialTables } from './0001-initial.js';
import { addTracking } from './0002-tracking.js';
import { createSweepTables } from './0003-sweeps.js';
import { addRegistry } from './0004-registry.js';
import { addAccess } from './0005-access.js';
import { addObservations } from './0006-observations.js';
import { addAlerts } from './0007-alerts.js';
import { addLabelWork } from './0008-label-work.js';
import { addTraffic } from './0009-traffic.js';
import { addRollouts } from './0010-rollouts.js';
import { addLostTrials } from './0011-lost-trials.js';
import { addRunUse } from './0012-run-use.js';
import { addExperimentColumns } from './0013-experiment-columns.js';
import type { DatabaseKind } from './dialect-types.js';

type Step = (db: Kysely<unknown>, kind: DatabaseKind) => Promise<void>;

/** Every migration by its number and name, in order. One that was released is never changed: a new one is added. */
const STEPS: Readonly<Record<string, Step>> = {
  '0001_initial': createInitialTables,
  '0002_tracking': addTracking,
  '0003_sweeps': createSweepTables,
  '0004_registry': addRegistry,
  '0005_access': addAccess,
  '0006_observations': addObservations,
  '0007_alerts': addAlerts,
  '0008_label_work': addLabelWork,
  '0009_traffic': addTraffic,
  '0010_rollouts': addRollouts,
  '0011_lost_trials': addLostTrials,
  '0012_run_use': addRunUse,
  '0013_experiment_columns': addExperimentColumns,
};

/** The names of the migrations this version of Ballast knows, in order. */
export const MIGRATION_NAMES: readonly string[] = Object.keys(STEPS);

/** The migrations for one of the two databases, as kysely's Migrator takes them. */
export function migrationsFor(kind: DatabaseKind): Record<string, Migration> {
  return Object.fromEntries(
    Object.entries(STEPS).map(([name, step]) => [name, { up: (db: Kysely<unknown>) => step(db, kind) }]),
  );
}
