import { resolve } from 'node:path';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { readCheckpoint, writeCheckpoint } from '../../src/training/checkpoint.js';
import { problem, trained, weightBytes } from './training-problem.js';

/**
 * Trains the problem of the kill test, writing a checkpoint after every step, in a process of its own: until it is killed
 * or done. Its last line is then the trained weights.
 *
 *     tsx training-child.ts CHECKPOINT [resume]
 */
export const KILL_PROBLEM = {
  rows: 60,
  regularizers: [
    { type: 'dropout', strength: 0.3 },
    { type: 'mixup', strength: 0.4 },
    { type: 'weight-decay', strength: 0.1 },
    { type: 'early-stopping', patience: 3 },
  ],
  training: {
    epochs: 12,
    checkpointSeconds: 0,
    optimizer: { type: 'adamw', learningRate: 0.02, schedule: { type: 'plateau', every: 1, factor: 0.5 } },
  },
};

if (process.argv[1] === resolve(import.meta.dirname, 'training-child.ts')) {
  const [path, resume] = process.argv.slice(2);
  const result = await trained(await openRuntime(), problem(KILL_PROBLEM), {
    ...(resume === undefined ? {} : { resume: await readCheckpoint(path) }),
    async onEvent(event) {
      if (event.type !== 'checkpoint') return;
      await writeCheckpoint(path, event.checkpoint);
      process.stdout.write(`step ${event.checkpoint.progress.step}\n`);
    },
  });
  process.stdout.write(
    `${JSON.stringify({ weights: weightBytes(result), epochs: result.epochs, bestEpoch: result.bestEpoch })}\n`,
  );
}
