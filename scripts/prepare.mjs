// Makes a fresh clone runnable: installs what is missing and compiles. Uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
const step = (command, args, cwd) => {
  const { status, error } = spawnSync(command, args, {
    cwd,
    // Output of these steps is progress: stdout belongs to the command that the user asked for.
    stdio: ['ignore', 2, 2],
    // The runtime's install script fetches GPU files; the CPU library is in the package.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    shell: process.platform === 'win32',
  });
  if (error) throw error;
  if (status !== 0) {
    process.stderr.write(`${command} ${args.join(' ')} failed\n`);
    process.exit(3);
  }
};

/**
 * @param {string} directory
 * @returns {number} when the newest file in it was changed
 */
const newest = (directory) =>
  readdirSync(directory, { withFileTypes: true }).reduce((latest, entry) => {
    const path = join(directory, entry.name);
    return Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, 0);

/**
 * Whether every package that this machine needs stands in node_modules in the version of the lock. Packages for other
 * platforms are optional and may be missing.
 *
 * @param {string} root
 */
const isInstalled = (root) => {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  /** @typedef {{ packages: Record<string, { version?: string, optional?: boolean, devOptional?: boolean }> }} Lock */
  /** @type {Lock} */
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  /** @type {Lock} */
  const installed = JSON.parse(readFileSync(record, 'utf8'));
  return Object.entries(wanted.packages).every(
    ([path, { version, optional, devOptional }]) =>
      path === '' || optional || devOptional || installed.packages[path]?.version === version,
  );
};

/**
 * Installs packages where they are not those of the lock, and compiles where the sources are newer than what was compiled.
 *
 * @param {string} root
 */
export async function prepare(root) {
  if (!existsSync(join(root, 'src'))) return;
  if (!isInstalled(root)) {
    process.stderr.write('Installing packages (once) ...\n');
    step('npm', ['install', '--no-audit', '--no-fund'], root);
  }
  const stamp = join(root, 'dist', '.compiled');
  const changed = Math.max(newest(join(root, 'src')), newest(join(root, 'dashboard')));
  if (!existsSync(stamp) || changed > statSync(stamp).mtimeMs) {
    process.stderr.write('Compiling ...\n');
    step(process.execPath, [join(root, 'scripts', 'build.mjs')], root);
  }
}

/** Says so and ends where Node is older than what package.json asks for. */
export function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  process.stderr.write(`ballast needs Node 20.19 or newer; this is ${process.versions.node}\n`);
  process.exit(2);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireNode();
  await prepare(fileURLToPath(new URL('..', import.meta.url)));
}
