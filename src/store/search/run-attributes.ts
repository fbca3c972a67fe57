import { type RawBuilder, sql } from 'kysely';

/** An attribute of a run that filters and orders may name. */
interface Attribute {
  readonly type: 'text' | 'number';
  readonly column: RawBuilder<unknown>;
}

/** MLflow's names of a run's status; of a run whose process is gone the database still says `running`. */
const STATUS = sql`case run.status when 'running' then 'RUNNING' when 'finished' then 'FINISHED'
  when 'cancelled' then 'KILLED' else 'FAILED' end`;

const text = (column: RawBuilder<unknown>): Attribute => ({ type: 'text', column });
const number = (column: RawBuilder<unknown>): Attribute => ({ type: 'number', column });

const START = number(sql`run.started_at`);
const NAME = text(sql`run.name`);

/** MLflow's attributes and their other spellings, and Ballast's own. */
export const RUN_ATTRIBUTES: ReadonlyMap<string, Attribute> = new Map([
  ['run_id', text(sql`run.id`)],
  ['run_name', NAME],
  ['run name', NAME],
  ['Run name', NAME],
  ['Run Name', NAME],
  ['status', text(STATUS)],
  ['user_id', text(sql`(select value from run_tag where run_id = run.id and name = 'mlflow.user')`)],
  ['artifact_uri', text(sql`'mlflow-artifacts:/' || cast(run.experiment_id as text) || '/' || run.id || '/artifacts'`)],
  ['start_time', START],
  ['created', START],
  ['Created', START],
  ['end_time', number(sql`run.ended_at`)],
  ['kind', text(sql`run.kind`)],
  ['role', text(sql`run.role`)],
  ['dataset_name', text(sql`run.dataset_name`)],
  ['data_version', text(sql`run.data_version`)],
  ['regularizer_id', text(sql`run.regularizer_id`)],
  ['seed', number(sql`run.seed`)],
]);

/** What clients look for among the tags, and Ballast records of the run itself. A tag that was set goes first. */
export const TAGS_OF_RECORD: ReadonlyMap<string, RawBuilder<string | null>> = new Map([
  ['mlflow.parentRunId', sql<string | null>`run.parent_run_id`],
  ['mlflow.source.git.commit', sql<string | null>`run.code_commit`],
  ['ballast.kind', sql<string | null>`run.kind`],
  ['ballast.role', sql<string | null>`run.role`],
  ['ballast.regularizers', sql<string | null>`run.regularizer_id`],
]);

/** A run's name is its tag of this name, and the other way round. */
export const NAME_TAG = 'mlflow.runName';
