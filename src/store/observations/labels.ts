import type { Kysely, Selectable, Transaction } from 'kysely';
import { BallastError } from '../../errors.js';
import { batches } from '../batches.js';
import { decodeJson, encodeJson } from '../json.js';
import type { StoreSchema } from '../schema.js';
import { storableText } from '../text.js';
import { countsOfLabel, WindowSums } from './counts.js';
import { LABELS, takeTurn } from './heads.js';
import { toObservation } from './rows.js';
import type { ObservationLabelTable, ObservationTable } from './schema.js';
import type { IngestedLabels, NewLabel } from './types.js';
import { mergeWindows } from './windows.js';

type Db = Kysely<StoreSchema> | Transaction<StoreSchema>;

/** Records labels, then joins them to the predictions that are there. */
export async function ingest(db: Kysely<StoreSchema>, labels: readonly NewLabel[]): Promise<IngestedLabels> {
  for (const label of labels) check(label);
  const total = { joined: 0, corrected: 0, duplicates: 0, older: 0 };
  const [unknown, ambiguous]: [string[], string[]] = [[], []];
  for (const some of batches(labels)) {
    const fate = await db.transaction().execute((transaction) => recordLabels(transaction, some));
    const joining = await joinLabels(
      db,
      some.map(({ id }) => id),
    );
    for (const id of new Set(some.map((label) => label.id))) {
      if (joining.ambiguous.has(id)) ambiguous.push(id);
      else if (fate.changed.has(id) && !joining.joined.has(id)) unknown.push(id);
      else if (fate.changed.has(id)) total[fate.changed.get(id) === 'corrected' ? 'corrected' : 'joined']++;
    }
    total.duplicates += fate.duplicates;
    total.older += fate.older;
  }
  return { ...total, unknown, ambiguous };
}

function check({ id, label, knownAt, source }: NewLabel): void {
  const place = `label of ${id}`;
  const details = { code: 'LABEL_INVALID', place };
  if (typeof id !== 'string' || id === '' || id.length > 500) {
    throw new BallastError('The id of a prediction has 1 to 500 characters', { ...details, value: id });
  }
  if (typeof label !== 'string' && !Number.isFinite(label)) {
    throw new BallastError('A label is a class or a finite number', { ...details, value: label });
  }
  if (!Number.isSafeInteger(knownAt)) {
    throw new BallastError('The time of a label is in whole milliseconds', { ...details, value: knownAt });
  }
  if (typeof source !== 'string') throw new BallastError('The source of a label is a text', { ...details });
}

interface Fate {
  /** Ids that have another label than before. */
  readonly changed: Map<string, 'new' | 'corrected'>;
  duplicates: number;
  older: number;
}

async function recordLabels(transaction: Transaction<StoreSchema>, labels: readonly NewLabel[]): Promise<Fate> {
  await takeTurn(transaction, LABELS);
  const fate: Fate = { changed: new Map(), duplicates: 0, older: 0 };
  const current = new Map(
    (await currentLabels(transaction, [...new Set(labels.map(({ id }) => id))])).map((row) => [
      row.prediction_id,
      { label: row.label, knownAt: row.known_at, stored: true },
    ]),
  );
  const superseded = new Set<string>();
  const added: Omit<ObservationLabelTable, 'sequence'>[] = [];
  const places = new Map<string, number>();
  for (const { id, label, knownAt, source } of labels) {
    const text = storableText(encodeJson(label, `label of ${id}`));
    const present = current.get(id);
    if (present !== undefined && present.label === text) {
      fate.duplicates++;
      continue;
    }
    const late = present !== undefined && knownAt < present.knownAt;
    if (late) fate.older++;
    else {
      if (present?.stored === true) superseded.add(id);
      const earlier = places.get(id);
      if (earlier !== undefined) added[earlier] = { ...added[earlier], superseded: 1 };
      places.set(id, added.length);
      current.set(id, { label: text, knownAt, stored: false });
      fate.changed.set(id, present === undefined ? 'new' : 'corrected');
    }
    added.push({
      ...{ prediction_id: id, label: text, known_at: knownAt, source: storableText(source) },
      ...{ received_at: Date.now(), superseded: late ? 1 : 0 },
    });
  }
  if (superseded.size > 0) {
    await transaction
      .updateTable('observation_label')
      .set({ superseded: 1 })
      .where('prediction_id', 'in', [...superseded])
      .execute();
  }
  if (added.length > 0) await transaction.insertInto('observation_label').values(added).execute();
  return fate;
}

