import { ENCODED_PREFIX, encodedPart } from '../data/preprocess/encoded-part.js';
import { findColumn, type Table } from '../data/table.js';
import { BallastError } from '../errors.js';
import type { AttackTarget } from '../evaluation/attacks/attack.js';
import type { AttackOptions } from '../evaluation/attacks/options.js';
import { measureRobustness, type Robustness } from '../evaluation/attacks/robustness.js';
import { writeModel } from '../graph/format/encode.js';
import { normalize } from '../graph/format/normalize.js';
import type { Model } from '../graph/model.js';
import type { Runtime } from '../graph/runtime/runtime.js';
import type { NumericArray, Tensor } from '../graph/tensor.js';
import { upgrade } from '../graph/upgrade/index.js';
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
  if (ports.task !== 'classification' || output.kind === 'labels') {
    throw new BallastError('robust accuracy needs a classifier that gives scores', {
      code: 'ATTACK_NEEDS_CLASSES',
      place: '--adversarial',
      remedy: 'Name an output of logits or probabilities with --output, or leave --adversarial out',
    });
  }
  const column = findColumn(table, target);
  if (column === undefined) throw new Error('scored rows have a target');
  // As many as are attacked, and no more of them are encoded.
  const chosen = evenly(rows, options.rows);
  const codes = codesIn(column, chosen, classes);
  const parts = encodedPart(model);
  const whole =
    parts === undefined ? upgrade(normalize(model)).graph : upgrade({ ...model, graph: parts.network }).graph;
  const fed = ports.feed(table, chosen);
  const inputs = parts === undefined ? fed : await encode(runtime, parts.encoder, fed);
  const attacked: AttackTarget = {
    graph: whole,
    output: output.name,
    inputs: inputs as Record<string, Tensor<NumericArray>>,
    target: codes,
  };
  return measureRobustness(runtime, attacked, options);
}

async function encode(
  runtime: Runtime,
  encoder: Model,
  fed: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const session = await runtime.load(writeModel(encoder));
  try {
    const encoded = Object.entries(await session.run(fed));
    return Object.fromEntries(encoded.map(([name, tensor]) => [name.slice(ENCODED_PREFIX.length), tensor]));
  } finally {
    session.release();
  }
}

function evenly(rows: Uint32Array, limit: number): Uint32Array {
  if (rows.length <= limit) return rows;
  return Uint32Array.from({ length: limit }, (_, i) => rows[Math.floor((i * rows.length) / limit)]);
}
