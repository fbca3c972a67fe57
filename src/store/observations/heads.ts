import type { Transaction } from 'kysely';
import type { StoreSchema } from '../schema.js';

/** The head row that stands for all labels: who writes some takes turns with the others. */
export const LABELS = '';

export interface Head {
  readonly lastSequence: number;
  readonly lastLabel: number;
  readonly rolledUntil: number;
}

/**
 * Takes a model's turn until the transaction ends and moves its sequences on.
 *
 * @returns the head as it was before
 */
export async function takeTurn(
  transaction: Transaction<StoreSchema>,
  model: string,
  by: { readonly sequence?: number; readonly label?: number } = {},
): Promise<Head> {
  const { sequence = 0, label = 0 } = by;
  await transaction
    .insertInto('observed_model')
    .values({ model, last_sequence: 0, last_label: 0, rolled_until: 0 })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await transaction
    .updateTable('observed_model')
    .set((table) => ({
      last_sequence: table('last_sequence', '+', sequence),
      last_label: table('last_label', '+', label),
    }))
    .where('model', '=', model)
    .returningAll()
    .executeTakeFirstOrThrow();
  return {
    lastSequence: row.last_sequence - sequence,
    lastLabel: row.last_label - label,
    rolledUntil: row.rolled_until,
  };
}