/** The labels that stand, of these predictions. */
function currentLabels(db: Db, ids: readonly string[]): Promise<Selectable<ObservationLabelTable>[]> {
  return db
    .selectFrom('observation_label')
    .selectAll()
    .where('prediction_id', 'in', ids)
    .where('superseded', '=', 0)
    .execute();
}

/**
 * Writes labels that stand into their observations and into the windows of those. Both who writes labels and who writes
 * observations calls it after its commit, so that whoever is last sees both.
 */
export async function joinLabels(
  db: Kysely<StoreSchema>,
  answerIds: readonly string[],
): Promise<{ joined: Set<string>; ambiguous: Set<string> }> {
  const [joined, ambiguous] = [new Set<string>(), new Set<string>()];
  for (const some of batches([...new Set(answerIds)])) {
    const ids = (await currentLabels(db, some)).map(({ prediction_id }) => prediction_id);
    if (ids.length === 0) continue;
    const models = await db
      .selectFrom('observation')
      .select('model')
      .distinct()
      .where('answer_id', 'in', ids)
      .execute();
    if (models.length === 0) continue;
    await db.transaction().execute(async (transaction) => {
      // Read again in turn: another process may have joined them meanwhile.
      const names = models.map(({ model }) => model).sort();
      for (const model of names) await takeTurn(transaction, model);
      const labels = await currentLabels(transaction, ids);
      const rows = await transaction.selectFrom('observation').selectAll().where('answer_id', 'in', ids).execute();
      for (const id of severalOf(rows)) ambiguous.add(id);
      const ready = labels.filter(({ prediction_id: id }) => !ambiguous.has(id));
      for (const model of names) {
        await joinTo(
          transaction,
          model,
          rows.filter((row) => row.model === model),
          new Map(ready.map((label) => [label.prediction_id, label])),
        );
      }
      for (const { answer_id } of rows) if (!ambiguous.has(answer_id)) joined.add(answer_id);
    });
  }
  return { joined, ambiguous };
}

/** Ids that more than one answer to a user goes by. */
function severalOf(rows: readonly Selectable<ObservationTable>[]): string[] {
  const counts = new Map<string, number>();
  for (const { id, answer_id } of rows) if (id === answer_id) counts.set(id, (counts.get(id) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1).map(([id]) => id);
}

async function joinTo(
  transaction: Transaction<StoreSchema>,
  model: string,
  rows: readonly Selectable<ObservationTable>[],
  labels: ReadonlyMap<string, Selectable<ObservationLabelTable>>,
): Promise<void> {
  const changes = rows.flatMap((row) => {
    const label = labels.get(row.answer_id);
    return label === undefined || label.label === row.label ? [] : [{ row, label }];
  });
  if (changes.length === 0) return;
  const { lastLabel, rolledUntil } = await takeTurn(transaction, model, { label: changes.length });
  const sums = new WindowSums();
  let place = lastLabel;
  for (const { row, label } of changes) {
    const observation = toObservation(row);
    if (observation.label !== undefined) {
      sums.count(observation, countsOfLabel(observation, observation.label.value, -1));
    }
    sums.count(observation, countsOfLabel(observation, decodeJson(label.label) as string | number, 1));
    await transaction
      .updateTable('observation')
      .set({
        label: label.label,
        label_known_at: label.known_at,
        label_source: label.source,
        label_sequence: ++place,
      })
      .where('model', '=', model)
      .where('sequence', '=', row.sequence)
      .execute();
  }
  await mergeWindows(transaction, model, sums.values(), rolledUntil);
}
