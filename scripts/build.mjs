// Compiles src to dist, puts beside it what is not code, writes the spec's schema, and removes what has no source any more.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { filesBelow } from './rooms.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');
/** The compiler's record of what it compiled, which makes the next time quick. */
const RECORD = '.tsbuildinfo';
const SCHEMA = 'spec.schema.json';
const STAMP = '.compiled';

const sources = filesBelow(join(root, 'src'));
const modules = sources.filter(
  (path) => path.endsWith('.ts') && !/\.(test|fixture)\.ts$/.test(path) && !path.includes('/cases/'),
);
const assets = sources.filter((path) => path.endsWith('/card.md') || path.endsWith('.wasm'));
const compiled = modules.flatMap((path) => ['.js', '.js.map', '.d.ts'].map((end) => path.replace(/\.ts$/, end)));

// The compiler writes only what changed since its record: without the record, it writes everything again.
if (!compiled.every((path) => existsSync(join(dist, path)))) rmSync(join(dist, RECORD), { force: true });
const started = new Date();
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (status !== 0) process.exit(status ?? 1);

for (const path of assets) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  copyFileSync(join(root, 'src', path), join(dist, path));
}
/** @type {typeof import('../src/spec/index.js')} */
const { specJsonSchema } = await import(pathToFileURL(join(dist, 'spec', 'index.js')).href);
writeFileSync(join(dist, SCHEMA), `${JSON.stringify(specJsonSchema(), null, 2)}\n`);

/** @type {string[]} */
const pages = await buildDashboard();

const owed = new Set([...pages, ...compiled, ...assets, RECORD, SCHEMA, STAMP]);
for (const path of filesBelow(dist)) if (!owed.has(path)) rmSync(join(dist, path));
// A source that was changed while the compiler ran is newer than the stamp, and is compiled the next time.
writeFileSync(join(dist, STAMP), started.toISOString());
utimesSync(join(dist, STAMP), started, started);

/**
 * Bundles the dashboard into dist/dashboard where a source of it is newer than what is there.
 *
 * @returns {Promise<string[]>} its files, as paths below dist
 */
async function buildDashboard() {
  const folder = join(dist, 'dashboard');
  const source = join(root, 'dashboard');
  const built = join(folder, 'index.html');
  const newest = Math.max(...filesBelow(source).map((path) => statSync(join(source, path)).mtimeMs));
  if (!existsSync(built) || statSync(built).mtimeMs < newest) {
    const { build } = await import('vite');
    await build({ configFile: join(source, 'vite.config.ts'), logLevel: 'warn' });
  }
  return filesBelow(folder).map((path) => `dashboard/${path}`);
}
