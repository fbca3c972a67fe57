import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { openStore } from '../../../src/store/index.js';
import { alertsContract } from './alerts.js';
import { artifactsContract } from './artifacts.js';
import { holdoutContract } from './holdout.js';
import { metricsContract } from './metrics.js';
import { observationsContract } from './observations.js';
import { openingContract } from './opening.js';
import { recordsContract } from './records.js';
import { registryContract } from './registry.js';
import { retentionContract } from './retention.js';
import { retentionPolicyContract } from './retention-policy.js';
import { rolloutContract } from './rollouts.js';
import { runsContract } from './runs.js';
import type { StorePlace, Subject } from './subject.js';
import { sweepsContract } from './sweeps.js';
import { trackingContract } from './tracking.js';
import { trafficContract } from './traffic.js';

/**
 * What every database under a store must do alike. A new database earns the whole suite by one call.
 *
 * @param createPlace an empty database and artifact folder
 */
export function storeContract(database: string, createPlace: () => Promise<StorePlace>): void {
  describe(`store on ${database}`, () => {
    const subject = { createPlace } as Subject;

    beforeAll(async () => {
      subject.scratch = await mkdtemp(join(tmpdir(), 'ballast-store-'));
      subject.place = await createPlace();
      subject.store = await openStore(subject.place.url, { actor: 'tester' });
    });

    afterAll(async () => {
      await subject.store.close();
      await rm(subject.scratch, { recursive: true, force: true });
    });

    openingContract(subject);
    runsContract(subject);
    metricsContract(subject);
    recordsContract(subject);
    artifactsContract(subject);
    holdoutContract(subject);
    retentionContract(subject);
    retentionPolicyContract(subject);
    trackingContract(subject);
    registryContract(subject);
    sweepsContract(subject);
    alertsContract(subject);
    observationsContract(subject);
    trafficContract(subject);
    rolloutContract(subject);
  });
}
