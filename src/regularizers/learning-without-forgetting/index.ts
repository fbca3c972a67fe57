import { z } from 'zod';
import type { GraphBuilder, Value } from '../../graph/builder.js';
import { float32, int64 } from '../../graph/tensor.js';
import { defineRegularizer } from '../regularizer.js';

/** Mean over rows of T^2 times the cross-entropy of logits against what others say, both softened by a temperature T. */
function distillation(b: GraphBuilder, logits: Value, before: Value, temperature: number): Value {
  const soft = b.detached(() => b.softmax(b.div(before, temperature)));
  const each = b.reduceSum(b.mul(b.logSoftmax(b.div(logits, temperature)), soft), [1]);
  return b.mul(b.neg(b.reduceMean(each)), temperature * temperature);
}

export const learningWithoutForgetting = defineRegularizer({
  type: 'learning-without-forgetting',
  title: 'Learning without forgetting',
  technique: 'T26',
  summary:
    'Keeps what the network of the earlier tasks says of the new rows, by distilling it into the one under training.',
  strength: { unit: 'weight lambda of the old outputs', default: 1, range: [0.05, 20], scale: 'log', limits: [0, 1e6] },
  options: z.strictObject({
    temperature: z.number().gt(0).max(100).default(2).describe('Softens both distributions'),
  }),
  hooks: {
    state: ({ parameters, initial, tasks }) =>
      tasks === undefined
        ? []
        : [
            {
              name: 'seen',
              shape: [tasks.names.length],
              initial: new Float32Array(tasks.names.length),
              writer: 'host',
            },
            ...parameters.map(({ name, shape }) => ({
              name: `before.${name}`,
              shape,
              initial: initial.get(name)!.data,
              writer: 'host' as const,
            })),
          ],
    objective: ({ b, strength, own, tasks, network, outputs }, { temperature }, weights, view) => {
      if (tasks === undefined) return undefined;
      const parameters = new Map(weights.map(({ parameter: { name } }) => [name, own(`before.${name}`)]));
      const before = b.detached(() => network(view.batch.inputs, { parameters }).logits);
      const seen = own('seen');
      const { names, classes, ownHeads } = tasks;
      if (classes !== undefined && ownHeads === true) {
        // Each earlier task is a head with classes of its own.
        const heads = b.split(seen, Array(names.length).fill(1), 0);
        const terms = classes.flatMap((group, task) => {
          if (group.length === outputs) return [];
          const of = (logits: Value): Value => b.gather(logits, b.constant(int64([group.length], group)), 1);
          return [b.mul(distillation(b, of(view.logits), of(before), temperature), b.squeeze(heads[task], [0]))];
        });
        return b.mul(terms.reduce(b.add), strength);
      }
      const any = b.minimum(b.reduceSum(seen), 1);
      if (classes === undefined) return b.mul(distillation(b, view.logits, before, temperature), b.mul(any, strength));
      // One head: the classes of earlier tasks among each other.
      const table = names.map((_, task) =>
        Array.from({ length: outputs }, (_o, c) => (classes[task].includes(c) ? 1 : 0)),
      );
      const known = b.gemm(
        b.reshape(seen, [1, names.length]),
        b.constant(float32([names.length, outputs], table.flat())),
      );
      const unknown = b.mul(b.sub(known, 1), b.mul(any, 1e9));
      const among = (logits: Value): Value => b.add(logits, unknown);
      return b.mul(distillation(b, among(view.logits), among(before), temperature), b.mul(any, strength));
    },
    afterTask({ own, parameters, task }) {
      own.get('seen')![task] = 1;
      for (const [name, { data }] of parameters) own.get(`before.${name}`)?.set(data);
      return Promise.resolve();
    },
  },
  needs: { tasks: true, classes: true },
  cost: { training: 'a forward pass of the earlier network, and a copy of its weights in memory', inference: 'none' },
  fails: [
    'New rows that look like nothing of the earlier tasks: what the old network says of them means nothing.',
    'Many tasks: each is taught by a copy of a copy, and errors add up.',
    'Normalization: the old weights meet the statistics of the new rows.',
  ],
  dataSize: 'Needs no rows of earlier tasks; works better the more the new rows resemble them.',
  references: [
    'Li and Hoiem, Learning without Forgetting, ECCV 2016 and TPAMI 2018 (temperature 2, lambda 1)',
    'Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015 (the factor T^2)',
    'GMvandeVen continual-learning, LwF (distillation over the earlier classes)',
  ],
});
