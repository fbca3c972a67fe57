// `npm test`: makes a fresh clone runnable, holds the sources to their rules, then runs the tests.
// Arguments go to vitest: npm test -- src/graph
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, requireNode } from './prepare.mjs';

requireNode();
const root = fileURLToPath(new URL('..', import.meta.url));
await prepare(root);

const bin = (/** @type {string} */ name) => join(root, 'node_modules', '.bin', name);
const script = (/** @type {string} */ name) => join(root, 'scripts', name);
const tables = readdirSync(join(root, 'scripts')).filter((name) => name.endsWith('-table.ts'));

/** @type {{ name: string, command: string, args: string[] }[]} */
const checks = [
  { name: 'types', command: bin('tsc'), args: ['-p', 'tsconfig.check.json'] },
  { name: 'types of the dashboard', command: bin('tsc'), args: ['-p', 'dashboard/tsconfig.json'] },
  { name: 'format and lint (biome)', command: bin('biome'), args: ['ci', '--error-on-warnings', '--colors=off'] },
  {
    name: 'floating promises (oxlint)',
    command: bin('oxlint'),
    args: ['--type-aware', '--deny-warnings', ...['src', 'test', 'benchmarks', 'scripts'].filter(isFolder)],
  },
  { name: 'unused code (knip)', command: bin('knip'), args: [] },
  { name: 'room order', command: process.execPath, args: [script('check-rooms.mjs')] },
  { name: 'package exports', command: process.execPath, args: [script('check-exports.mjs')] },
  ...tables.map((name) => ({
    name: `generated docs (${name.replace(/-table\.ts$/, '')})`,
    command: bin('tsx'),
    args: [script(name), '--check'],
  })),
];

const failed = [];
for (const check of checks) {
  const started = performance.now();
  const { code, output } = await capture(check.command, check.args);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'}  ${check.name.padEnd(34)} ${seconds.padStart(6)} s`);
  if (code !== 0) {
    failed.push(check.name);
    console.log(output.trimEnd().replaceAll(/^/gm, '      '));
  }
}
if (failed.length > 0) {
  console.error(`\nnpm test: failed before the tests: ${failed.join(', ')}`);
  process.exit(1);
}

const tests = spawn(
  bin('vitest'),
  ['run', '--project', 'unit', '--project', 'commands', '--passWithNoTests', ...process.argv.slice(2)],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: process.platform === 'win32' },
);
const code = await new Promise((resolve) => {
  tests.on('close', resolve);
});
process.exit(code ?? 1);

/** @param {string} folder */
function isFolder(folder) {
  return existsSync(join(root, folder));
}

/**
 * Runs a check; its output is kept for the case that it fails.
 *
 * @param {string} command
 * @param {string[]} args
 * @returns {Promise<{ code: number, output: string }>}
 */
function capture(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      shell: process.platform === 'win32',
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (/** @type {Buffer} */ piece) => {
        output += piece.toString();
      });
    }
    child.on('error', reject);
    child.on('close', (status) => resolve({ code: status ?? 1, output }));
  });
}
