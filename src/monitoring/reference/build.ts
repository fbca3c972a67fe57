import { missingOf, textOf } from '../../data/column-values.js';
import { type Column, findColumn, type Table } from '../../data/table.js';
import { BallastError } from '../../errors.js';
import type { PredictionInput } from '../../evaluation/input.js';
import { prepareSample } from '../../evaluation/sample.js';
import type { Model } from '../../graph/model.js';
import type { Runtime } from '../../graph/runtime/runtime.js';
import { MOST_VALUES, viewName, viewOf } from '../../serving/worker/view.js';
import { addCounts, countsOfLabel, noCounts, type Observation, type Run, type Store } from '../../store/index.js';
import type { ModelPorts } from '../../tuning/model-ports.js';
import { modelOfRun, partsOfRun, specOfRun } from '../../tuning/run-rows.js';
import { scoreRows } from '../../tuning/score.js';
import { modelFeatures } from '../drift/model-features.js';
import type { ComparedKind } from '../drift/source-summary.js';
import { ColumnSketch } from '../sketch/column-sketch.js';
import { valuesOf } from '../sketch/observed-columns.js';
import { decodeReference, encodeReference, type Reference } from './reference.js';
import { referenceRows } from './rows.js';

/** Where a run keeps its reference. */
export const REFERENCE_ARTIFACT = 'monitoring/reference.json';
/** Rows kept as they are. */
const SAMPLE_ROWS = 4000;

type Value = number | string | null;

/**
 * The reference of a run's model, made from its rows and kept where there is none yet: features of the rows that it was trained and
 * validated on, answers of rows that it was not trained on. The holdout is not touched ({@link referenceRows}).
 *
 * @throws BallastError EVALUATE_DATA_CHANGED, RUN_WITHOUT_SPEC and those of reading the data
 */
export async function referenceOfRun(store: Store, run: Run, runtime: () => Promise<Runtime>): Promise<Reference> {
  const kept = await keptReference(store, run);
  if (kept !== undefined) return kept;
  const reference = await buildReference(store, run, await runtime());
  await store.putArtifact(run.id, REFERENCE_ARTIFACT, encodeReference(reference), { mediaType: 'application/json' });
  return reference;
}

/** The reference of a run's model as it was kept; undefined where none was made yet. */
export async function keptReference(store: Store, run: Run): Promise<Reference | undefined> {
  const kept = (await store.listArtifacts(run.id)).some(({ path }) => path === REFERENCE_ARTIFACT);
  if (!kept) return undefined;
  return decodeReference(
    await (await store.openArtifact(run.id, REFERENCE_ARTIFACT)).bytes(),
    `runs:/${run.id}/${REFERENCE_ARTIFACT}`,
  );
}

async function buildReference(store: Store, run: Run, runtime: Runtime): Promise<Reference> {
  const { data, train, validation } = await partsOfRun(store, run, 'drift reference');
  const { table, roles, split } = data;
  const known = train.length + validation.length;
  const { data: asked, training } = specOfRun(run).spec;
  const size = asked.split.validation;
  const ofSplit = size < 1 ? size * (known + split.holdout.length) : size;
  const parts = {
    ...{ strategy: data.strategy, input: data.splitInput, train, validation, holdout: split.holdout },
    wanted: training.crossValidation === undefined ? ofSplit : known / training.crossValidation.folds,
  };
  const { rows, unknown } = referenceRows(parts, 'unseen');
  const { rows: all } = referenceRows(parts, 'all');
  const { bytes, model, ports } = await modelOfRun(store, run);
  const session = await runtime.load(bytes);
  let predictions: PredictionInput;
  try {
    predictions = await scoreRows(session, ports, table, rows, { target: roles.target ?? '', weight: undefined });
  } finally {
    session.release();
  }
  const features = [
    ...roles.features.flatMap((name) => featureColumn(table, name)),
    ...(await viewColumns(runtime, { model, ports }, table, rows)),
  ];
  return { ...referenceOf({ features, known: all, rows, predictions }), unknown };
}

/**
 * What a model makes of images and other inputs that are no columns, of rows that it was not trained on: of those that it was, a model that
 * knows them by heart makes something else.
 */
async function viewColumns(
  runtime: Runtime,
  of: { readonly model: Model; readonly ports: ModelPorts },
  table: Table,
  rows: Uint32Array,
): Promise<FeatureColumn[]> {
  const layer = viewOf(of.model.graph);
  if (layer === undefined) return [];
  const columns = await columnsOf(modelFeatures(runtime, of, table, { layer, rows }));
  const placeOf = new Map(Array.from(rows, (row, place) => [row, place]));
  return columns.slice(0, MOST_VALUES).flatMap((column) => {
    if (column.kind !== 'number') return [];
    const value = (row: number): Value => column.values[placeOf.get(row) ?? Number.NaN] ?? null;
    return [{ name: viewName(column.name), kind: 'number' as const, value, rows }];
  });
}

/** None where the value has no row of numbers for each row: where the model is served it is not observed either. */
async function columnsOf(made: Promise<Table>): Promise<Table['columns']> {
  try {
    return (await made).columns;
  } catch (error) {
    if (error instanceof BallastError && error.code === 'DRIFT_LAYER') return [];
    throw error;
  }
}

