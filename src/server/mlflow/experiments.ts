import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { TrackedExperiment } from '../../store/index.js';
import {
  decodePage,
  type Endpoint,
  encodePage,
  endpoint,
  experimentId,
  integer,
  listOf,
  pageToken,
  tag,
  toPairs,
  toRecord,
} from './endpoint.js';

const VIEWS = { ACTIVE_ONLY: 'active', DELETED_ONLY: 'deleted', ALL: 'all' } as const;

export const viewType = z.enum(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']).transform((view) => VIEWS[view]);

const LONGEST_EXPERIMENT_TAG = 20_000;

const search = z.object({
  max_results: integer.optional(),
  page_token: pageToken,
  filter: z.string().optional(),
  order_by: listOf(z.string()),
  view_type: viewType.optional(),
});

const one = z.object({ experiment_id: experimentId });

export const experimentEndpoints: readonly Endpoint[] = [
  endpoint('GET', 'experiments/get-by-name', z.object({ experiment_name: z.string() }), async (request, caller) => {
    const experiment = await caller.store.findExperiment(request.experiment_name);
    if (experiment === undefined) {
      throw new BallastError(`Could not find experiment with name '${request.experiment_name}'`, {
        code: 'EXPERIMENT_NOT_FOUND',
        kind: 'not-found',
      });
    }
    await caller.requireExperiment(experiment.id, 'read');
    return { experiment: toMessage(experiment) };
  }),

  endpoint('GET', 'experiments/get', one, async ({ experiment_id }, caller) => {
    await caller.requireExperiment(experiment_id, 'read');
    return { experiment: toMessage(await caller.store.getExperiment(experiment_id)) };
  }),

  endpoint(
    'POST',
    'experiments/create',
    z.object({ name: z.string(), artifact_location: z.string().optional(), tags: listOf(tag) }),
    async ({ name, artifact_location, tags }, caller) => {
      if (artifact_location !== undefined && artifact_location !== '') {
        throw new BallastError("Invalid value for parameter 'artifact_location': this server keeps artifacts itself", {
          code: 'ARTIFACT_LOCATION_REFUSED',
          value: artifact_location,
          remedy: 'Leave it out: artifacts are then sent to the server, and are served under its permissions.',
        });
      }
      return { experiment_id: String(await caller.createExperiment(name, toRecord(tags))) };
    },
  ),

  ...(['GET', 'POST'] as const).map((method) =>
    endpoint(method, 'experiments/search', search, async (request, caller) => {
      const offset = decodePage(request.page_token);
      const { experiments, more } = await caller.store.searchExperiments({
        offset,
        ...(request.max_results === undefined ? {} : { limit: request.max_results }),
        ...(request.filter === undefined ? {} : { filter: request.filter }),
        ...(request.order_by === undefined ? {} : { orderBy: request.order_by }),
        ...(request.view_type === undefined ? {} : { view: request.view_type }),
      });
      const readable = new Set(await caller.readable(experiments.map(({ id }) => id)));
      return {
        experiments: experiments.filter(({ id }) => readable.has(id)).map(toMessage),
        ...(more ? { next_page_token: encodePage(offset + experiments.length) } : {}),
      };
    }),
  ),

  endpoint(
    'POST',
    'experiments/update',
    one.extend({ new_name: z.string().optional() }),
    async ({ experiment_id, new_name }, caller) => {
      await caller.requireExperiment(experiment_id, 'edit');
      if (new_name !== undefined) await caller.store.renameExperiment(experiment_id, new_name);
      return {};
    },
  ),

  endpoint('POST', 'experiments/delete', one, async ({ experiment_id }, caller) => {
    await caller.requireExperiment(experiment_id, 'manage');
    await caller.store.deleteExperiment(experiment_id);
    await caller.store.audit({ action: 'experiment.delete', subject: `experiments/${experiment_id}` });
    return {};
  }),

  endpoint('POST', 'experiments/restore', one, async ({ experiment_id }, caller) => {
    await caller.requireExperiment(experiment_id, 'manage');
    await caller.store.restoreExperiment(experiment_id);
    await caller.store.audit({ action: 'experiment.restore', subject: `experiments/${experiment_id}` });
    return {};
  }),

  endpoint(
    'POST',
    'experiments/set-experiment-tag',
    one.extend({ key: z.string(), value: z.string().max(LONGEST_EXPERIMENT_TAG).default('') }),
    async ({ experiment_id, key, value }, caller) => {
      await caller.requireExperiment(experiment_id, 'edit');
      await caller.store.setExperimentTags(experiment_id, { [key]: value });
      return {};
    },
  ),

  endpoint(
    'POST',
    'experiments/delete-experiment-tag',
    one.extend({ key: z.string() }),
    async ({ experiment_id, key }, caller) => {
      await caller.requireExperiment(experiment_id, 'edit');
      await caller.store.removeExperimentTag(experiment_id, key);
      return {};
    },
  ),
];

function toMessage({ id, name, tags, createdAt, updatedAt, deletedAt }: TrackedExperiment): object {
  return {
    experiment_id: String(id),
    name,
    artifact_location: `mlflow-artifacts:/${id}`,
    lifecycle_stage: deletedAt === undefined ? 'active' : 'deleted',
    creation_time: createdAt.getTime(),
    last_update_time: updatedAt.getTime(),
    tags: toPairs(tags),
  };
}
