import type { ReadOptions } from '../data/read/options.js';
import { readTable } from '../data/read/read.js';
import type { Table } from '../data/table.js';
import type { Model } from '../graph/model.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { modelFeatures } from '../monitoring/drift/model-features.js';
import { type SourceSummary, summaryOfTable } from '../monitoring/drift/source-summary.js';
import { describedPorts } from '../tuning/described-ports.js';
import { foreignPorts, type ModelPorts } from '../tuning/model-ports.js';
import { readForeign } from './evaluate-file.js';
import { note } from './output.js';

/** Sources as what a model makes of their arrays. @throws BallastError `DRIFT_LAYER`, `MODEL_INPUT`, those of reading */
export async function featureSummaries(
  path: string,
  { layer, input }: { readonly layer?: string; readonly input: readonly string[] },
): Promise<(source: string) => Promise<SourceSummary>> {
  const model = await readForeign(path);
  const runtime = await openRuntime();
  return async (source) => {
    const table = await readTable(source, { baseDirectory: process.cwd(), ...imagesFor(model) });
    const tell = (rows: number): void => note(`${source}: ${rows} of ${table.rows} rows through ${path}`);
    const ports = feeding(model, table, input);
    return summaryOfTable(
      await modelFeatures(runtime, { model, ports }, table, { ...(layer === undefined ? {} : { layer }), tell }),
    );
  };
}

/** Images in the size and the colours that the model takes, where it says which. */
function imagesFor({ graph }: Model): Pick<ReadOptions, 'image'> {
  for (const { name, shape } of graph.inputs) {
    if (graph.initializers.has(name) || shape?.length !== 4) continue;
    const [, channels, height, width] = shape;
    if ((channels !== 1 && channels !== 3) || typeof height !== 'number' || typeof width !== 'number') continue;
    return { image: { channels, size: [height, width] } };
  }
  return {};
}

/** How rows reach a model; what it predicts does not matter here. */
function feeding(model: Model, table: Table, inputs: readonly string[]): Pick<ModelPorts, 'feed' | 'batch'> {
  const described = inputs.length === 0 ? describedPorts(model) : undefined;
  if (described !== undefined) return described;
  return foreignPorts(model, table, {
    ...{ task: 'regression', output: `${model.graph.outputs[0].name}:predictions`, classes: undefined, target: '' },
    ...{ inputs, features: table.columns.map(({ name }) => name) },
  });
}
