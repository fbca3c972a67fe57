import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingOf, textOf } from '../../src/data/column-values.js';
import { readTable } from '../../src/data/read/read.js';
import { findColumn } from '../../src/data/table.js';
import { prepareSample } from '../../src/evaluation/sample.js';
import { openRuntime } from '../../src/graph/runtime/choose.js';
import { Recorder } from '../../src/monitoring/record/recorder.js';
import type { Observation, Store } from '../../src/store/index.js';
import { modelOfRun } from '../../src/tuning/run-rows.js';
import { scoreRows } from '../../src/tuning/score.js';
import { writeCsv } from './small-data.js';

export interface Traffic {
  readonly model: string;
  readonly version: string;
  readonly runId: string;
  readonly target: string;
  readonly features: readonly string[];
  readonly role?: Observation['role'];
  /** ms since the epoch, of the row. */
  readonly at: (row: number) => number;
  readonly metadata?: (row: number) => Record<string, string>;
  readonly latencyMs?: number;
}

/**
 * Rows that a registered model answers, as a server would record them.
 *
 * @returns the truth by prediction id
 */
export async function answerRows(
  store: Store,
  folder: string,
  rows: readonly (readonly string[])[],
  traffic: Traffic,
): Promise<Map<string, string>> {
  const { model, version, runId, target, features, role = 'live', at, metadata = () => ({}), latencyMs = 1 } = traffic;
  writeCsv(join(folder, 'traffic.csv'), rows);
  const table = await readTable('traffic.csv', { baseDirectory: folder });
  const { bytes, ports } = await modelOfRun(store, await store.getRun(runId));
  const session = await (await openRuntime()).load(bytes);
  const all = Uint32Array.from({ length: table.rows }, (_, row) => row);
  const sample = prepareSample(await scoreRows(session, ports, table, all, { target }));
  session.release();
  if (sample.task !== 'classification' || sample.probabilities === undefined) throw new Error('a classifier');
  const { classes, predicted, probabilities, target: truth } = sample;
  const columns = features.map((name) => {
    const column = findColumn(table, name);
    if (column === undefined) throw new Error(name);
    const [isMissing, text] = [missingOf(column), textOf(column)];
    return [
      name,
      (row: number) => (isMissing(row) ? null : column.kind === 'number' ? column.values[row] : text(row)),
    ] as const;
  });
  const recorder = new Recorder(store);
  const labels = new Map<string, string>();
  for (const row of all) {
    const id = `${model}/${version}/${role}/${at(row)}/${row}`;
    labels.set(id, classes[truth[row]]);
    recorder.observe({
      ...{ id, at: at(row), model, version, regularizerId: 'rg-test', role, status: 'ok', latencyMs },
      features: Object.fromEntries(columns.map(([name, value]) => [name, value(row)])),
      prediction: classes[predicted[row]],
      scores: Array.from(probabilities.subarray(row * classes.length, (row + 1) * classes.length)),
      flags: [],
      metadata: metadata(row),
    });
  }
  await recorder.stop();
  return labels;
}

/** Labels as a file for `ballast labels ingest`. */
export function writeLabels(path: string, labels: ReadonlyMap<string, string>): void {
  writeFileSync(path, `id,label\n${[...labels].map(([id, label]) => `${id},${label}`).join('\n')}\n`);
}
