/**
 * Drift of a Parquet file against a reference of the same layout, as a user would ask for it: a process of its own, its time and
 * its peak memory against the limits of 60 s and 1 GiB; and a value taken into a sketch against 100 ns.
 *
 *     npm run bench -- drift [--json] [--rows 3000000] [--columns 100]
 */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DuckDBInstance } from '@duckdb/node-api';
import { derive, QuantileSketch } from '../src/numeric/index.js';
import { againstLimit, measuredCommand } from './support/measured-command.js';
import { machine, median, print } from './support/report.js';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '3000000' },
    columns: { type: 'string', default: '100' },
  },
});
const [rows, columns] = [Number(values.rows), Number(values.columns)];

/** Normal numbers, a tenth of the columns of eight categories each. */
async function writeParquet(path: string, shift: number): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const expressions = Array.from({ length: columns }, (_, j) =>
    j % 10 === 9
      ? `'c' || CAST(floor(8 * random()) AS INTEGER) AS k${j}`
      : `CAST(sqrt(-2 * ln(1 - random())) * cos(6.283185307 * random()) + ${j === 0 ? shift : 0} AS FLOAT) AS x${j}`,
  );
  await connection.run(`COPY (SELECT ${expressions.join(', ')} FROM range(${rows})) TO '${path}' (FORMAT parquet)`);
  connection.closeSync();
  instance.closeSync();
}

function sketchNanoseconds(): number {
  const data = Float64Array.from({ length: 1_000_000 }, (_, i) => Math.sin(i * 12.9898) * 43758.5453);
  const rounds = Array.from({ length: 7 }, (_, round) => {
    const sketch = new QuantileSketch(derive(round, 'benchmark'));
    const started = performance.now();
    sketch.add(data);
    return ((performance.now() - started) * 1e6) / data.length;
  });
  return median(rounds);
}

const folder = await mkdtemp(join(tmpdir(), 'ballast-drift-'));
try {
  const [reference, current] = ['reference', 'current'].map((name) => join(folder, `${name}.parquet`));
  await writeParquet(reference, 0);
  await writeParquet(current, 0.2);
  const { seconds, bytes, code } = await measuredCommand(['drift', reference, current]);
  if (code !== 1) throw new Error(`ballast drift ended with ${code}, and a column was shifted`);
  const size = ((await stat(current)).size / 2 ** 20).toFixed(0);
  const what = `${rows.toLocaleString('en')} x ${columns} Parquet (${size} MiB) against as much`;
  const threads = availableParallelism();
  print(
    {
      name: 'drift',
      machine: machine(),
      rows: [
        againstLimit({ case: `${what}, both read`, ours: seconds, unit: 's', threads }, 60),
        againstLimit({ case: `${what}, peak memory`, ours: bytes / 2 ** 30, unit: 'GiB', threads }, 1),
        againstLimit({ case: 'a value into a sketch', ours: sketchNanoseconds(), unit: 'ns', threads: 1 }, 100),
      ],
    },
    values.json,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
