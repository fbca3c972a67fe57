import { z } from 'zod';
import { derive } from '../../numeric/random.js';
import { anchoredPenalty } from '../anchored.js';
import { defineRegularizer, type HostView } from '../regularizer.js';

/** What is kept of a weight over tasks: the sum of its Fisher informations and the centre of their quadratics. */
export interface Quadratic {
  readonly precision: Float32Array;
  readonly anchor: Float32Array;
}

/**
 * Takes a task up. `offline` keeps one quadratic a task: the sum of F_k (w - w_k)^2 / 2 is, but for a constant, one quadratic
 * with precision sum F_k around the mean of the w_k weighted by F_k. `online` keeps the last anchor alone, its precision
 * decay * before + F.
 */
export function takeUp(
  { precision, anchor }: Quadratic,
  fisher: Float32Array,
  weights: Float32Array,
  { mode, decay }: { mode: 'online' | 'offline'; decay: number },
): void {
  for (let i = 0; i < weights.length; i++) {
    if (mode === 'online') {
      precision[i] = decay * precision[i] + fisher[i];
      anchor[i] = weights[i];
      continue;
    }
    const sum = precision[i] + fisher[i];
    if (sum > 0) anchor[i] = (precision[i] * anchor[i] + fisher[i] * weights[i]) / sum;
    precision[i] = sum;
  }
}

const named = ({ own }: Pick<HostView, 'own'>, name: string): Quadratic => ({
  precision: own.get(`precision.${name}`)!,
  anchor: own.get(`anchor.${name}`)!,
});

export const ewc = defineRegularizer({
  type: 'ewc',
  title: 'Elastic weight consolidation',
  technique: 'T26',
  summary:
    'Holds weights near where earlier tasks left them, each as firmly as its Fisher information says it mattered.',
  strength: { unit: 'coefficient lambda', default: 100, range: [1, 1e6], scale: 'log', limits: [0, 1e12] },
  options: z.strictObject({
    mode: z
      .enum(['online', 'offline'])
      .default('online')
      .describe('online: one anchor, the last, with summed informations; offline: one quadratic a task'),
    decay: z
      .number()
      .min(0)
      .max(1)
      .default(1)
      .describe('online: what is left of earlier informations at each task (gamma)'),
    labels: z
      .enum(['exact', 'sampled', 'empirical'])
      .default('exact')
      .describe(
        "Labels of the Fisher information: the model's own distribution, in expectation or one drawn a row, or those of the data",
      ),
    rows: z.int().min(1).max(1_000_000).default(200).describe('Rows of a task that the information is taken over'),
  }),
  hooks: {
    state: ({ parameters, initial, tasks }) =>
      tasks === undefined
        ? []
        : parameters.flatMap(({ name, shape }) => {
            const { data } = initial.get(name)!;
            return [
              { name: `precision.${name}`, shape, initial: new Float32Array(data.length), writer: 'host' as const },
              { name: `anchor.${name}`, shape, initial: data, writer: 'host' as const },
            ];
          }),
    objective: ({ b, strength, own, tasks }, _options, weights) =>
      tasks === undefined
        ? undefined
        : anchoredPenalty(
            b,
            weights.map(({ parameter: { name }, value }) => ({
              value,
              anchor: own(`anchor.${name}`),
              importance: own(`precision.${name}`),
            })),
            b.mul(strength, 0.5),
          ),
    async afterTask(host, { mode, decay, labels, rows }) {
      const chosen = derive(host.seed, 'ewc', host.task).shuffle(host.rows.slice()).subarray(0, rows);
      const fishers = await host.squaredGradients(chosen, labels);
      for (const [name, fisher] of fishers) {
        takeUp(named(host, name), fisher, host.parameters.get(name)!.data, { mode, decay });
      }
    },
  },
  needs: { tasks: true },
  cost: {
    training:
      'two copies of the weights in memory, two passes over them a step; at the end of a task a gradient a row and class',
    inference: 'none',
  },
  fails: [
    'New classes at one shared head: what is missing is their comparison with old ones, which no penalty on weights gives (replay does).',
    'Too strong: new tasks are not learnt. The right strength spans orders of magnitude between data sets.',
    'A model that is sure of every row has almost no Fisher information, and nothing is held.',
  ],
  dataSize: 'The information needs a few hundred rows of a task; the penalty costs the same at any size.',
  references: [
    'Kirkpatrick et al., Overcoming catastrophic forgetting in neural networks, PNAS 2017, equation 3',
    'Huszár, Note on the quadratic penalties in elastic weight consolidation, PNAS 2018 (one anchor)',
    'Schwarz et al., Progress and Compress, ICML 2018 (online EWC with decay gamma)',
    'van de Ven, On the Computation of the Fisher Information in Continual Learning, ICLR blog posts 2025 (exact, sampled, empirical)',
  ],
});
