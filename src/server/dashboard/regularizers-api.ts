import type { FastifyInstance } from 'fastify';
import { describeRegularizer, methodCard } from '../../regularizers/catalogue.js';
import { listRegularizers, regularizerOf } from '../../regularizers/registry.js';

/** The catalogue of regularizers and their method cards; below `/api/v1`. */
export async function regularizersApi(app: FastifyInstance): Promise<void> {
  app.get('/regularizers', async () => ({
    regularizers: listRegularizers().map((regularizer) => {
      const { options: _, ...shown } = describeRegularizer(regularizer);
      return shown;
    }),
  }));

  app.get('/regularizers/:name', async (request) => {
    const { name } = request.params as { name: string };
    return { ...describeRegularizer(regularizerOf(name)), card: await methodCard(name) };
  });
}