const NOTHING: Observation = {
  ...{ id: '', at: 0, model: '', version: '', regularizerId: '', role: 'live', status: 'ok', latencyMs: 0 },
  ...{ features: {}, flags: [], metadata: {} },
};

interface FeatureColumn {
  readonly name: string;
  readonly kind: ComparedKind;
  readonly value: (row: number) => Value;
  /** Rows that it is known of; all unless given. */
  readonly rows?: Uint32Array;
}

/** A column as clients send it; arrays, times and free texts are not compared. */
function featureColumn(table: Table, name: string): FeatureColumn[] {
  const column = findColumn(table, name);
  if (column === undefined || (column.kind !== 'number' && column.kind !== 'category')) return [];
  return [{ name, kind: column.kind === 'category' ? 'category' : 'number', value: cellOf(column) }];
}

function cellOf(column: Column): (row: number) => Value {
  const [isMissing, text] = [missingOf(column), textOf(column)];
  if (column.kind === 'number') return (row) => (isMissing(row) ? null : column.values[row]);
  return (row) => (isMissing(row) ? null : text(row));
}

/** A reference of features alone, where a model is not of a run: the rows of a table. */
export function referenceOfTable(table: Table): Reference {
  const features = table.columns.flatMap(({ name }) => featureColumn(table, name));
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  const columns = new Map<string, { kind: ComparedKind; sketch: ColumnSketch }>();
  for (const { name, kind, value } of features) columns.set(`feature/${name}`, { kind, sketch: sketchOf(rows, value) });
  const { labelled, labelledSum, right } = noCounts().confidence;
  return {
    ...{ task: 'classification', classes: [], columns, confidence: { labelled, labelledSum, right } },
    sample: { columns: {}, loss: [] },
    loss: { mean: 0, rows: 0 },
    unknown: 0,
  };
}

function sketchOf(rows: Uint32Array, value: (row: number) => Value): ColumnSketch {
  const sketch = new ColumnSketch();
  sketch.add(Array.from(rows, value));
  return sketch;
}

/** A reference from rows of a table and what a model answered to some of them. */
function referenceOf({
  features,
  known,
  rows,
  predictions,
}: {
  readonly features: readonly FeatureColumn[];
  readonly known: Uint32Array;
  readonly rows: Uint32Array;
  readonly predictions: PredictionInput;
}): Omit<Reference, 'unknown'> {
  const columns = new Map<string, { kind: ComparedKind; sketch: ColumnSketch }>();
  for (const { name, kind, value, rows: own = known } of features) {
    columns.set(`feature/${name}`, { kind, sketch: sketchOf(own, value) });
  }
  const answers = answersOf(predictions);
  const said = new Map<string, Value[]>();
  let counts = noCounts();
  for (const { prediction, scores, label } of answers) {
    const observation = { ...NOTHING, prediction, ...(scores === undefined ? {} : { scores }) };
    for (const [name, value] of valuesOf(observation)) {
      const own = said.get(name);
      if (own === undefined) said.set(name, [value]);
      else own.push(value);
    }
    counts = addCounts(counts, countsOfLabel(observation, label, 1));
  }
  const { task } = predictions;
  for (const [name, values] of said) {
    const sketch = new ColumnSketch();
    sketch.add(values);
    columns.set(name, { kind: name === 'prediction' && task === 'classification' ? 'category' : 'number', sketch });
  }
  const step = Math.max(1, rows.length / SAMPLE_ROWS);
  const sampled = Array.from({ length: Math.min(rows.length, SAMPLE_ROWS) }, (_, i) => Math.floor(i * step));
  const { labelled, labelledSum, right } = counts.confidence;
  return {
    task,
    classes: predictions.task === 'classification' ? (predictions.classes ?? []) : [],
    columns,
    sample: {
      columns: Object.fromEntries(features.map(({ name, value }) => [name, sampled.map((i) => value(rows[i]))])),
      loss: sampled.map((i) => answers[i].loss),
    },
    confidence: { labelled, labelledSum, right },
    loss: {
      mean: answers.reduce((sum, { loss }) => sum + loss, 0) / Math.max(1, answers.length),
      rows: answers.length,
    },
  };
}

interface Answer {
  readonly prediction: string | number;
  readonly scores: number[] | undefined;
  readonly label: string | number;
  readonly loss: number;
}

function answersOf(predictions: PredictionInput): Answer[] {
  const sample = prepareSample(predictions);
  if (predictions.task === 'regression') {
    return Array.from(predictions.target, (label, i) => {
      const prediction = predictions.predictions[i];
      return { prediction, scores: undefined, label, loss: Math.abs(prediction - label) };
    });
  }
  if (sample.task !== 'classification') throw new BallastError('the model has no classes', { code: 'REFERENCE_TASK' });
  const { classes, probabilities, target, predicted } = sample;
  const count = classes.length;
  return Array.from(target, (code, i) => ({
    prediction: classes[predicted[i]],
    scores: probabilities === undefined ? undefined : Array.from(probabilities.subarray(i * count, (i + 1) * count)),
    label: classes[code],
    loss: predicted[i] === code ? 0 : 1,
  }));
}
