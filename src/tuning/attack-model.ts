import { findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { AttackTarget } from '../evaluation/attacks/attack.js';
import type { AttackOptions } from '../evaluation/attacks/options.js';
import { measureRobustness, type Robustness } from '../evaluation/attacks/robustness.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import { differentiablePart, evenly } from './differentiable-part.js';
import type { ModelPorts } from './model-ports.js';
import { codesIn } from './score.js';

/**
 * Robust accuracy of a classifier on rows of a table, in the unit of what its network takes: encoded columns for a model
 * that Ballast exported, its inputs as they are for another.
 *
 * @param model as it was read
 * @throws BallastError ATTACK_NEEDS_CLASSES, ATTACK_OUTPUT, ATTACK_INPUT, GRAPH_NOT_DIFFERENTIABLE
 */
export async function attackModel(
  runtime: Runtime,
  {
    model,
    ports,
    table,
    rows,
    target,
  }: {
    readonly model: Model;
    readonly ports: ModelPorts;
    readonly table: Table;
    readonly rows: Uint32Array;
    readonly target: string;
  },
  options: AttackOptions,
): Promise<Robustness> {
  const { classes, output } = ports;
  requireScores(ports);
  const column = findColumn(table, target);
  if (column === undefined) throw new Error('scored rows have a target');
  // As many as are attacked, and no more of them are encoded.
  const chosen = evenly(rows, options.rows);
  const codes = codesIn(column, chosen, classes);
  const { graph, inputs } = await differentiablePart(runtime, { model, ports, table, rows: chosen });
  const attacked: AttackTarget = { graph, output: output.name, inputs, target: codes };
  return measureRobustness(runtime, attacked, options);
}

/** @throws BallastError ATTACK_NEEDS_CLASSES where there is no score to climb */
export function requireScores({ task, output }: Pick<ModelPorts, 'task' | 'output'>): void {
  if (task !== 'classification' || output.kind === 'labels') {
    throw new BallastError('robust accuracy needs a classifier that gives scores', {
      code: 'ATTACK_NEEDS_CLASSES',
      place: '--adversarial',
      remedy: 'Name an output of logits or probabilities with --output, or leave --adversarial out',
    });
  }
}
