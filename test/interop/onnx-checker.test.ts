import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModelFile, writeModelFile } from '../../src/graph/format/file.js';
import { normalize } from '../../src/graph/format/normalize.js';
import { allGraphs, mapSubgraphs } from '../../src/graph/format/subgraphs.js';
import { bytesOf } from '../../src/graph/format/tensor-proto.js';
import type { Graph, Model, ValueInfo } from '../../src/graph/model.js';
import type { Tensor } from '../../src/graph/tensor.js';
import { arbitraryModel } from '../support/arbitrary-model.js';

const PYTHON = process.env.BALLAST_PYTHON;
const DATASETS = process.env.BALLAST_DATASETS;
const GOLDENS = join(import.meta.dirname, '../../src/graph/format/goldens');

/** What onnx_checker.py prints of a file. */
interface FileReport {
  error: string | null;
  metadata: Record<string, string>;
  nodes: [domain: string, operator: string, inputs: string[], outputs: string[]][];
  initializers: [name: string, type: string, shape: number[], sha256: string][];
}

const TYPE_NAMES: Record<string, string> = { float32: 'FLOAT', float64: 'DOUBLE' };

/** The same of a model of ours. */
function reportOf(model: Model): FileReport {
  const graphs = [...allGraphs(model.graph)];
  return {
    error: null,
    metadata: Object.fromEntries(model.metadata),
    nodes: graphs.flatMap(({ nodes }) =>
      nodes.map(({ domain, opType, inputs, outputs }): FileReport['nodes'][0] => [
        domain,
        opType,
        [...inputs],
        [...outputs],
      ]),
    ),
    initializers: graphs.flatMap(({ initializers }) =>
      [...initializers].map(([name, tensor]): FileReport['initializers'][0] => [
        name,
        TYPE_NAMES[tensor.type] ?? tensor.type.toUpperCase(),
        [...tensor.shape],
        digest(tensor),
      ]),
    ),
  };
}

function digest(tensor: Tensor): string {
  const content = tensor.type === 'string' ? Buffer.from((tensor.data as string[]).join('\0')) : bytesOf(tensor);
  return createHash('sha256').update(content).digest('hex');
}

/**
 * Operators of a domain that the checker has no schemas for, so that only the structure is judged; and a rank for every
 * input and output, which the checker asks for and runtimes do not.
 */
function checkable(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => ({
    ...mapSubgraphs(node, checkable),
    domain: 'org.example',
    opType: 'Whatever',
  }));
  const ranked = (info: ValueInfo): ValueInfo =>
    info.container === undefined ? { ...info, shape: info.shape ?? [null] } : { ...info, container: info.container };
  return { ...graph, nodes, inputs: graph.inputs.map(ranked), outputs: graph.outputs.map(ranked) };
}

describe.skipIf(PYTHON === undefined)('the onnx package (needs BALLAST_PYTHON, a Python with onnx)', () => {
  let directory = '';

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'ballast-checker-'));
  });

  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  /** Writes the models and compares what the onnx package makes of them. */
  async function agree(models: readonly [name: string, model: Model][], externalData?: number): Promise<void> {
    const written = new Map<string, Model>();
    for (const [index, [name, model]] of models.entries()) {
      const path = join(directory, `${index}-${name}.onnx`);
      await writeModelFile(model, path, externalData === undefined ? {} : { externalData });
      written.set(path, model);
    }
    const script = join(import.meta.dirname, 'onnx_checker.py');
    const output = execFileSync(PYTHON ?? '', [script, ...written.keys()], { encoding: 'utf8', maxBuffer: 2 ** 28 });
    const { files } = JSON.parse(output) as { files: Record<string, FileReport> };
    for (const [path, model] of written) expect(files[path], path).toEqual(reportOf(model));
  }

  async function goldens(): Promise<[string, Model][]> {
    const names = readdirSync(GOLDENS)
      .filter((name) => name.endsWith('.onnx'))
      .filter((name) => !['float8', 'int4', 'complex64'].some((refused) => name.startsWith(refused)));
    return Promise.all(names.map(async (name) => [name, await readModelFile(join(GOLDENS, name))] as [string, Model]));
  }

  it('accepts the goldens as we write them, and reads the same in them', async () => {
    await agree(await goldens());
  });

  it('accepts them normalized', async () => {
    await agree((await goldens()).map(([name, model]) => [name, normalize(model)]));
  });

  it('accepts our external data', async () => {
    await agree(await goldens(), 1);
  });

  it('accepts random structures of every tensor type and attribute kind', async () => {
    const random = fc.sample(arbitraryModel, { numRuns: 60, seed: 5 });
    await agree(random.map((model) => ['random', { ...model, graph: checkable(model.graph) }]));
  });

  it.skipIf(DATASETS === undefined)(
    'accepts models from elsewhere as we write them (needs BALLAST_DATASETS)',
    async () => {
      const folders = ['onnx-models', 'onnx-magika'].map((name) => join(DATASETS ?? '', name)).filter(existsSync);
      const files = folders.flatMap((folder) =>
        readdirSync(folder, { recursive: true, encoding: 'utf8' })
          .filter((name) => name.endsWith('.onnx'))
          .map((name) => join(folder, name)),
      );
      await agree(
        await Promise.all(files.map(async (file) => ['model', await readModelFile(file)] as [string, Model])),
      );
    },
  );
});
