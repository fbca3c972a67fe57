import type { Kysely } from 'kysely';
import { batches } from '../batches.js';
import type { StoreSchema } from '../schema.js';
import { storableText } from '../text.js';
import { toObservation } from './rows.js';
import type { StoredObservation } from './types.js';

/** A user's word that an answer was wrong; what would have been right is a label. */
export interface ErrorReport {
  readonly id: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly note: string;
  readonly by: string;
}

/** Predictions drawn to be labelled, each with the probability that it had to be drawn. */
export interface LabelSample {
  readonly model: string;
  /** When it was drawn, ms since the epoch. */
  readonly at: number;
  /** How it was drawn. */
  readonly method: string;
  /** How many predictions it was drawn from. */
  readonly population: number;
  readonly rows: readonly { readonly id: string; readonly probability: number }[];
}

/** A sample as it stands: its rows with the observations that are still kept, and their labels. */
export interface StoredLabelSample extends Omit<LabelSample, 'rows'> {
  readonly sample: number;
  readonly rows: readonly {
    readonly id: string;
    readonly probability: number;
    readonly observation: StoredObservation | undefined;
  }[];
}

export interface LabelWorkStore {
  /** Keeps reports; returns the ids that no prediction has, yet. */
  reportErrors(reports: readonly ErrorReport[]): Promise<string[]>;
  /** The reports on a model's answers that were given in a time, newest first, each with its answer. */
  errorReports(
    model: string,
    query?: { readonly from?: number; readonly to?: number },
  ): Promise<(ErrorReport & { readonly observation: StoredObservation })[]>;
  /** Keeps a sample and returns its number. */
  recordSample(sample: LabelSample): Promise<number>;
  /** The samples of a model, newest first. */
  labelSamples(model: string, limit?: number): Promise<StoredLabelSample[]>;
  /** The models that answered under these ids. */
  modelsOfPredictions(ids: readonly string[]): Promise<string[]>;
}

/** The part of a store on how labels are come by. */
export function labelWorkStore(db: Kysely<StoreSchema>): LabelWorkStore {
  const ofIds = async (ids: readonly string[]): Promise<StoredObservation[]> => {
    const found: StoredObservation[] = [];
    for (const some of batches([...new Set(ids)])) {
      const rows = await db.selectFrom('observation').selectAll().where('answer_id', 'in', some).execute();
      for (const row of rows) if (row.id === row.answer_id) found.push(toObservation(row));
    }
    return found;
  };
  return {
    async reportErrors(reports) {
      for (const some of batches(reports)) {
        await db
          .insertInto('observation_report')
          .values(
            some.map(({ id, at, note, by }) => ({
              ...{ prediction_id: storableText(id), at },
              ...{ note: storableText(note), reporter: storableText(by) },
            })),
          )
          .execute();
      }
      const known = new Set((await ofIds(reports.map(({ id }) => id))).map(({ id }) => id));
      return reports.map(({ id }) => id).filter((id) => !known.has(id));
    },

    async errorReports(model, { from, to } = {}) {
      const rows = await db
        .selectFrom('observation_report')
        .innerJoin('observation', 'observation.id', 'observation_report.prediction_id')
        .selectAll('observation')
        .select([
          'observation_report.at as reported_at',
          'observation_report.note as note',
          'observation_report.reporter as reporter',
        ])
        .whereRef('observation.id', '=', 'observation.answer_id')
        .where('observation.model', '=', model)
        .$if(from !== undefined, (query) => query.where('observation.at', '>=', from ?? 0))
        .$if(to !== undefined, (query) => query.where('observation.at', '<', to ?? 0))
        .orderBy('observation_report.sequence', 'desc')
        .execute();
      return rows.map(({ reported_at, note, reporter, ...row }) => ({
        ...{ id: row.id, at: reported_at, note, by: reporter },
        observation: toObservation(row),
      }));
    },

    recordSample: ({ model, at, method, population, rows }) =>
      db.transaction().execute(async (transaction) => {
        const { id } = await transaction
          .insertInto('label_sample')
          .values({ model, at, method, population })
          .returning('id')
          .executeTakeFirstOrThrow();
        for (const some of batches(rows)) {
          await transaction
            .insertInto('label_sample_row')
            .values(some.map((row) => ({ sample_id: id, prediction_id: row.id, probability: row.probability })))
            .execute();
        }
        return id;
      }),

    async labelSamples(model, limit = 20) {
      const samples = await db
        .selectFrom('label_sample')
        .selectAll()
        .where('model', '=', model)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return Promise.all(
        samples.map(async ({ id: sample, ...rest }) => {
          const rows = await db.selectFrom('label_sample_row').selectAll().where('sample_id', '=', sample).execute();
          const observations = await ofIds(rows.map(({ prediction_id }) => prediction_id));
          const byId = new Map(observations.map((observation) => [observation.id, observation]));
          return {
            ...{ ...rest, sample },
            rows: rows.map(({ prediction_id: id, probability }) => ({ id, probability, observation: byId.get(id) })),
          };
        }),
      );
    },

    async modelsOfPredictions(ids) {
      return [...new Set((await ofIds(ids)).map(({ model }) => model))].sort();
    },
  };
}
