// Makes a fresh clone runnable: installs what is missing and compiles. Uses nothing but Node itself.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

const newest = (directory) =>
  readdirSync(directory, { withFileTypes: true }).reduce((latest, entry) => {
    const path = join(directory, entry.name);
    return Math.max(latest, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }, 0);

/** Installs packages where there are none, and compiles where the sources are newer than what was compiled. */
export async function prepare(root) {
  if (!existsSync(join(root, 'src'))) return;
  if (!existsSync(join(root, 'node_modules', 'typescript'))) {
    process.stderr.write('Installing packages (once) ...\n');
    step('npm', ['install', '--no-audit', '--no-fund'], root);
  }
  const stamp = join(root, 'dist', '.compiled');
  if (!existsSync(stamp) || newest(join(root, 'src')) > statSync(stamp).mtimeMs) {
    process.stderr.write('Compiling ...\n');
    step(process.execPath, [join(root, 'scripts', 'build.mjs')], root);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await prepare(fileURLToPath(new URL('..', import.meta.url)));
}
