import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { encodedPart, encodesAs } from '../data/preprocess/encoded-part.js';
import type { Preprocessor } from '../data/preprocess/preprocessor.js';
import { rawTensors } from '../data/preprocess/raw-tensors.js';
import type { Table } from '../data/table.js';
import { readModelFile } from '../graph/format/file.js';
import { normalize } from '../graph/format/normalize.js';
import { CLASSES_KEY } from '../graph/format/zip-map.js';
import type { Model } from '../graph/model.js';
import { upgrade } from '../graph/upgrade/index.js';
import type { Active, Asset } from '../regularizers/regularizer.js';

/** The rows of a run, as models that encode raw columns themselves take them. */
export interface AssetRows {
  readonly preprocessor: Preprocessor;
  readonly table: Table;
  readonly rows: Uint32Array;
}

/** Reads the models that regularizers name in their options: relative paths are those of the spec's folder. */
export async function loadAssets(
  active: readonly Active[],
  baseDirectory: string,
  data: AssetRows,
): Promise<readonly Active[]> {
  return Promise.all(
    active.map(async (entry) => {
      const files = entry.regularizer.files?.(entry.options) ?? {};
      const names = Object.keys(files);
      if (names.length === 0 || entry.strength === 0) return entry;
      const read = async (name: string): Promise<[string, Asset]> => {
        const path = isAbsolute(files[name]) ? files[name] : resolve(baseDirectory, files[name]);
        // The model first: its reader tells best what is wrong with a path.
        const asset = assetOf(await readModelFile(path), data);
        const hash = createHash('sha256')
          .update(await readFile(path))
          .digest('hex');
        return [name, { ...asset, hash }];
      };
      return { ...entry, assets: new Map(await Promise.all(names.map(read))) };
    }),
  );
}

const rawInputs = z.array(
  z.object({
    name: z.string(),
    column: z.string(),
    type: z.enum(['float32', 'int64', 'string']),
    shape: z.array(z.int().min(1)),
  }),
);

function assetOf(model: Model, { preprocessor, table, rows }: AssetRows): Omit<Asset, 'hash'> {
  const classes = classesOf(model);
  const named = classes === undefined ? {} : { classes };
  const parts = encodedPart(model);
  if (parts === undefined) return { graph: upgrade(normalize(model)).graph, ...named };
  const graph = upgrade({ ...model, graph: parts.network }).graph;
  if (encodesAs(model, preprocessor)) return { graph, ...named };
  const inputs = rawInputs.parse(JSON.parse(model.metadata.get('ballast.inputs') ?? '[]'));
  return { graph, ...named, raw: { model, feeds: rawTensors(inputs, table, rows) } };
}

/** The classes that the metadata names: one list, or one for each output of which the first counts. */
function classesOf({ metadata }: Model): readonly string[] | undefined {
  const text = metadata.get(CLASSES_KEY);
  if (text === undefined) return undefined;
  const names = z.array(z.union([z.string(), z.number()]));
  const parsed = z.union([names, z.record(z.string(), names)]).safeParse(JSON.parse(text));
  if (!parsed.success) return undefined;
  return (Array.isArray(parsed.data) ? parsed.data : Object.values(parsed.data)[0])?.map(String);
}
