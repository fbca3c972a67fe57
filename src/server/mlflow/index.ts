import type { FastifyInstance } from 'fastify';
import { callerOf, type ServerContext } from '../context.js';
import { artifactEndpoints, artifactProxy } from './artifacts.js';
import { BATCH_BYTES } from './batch-limits.js';
import type { Endpoint } from './endpoint.js';
import { experimentEndpoints } from './experiments.js';
import { loggedModelEndpoints } from './logged-models.js';
import { registryEndpoints } from './registry.js';
import { runEndpoints } from './runs.js';

/** Every endpoint of MLflow's REST contract that this server answers. */
export const MLFLOW_ENDPOINTS: readonly Endpoint[] = [
  ...experimentEndpoints,
  ...runEndpoints,
  ...loggedModelEndpoints,
  ...artifactEndpoints,
  ...registryEndpoints,
];

/** Profiles of data sets are up to 16 MB. */
const LARGEST_BODY = 32 << 20;

/** MLflow's REST contract: what the Python client calls. */
export async function mlflowApi(app: FastifyInstance, context: ServerContext): Promise<void> {
  await app.register(
    async (api) => {
      for (const { method, path, handle } of MLFLOW_ENDPOINTS) {
        api.route({
          method,
          url: `/${path}`,
          // A batch is at most 1 MB by contract; a little more is read so that the answer can say so.
          bodyLimit: path === 'runs/log-batch' ? BATCH_BYTES + 1000 : LARGEST_BODY,
          handler: async (request, reply) => {
            const answer = await handle(
              { ...(request.query as object), ...(request.body as object | undefined), ...(request.params as object) },
              await callerOf(request),
            );
            return reply
              .type('application/json; charset=utf-8')
              .send(typeof answer === 'string' ? answer : JSON.stringify(answer));
          },
        });
      }
    },
    { prefix: '/api/2.0/mlflow' },
  );

  await app.register((proxy) => artifactProxy(proxy, context), { prefix: '/api/2.0/mlflow-artifacts' });
}
