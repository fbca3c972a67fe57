import { z } from 'zod';
import { derive } from '../../numeric/random.js';
import { defineRegularizer, type RehearsalContext } from '../regularizer.js';

/** The rows that are kept of a task: the same in every epoch. */
export function memoryOf(rows: Int32Array, task: number, seed: number, buffer: number): Int32Array {
  return derive(seed, 'replay memory', task).shuffle(rows.slice()).slice(0, buffer);
}

/** An epoch's rows, a share of each batch of which are rows kept of earlier tasks; every task is drawn equally often. */
export function withMemory(
  { seed, strength, epoch, task, batchSize, rows }: RehearsalContext,
  buffer: number,
  order: Int32Array,
): Int32Array {
  const places = Math.round(strength * batchSize);
  if (task === 0 || places === 0) return order;
  const memories = rows.slice(0, task).map((own, earlier) => memoryOf(own, earlier, seed, buffer));
  const stream = derive(seed, 'replay', epoch);
  const result = order.slice();
  for (let start = 0; start < order.length; start += batchSize) {
    // The first places of each batch: within a batch order means nothing.
    for (let i = 0; i < places; i++) {
      const memory = memories[stream.integer(memories.length)];
      result[start + i] = memory[stream.integer(memory.length)];
    }
  }
  return result;
}

export const replay = defineRegularizer({
  type: 'replay',
  title: 'Replay',
  technique: 'T26',
  summary: 'Keeps a few rows of each earlier task and mixes them into the batches of later ones.',
  strength: {
    unit: 'share of a batch that is replayed',
    default: 0.5,
    range: [0.05, 0.8],
    scale: 'linear',
    limits: [0, 1],
    open: true,
  },
  options: z.strictObject({
    buffer: z.int().min(1).max(10_000_000).default(50).describe('Rows that are kept of each task'),
  }),
  hooks: { rehearse: (context, { buffer }, order) => withMemory(context, buffer, order) },
  needs: { tasks: true },
  cost: { training: 'none: replayed rows take the place of others', inference: 'none' },
  fails: [
    'Rows of earlier tasks may not be kept (privacy, contracts): use ewc, synaptic-intelligence or learning-without-forgetting.',
    'A small buffer is learnt by heart: its rows stay right while others of their task are forgotten.',
    'A high share leaves few new rows a step: the new task needs more epochs.',
  ],
  dataSize: 'A few dozen rows a class and task go a long way; more rows help less and less.',
  references: [
    'Rolnick et al., Experience Replay for Continual Learning, NeurIPS 2019 (half of each batch)',
    'Chaudhry et al., On Tiny Episodic Memories in Continual Learning, 2019',
    'van de Ven, Tuytelaars and Tolias, Three types of incremental learning, Nature Machine Intelligence 2022',
  ],
});
