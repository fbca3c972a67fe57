/** Predictions of a trained model on a table that it was not split from. */
import { readTable } from '../../../src/data/read/read.js';
import type { Table } from '../../../src/data/table.js';
import { prepareSample, type Sample } from '../../../src/evaluation/sample.js';
import { openRuntime } from '../../../src/graph/index.js';
import { resolveSpec } from '../../../src/spec/index.js';
import { readOptions } from '../../../src/spec/prepare.js';
import { predictionsOf } from '../../../src/tuning/judge.js';
import { scoreRows, type Trial } from '../arms.js';

/**
 * The rows of a file, and a trial's predictions on them, encoded as its own data was.
 *
 * @param spec whose `data` section tells how the file is read
 */
export async function outside(
  spec: Readonly<Record<string, unknown>> & { readonly data: object },
  source: string,
): Promise<{ readonly table: Table; readonly predict: (trial: Trial) => Promise<Sample> }> {
  const resolved = resolveSpec({ ...spec, data: { ...spec.data, source } });
  const table = await readTable(source, readOptions(resolved));
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  const runtime = await openRuntime();
  const predict = async ({ data, graph }: Trial): Promise<Sample> => {
    const examples = data.preprocessor.transform(table, rows);
    const all = Int32Array.from(rows);
    const outputs = await scoreRows(runtime, graph, data.preprocessor.outputs, examples, all);
    return prepareSample(predictionsOf(resolved.spec, data, examples, all, outputs));
  };
  return { table, predict };
}
