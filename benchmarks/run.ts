/**
 * Runs a benchmark by name: `npm run bench -- engine [--json]`. Each is a file of this folder.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const folder = import.meta.dirname;
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length));
const [name = '', ...rest] = process.argv.slice(2);
const script = join(folder, `${name}.ts`);
if (!names.includes(name) || !existsSync(script)) {
  process.stderr.write(`usage: npm run bench -- NAME [--json], NAME one of ${names.join(', ')}\n`);
  process.exitCode = 2;
} else {
  const { status } = spawnSync(process.execPath, ['--import', 'tsx', script, ...rest], { stdio: 'inherit' });
  process.exitCode = status ?? 3;
}
