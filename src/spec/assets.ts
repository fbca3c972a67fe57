import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { readModelFile } from '../graph/format/file.js';
import { normalize } from '../graph/format/normalize.js';
import { upgrade } from '../graph/upgrade/index.js';
import type { Active, Asset } from '../regularizers/regularizer.js';

/** Reads the models that regularizers name in their options: relative paths are those of the spec's folder. */
export async function loadAssets(active: readonly Active[], baseDirectory: string): Promise<readonly Active[]> {
  return Promise.all(
    active.map(async (entry) => {
      const files = entry.regularizer.files?.(entry.options) ?? {};
      const names = Object.keys(files);
      if (names.length === 0 || entry.strength === 0) return entry;
      const read = async (name: string): Promise<[string, Asset]> => {
        const path = isAbsolute(files[name]) ? files[name] : resolve(baseDirectory, files[name]);
        const model = upgrade(normalize(await readModelFile(path)));
        const hash = createHash('sha256')
          .update(await readFile(path))
          .digest('hex');
        return [name, { graph: model.graph, hash }];
      };
      return { ...entry, assets: new Map(await Promise.all(names.map(read))) };
    }),
  );
}
