import type { FastifyInstance } from 'fastify';
import type { TelemetryOptions } from '../../monitoring/export/telemetry.js';
import { DriftWatch } from '../../monitoring/slo/drift-watch.js';
import type { Store } from '../../store/index.js';
import { alertsApi } from './alerts-api.js';
import { dashboardsApi } from './dashboards-api.js';
import { metricsApi } from './metrics-api.js';
import { runbooksApi } from './runbooks-api.js';
import { sloApi } from './slo-api.js';

/** Objectives, alerts and series over the store: `/metrics`, `/api/v1/slos`, `/api/v1/slis`, `/api/v1/alerts`, `/api/v1/silences`. */
export async function observabilityApi(
  app: FastifyInstance,
  options: TelemetryOptions & { readonly store: Store },
): Promise<void> {
  const drift = new DriftWatch(options.store);
  await app.register((api) => metricsApi(api, options));
  await app.register((api) => dashboardsApi(api, { ...options, drift }), { prefix: '/api/v1/dashboards' });
  await app.register((api) => sloApi(api, { drift }), { prefix: '/api/v1' });
  await app.register(alertsApi, { prefix: '/api/v1' });
  await app.register(runbooksApi, { prefix: '/api/v1/runbooks' });
}
