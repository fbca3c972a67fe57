import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BallastError } from '../errors.js';
import { handlerSource } from './function-handler.js';
import type { Contents } from './write.js';

const require = createRequire(import.meta.url);

const RUNTIME = 'onnxruntime-node';

/** Platforms that the runtime ships binaries for, as `process.platform`-`process.arch`. */
export async function platforms(): Promise<string[]> {
  const root = join(packageFolder(RUNTIME), 'bin', 'napi-v6');
  const systems = await readdir(root);
  const all = await Promise.all(
    systems.map(async (system) => (await readdir(join(root, system))).map((processor) => `${system}-${processor}`)),
  );
  return all.flat().sort();
}

/**
 * The files of a function that answers for a model by the Open Inference Protocol: a handler, and of the runtime what one
 * platform needs. Unpacked at its root, an archive with them is a deployable function.
 *
 * @throws BallastError BUNDLE_PLATFORM
 */
export async function functionFiles(platform: string, model: string): Promise<Contents> {
  const runtime = packageFolder(RUNTIME);
  const binaries = join('bin', 'napi-v6', ...platform.split('-'));
  if (!existsSync(join(runtime, binaries))) {
    throw new BallastError(`the runtime has no binaries for "${platform}"`, {
      code: 'BUNDLE_PLATFORM',
      place: '--serverless',
      remedy: `Choose one of ${(await platforms()).join(', ')}`,
    });
  }
  const files = new Map<string, Uint8Array>([
    ['index.mjs', Buffer.from(handlerSource(model))],
    ['package.json', Buffer.from('{"type":"module","main":"index.mjs"}\n')],
  ]);
  const add = async (name: string, folder: string): Promise<void> => {
    const root = packageFolder(name);
    for (const file of await readdir(join(root, folder))) {
      // Programs and licences; neither types nor maps of sources run.
      if (/\.(?:d\.ts|map|pdb|lib)$/.test(file)) continue;
      const path = join(folder, file).replaceAll('\\', '/');
      files.set(`node_modules/${name}/${path}`, await readFile(join(root, path)));
    }
    const { version, license, main } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    files.set(`node_modules/${name}/package.json`, Buffer.from(JSON.stringify({ name, version, license, main })));
  };
  await add(RUNTIME, 'dist');
  await add(RUNTIME, binaries);
  await add('onnxruntime-common', join('dist', 'cjs'));
  return files;
}

/** Where a package lies: the runtime, or one that it needs. */
function packageFolder(name: string): string {
  const own = require.resolve(`${RUNTIME}/package.json`);
  if (name === RUNTIME) return dirname(own);
  const main = createRequire(own).resolve(name);
  return main.slice(0, main.lastIndexOf(name) + name.length);
}
