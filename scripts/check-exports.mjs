// Holds the package's exports to the rooms: each room is importable as ballast/<room> under plain node, with its types.
// With --write, the export map of package.json is brought up to date instead.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { exportMap } from './rooms.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifestPath = join(root, 'package.json');
const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
const expected = exportMap(root);

if (process.argv.includes('--write')) {
  writeFileSync(manifestPath, `${JSON.stringify({ ...manifest, exports: expected }, null, 2)}\n`);
} else {
  const faults = [...mapFaults(), ...(await lint()), ...fileFaults()];
  for (const fault of faults.length > 0 ? faults : importFaults()) {
    console.error(fault);
    process.exitCode = 1;
  }
}

/** @returns {string[]} where package.json differs from what the rooms ask for */
function mapFaults() {
  if (isDeepStrictEqual(manifest.exports, expected)) return [];
  return ['package.json: exports are not those of the rooms; node scripts/check-exports.mjs --write mends it'];
}

/** @returns {Promise<string[]>} what publint finds */
async function lint() {
  const { messages } = await publint({ pkgDir: root, pack: false, strict: true });
  return messages.map(
    (message) => `package.json: ${formatMessage(message, manifest, { color: false }) ?? message.code}`,
  );
}

/** @returns {string[]} targets that are not there */
function fileFaults() {
  return Object.entries(expected).flatMap(([name, target]) =>
    (typeof target === 'string' ? [target] : Object.values(target))
      .filter((path) => !existsSync(join(root, path)))
      .map((path) => `${name}: ${path} is missing; every room has an index.ts`),
  );
}

/** @returns {string[]} entries that plain node cannot import by the package's own name, or that export nothing */
function importFaults() {
  const names = Object.entries(expected).flatMap(([name, target]) =>
    typeof target === 'string' ? [] : [name.replace(/^\./, manifest.name)],
  );
  const program = `
    for (const name of ${JSON.stringify(names)}) {
      const count = await import(name).then((module) => Object.keys(module).length, (error) => error.message);
      if (typeof count === 'string' || count === 0) console.log(name + ': ' + (count || 'exports nothing'));
    }`;
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', program],
    // Importing starts nothing: a process that does nothing else ends by itself.
    { cwd: root, encoding: 'utf8', timeout: 60_000 },
  );
  if (error || status !== 0) return [`importing the rooms does not end well: ${error?.message ?? stderr}`];
  return stdout.split('\n').filter((line) => line !== '');
}
