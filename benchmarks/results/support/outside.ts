/** Metrics of a trained model on a table that it was not split from. */
import { readTable } from '../../../src/data/read/read.js';
import { sampleValues } from '../../../src/evaluation/cheap.js';
import { prepareSample } from '../../../src/evaluation/sample.js';
import { openRuntime } from '../../../src/graph/index.js';
import { resolveSpec } from '../../../src/spec/index.js';
import { readOptions } from '../../../src/spec/prepare.js';
import { predictionsOf } from '../../../src/tuning/judge.js';
import { scoreRows, type Trial } from '../arms.js';

/**
 * The cheap metrics of predictions for all rows of a file, encoded as a trial's own data was.
 *
 * @param spec whose `data` section tells how the file is read
 */
export async function outside(
  spec: Readonly<Record<string, unknown>> & { readonly data: object },
  source: string,
): Promise<(trial: Trial) => Promise<Readonly<Record<string, number>>>> {
  const resolved = resolveSpec({ ...spec, data: { ...spec.data, source } });
  const table = await readTable(source, readOptions(resolved));
  const rows = Uint32Array.from({ length: table.rows }, (_, row) => row);
  const runtime = await openRuntime();
  return async ({ data, graph }) => {
    const examples = data.preprocessor.transform(table, rows);
    const all = Int32Array.from(rows);
    const outputs = await scoreRows(runtime, graph, data.preprocessor.outputs, examples, all);
    return sampleValues(prepareSample(predictionsOf(resolved.spec, data, examples, all, outputs)));
  };
}
