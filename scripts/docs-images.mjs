// Draws the pictures of the README from a real run: node scripts/docs-images.mjs
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
await prepare(root);
const store = mkdtempSync(join(tmpdir(), 'ballast-images-'));
const output = execFileSync(
  process.execPath,
  ['bin/ballast', 'train', 'recipes/digits.yaml', '--json', '--store', store],
  { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
);
const folder = dirname(JSON.parse(output).report);
const images = join(root, 'docs', 'images');
mkdirSync(images, { recursive: true });
for (const role of ['baseline', 'model']) {
  copyFileSync(join(folder, `curves-accuracy-${role}.svg`), join(images, `digits-${role}.svg`));
}
rmSync(store, { recursive: true });
