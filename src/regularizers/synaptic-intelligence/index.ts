import { z } from 'zod';
import { anchoredPenalty } from '../anchored.js';
import { defineRegularizer, type HostView } from '../regularizer.js';

/** State tensors of a weight: those of the path are the graph's, the others change at the end of a task. */
const PATH = ['path', 'slope', 'before'] as const;
const KEPT = ['importance', 'anchor'] as const;

/**
 * What a task leaves: importance += max(path, 0) / ((w - anchor)^2 + damping); the path starts anew, and the anchor is where the
 * weights are now. The last step of the task is added to the path first.
 */
function consolidate(
  own: Readonly<Record<(typeof PATH | typeof KEPT)[number], Float32Array>>,
  weights: Float32Array,
  damping: number,
): void {
  const { path, slope, before, importance, anchor } = own;
  for (let i = 0; i < weights.length; i++) {
    const whole = path[i] - slope[i] * (weights[i] - before[i]);
    importance[i] += Math.max(whole, 0) / ((weights[i] - anchor[i]) ** 2 + damping);
    path[i] = 0;
    slope[i] = 0;
    before[i] = weights[i];
    anchor[i] = weights[i];
  }
}

export const synapticIntelligence = defineRegularizer({
  type: 'synaptic-intelligence',
  title: 'Synaptic intelligence',
  technique: 'T26',
  summary:
    'Holds weights near where earlier tasks left them, each by how much its path lowered the loss of those tasks.',
  strength: { unit: 'coefficient c', default: 1, range: [0.01, 100], scale: 'log', limits: [0, 1e9] },
  options: z.strictObject({
    damping: z
      .number()
      .gt(0)
      .max(1e6)
      .default(1e-3)
      .describe(
        'Added to the squared distance that a weight went, so that weights which hardly moved are not held (xi)',
      ),
  }),
  // The path of each weight is its own, whatever it is packed with.
  wholeTensors: true,
  hooks: {
    state: ({ parameters, initial, tasks }) =>
      tasks === undefined
        ? []
        : parameters.flatMap(({ name, shape }) => {
            const { data } = initial.get(name)!;
            const tensor = (kind: string, values: Float32Array, writer: 'graph' | 'host') => ({
              name: `${kind}.${name}`,
              shape,
              initial: values,
              writer,
            });
            const zeros = new Float32Array(data.length);
            return [
              tensor('path', zeros, 'graph'),
              tensor('slope', zeros, 'graph'),
              tensor('before', data, 'graph'),
              tensor('importance', zeros, 'host'),
              tensor('anchor', data, 'host'),
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
              importance: own(`importance.${name}`),
            })),
            strength,
          ),
    gradients: ({ b, strength, own, next, tasks }, _options, gradients) => {
      if (tasks === undefined) return gradients.map(({ gradient }) => gradient);
      for (const { parameter, value, gradient } of gradients) {
        if (parameter.role === 'auxiliary') continue;
        const of = (kind: string) => own(`${kind}.${parameter.name}`);
        // The step before this one took the weights from `before` to here, down a slope that is known.
        const moved = b.sub(value, of('before'));
        next(`path.${parameter.name}`, b.sub(of('path'), b.mul(of('slope'), moved)));
        // The loss's own slope: without that of the penalty, which is known as well.
        const pull = b.mul(b.mul(of('importance'), b.sub(value, of('anchor'))), b.mul(strength, 2));
        next(`slope.${parameter.name}`, b.sub(gradient, pull));
        next(`before.${parameter.name}`, b.op('Identity', [value]));
      }
      return gradients.map(({ gradient }) => gradient);
    },
    afterTask({ parameters, own }: HostView, { damping }) {
      for (const [name, { data }] of parameters) {
        const of = (kind: string): Float32Array | undefined => own.get(`${kind}.${name}`);
        const [path, slope, before] = PATH.map(of);
        const [importance, anchor] = KEPT.map(of);
        if (path === undefined || slope === undefined || before === undefined) continue;
        if (importance === undefined || anchor === undefined) continue;
        consolidate({ path, slope, before, importance, anchor }, data, damping);
      }
      return Promise.resolve();
    },
  },
  needs: { tasks: true },
  cost: { training: 'five copies of the weights in memory and about ten passes over them a step', inference: 'none' },
  fails: [
    'New classes at one shared head: what is missing is their comparison with old ones, which no penalty on weights gives (replay does).',
    'The path is that of noisy batches: with few steps a task the importance is noise.',
    'Other penalties in the objective are counted as loss on the path.',
  ],
  dataSize: 'Needs some hundred steps a task; the penalty costs the same at any size.',
  references: [
    'Zenke, Poole and Ganguli, Continual Learning Through Synaptic Intelligence, ICML 2017, equations 3 to 5 (c = 1, xi = 0.001 on split MNIST)',
    'GMvandeVen continual-learning, Synaptic Intelligence (path of the unregularized gradient)',
  ],
});
