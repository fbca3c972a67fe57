/**
 * `ballast evaluate --slices` of a million rows of fifty columns, as a user would ask for it: all metrics with their
 * intervals, the bootstrap included, and the search of slices; a process of its own, its time and its peak memory against the
 * limits of 60 s and 4 GiB.
 *
 *     npm run bench -- evidence [--json] [--rows 1000000] [--columns 50]
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { stringify } from 'yaml';
import { againstLimit, type MeasuredCommand, measuredCommand } from './support/measured-command.js';
import { machine, print } from './support/report.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '1000000' },
    columns: { type: 'string', default: '50' },
  },
});
const [rows, columns] = [Number(values.rows), Number(values.columns)];
const TRAINED_ON = 5000;

/** Uniform numbers, a fifth of the columns of six categories each; a tenth of the labels is wrong, half of them where k4 is c1 and x2 large. */
async function writeParquet(path: string, count: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const expressions = Array.from({ length: columns }, (_, j) =>
    j % 5 === 4 ? `'c' || CAST(floor(6 * random()) AS INTEGER) AS k${j}` : `CAST(2 * random() - 1 AS FLOAT) AS x${j}`,
  );
  const wrong = "random() < CASE WHEN k4 = 'c1' AND x2 > 0.4 THEN 0.5 ELSE 0.1 END";
  const label = `CASE WHEN (x0 > 0) = (${wrong}) THEN 'no' ELSE 'yes' END AS y`;
  const rowsOf = `SELECT ${expressions.join(', ')} FROM range(${count})`;
  await connection.run(`COPY (WITH t AS (${rowsOf}) SELECT *, ${label} FROM t) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

/** The JSON document that a command printed. */
function documentOf<T>({ code, stdout }: MeasuredCommand): T {
  if (code !== 0) throw new Error(`the command ended with ${code}`);
  return JSON.parse(stdout.slice(0, stdout.lastIndexOf('peak '))) as T;
}

const folder = await mkdtemp(join(tmpdir(), 'ballast-evidence-'));
try {
  const [few, many, spec, store] = ['few.parquet', 'many.parquet', 'spec.yaml', 'store'].map((name) =>
    join(folder, name),
  );
  await writeParquet(few, TRAINED_ON);
  await writeParquet(many, rows);
  const data = { source: 'few.parquet', target: 'y' };
  const training = { epochs: 40, optimizer: { type: 'adam', learningRate: 0.02 } };
  await writeFile(
    spec,
    stringify({ name: 'evidence', data, task: 'classification', model: { type: 'logistic' }, training }),
  );
  const trained = await measuredCommand(['train', spec, '--store', store, '--json']);
  const { runs } = documentOf<{ runs: { runId: string }[] }>(trained);
  const words = ['evaluate', runs[0].runId, '--data', many, '--slices', '--store', store, '--json'];
  const measured = await measuredCommand(words);
  const { weakSlices } = documentOf<{ weakSlices: { slices: { conditions: { column: string }[] }[] } }>(measured);
  const found = weakSlices.slices.some(
    ({ conditions }) =>
      conditions
        .map(({ column }) => column)
        .sort()
        .join() === 'k4,x2',
  );
  if (!found) throw new Error('the planted slice was not found');
  const what = `evaluate --slices, ${rows.toLocaleString('en')} x ${columns} Parquet`;
  const threads = availableParallelism();
  print(
    {
      name: 'evidence',
      machine: machine(),
      rows: [
        againstLimit({ case: what, ours: measured.seconds, unit: 's', threads }, 60),
        againstLimit({ case: `${what}, peak memory`, ours: measured.bytes / 2 ** 30, unit: 'GiB', threads }, 4),
      ],
    },
    values.json,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
