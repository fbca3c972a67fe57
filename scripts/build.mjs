// Compiles src to dist and puts beside it what is not code: method cards.
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.json')], {
  cwd: root,
  stdio: ['ignore', 2, 2],
});
if (status !== 0) process.exit(status ?? 1);

const regularizers = join(root, 'src', 'regularizers');
for (const entry of readdirSync(regularizers, { withFileTypes: true })) {
  if (!entry.isDirectory()) continue;
  const card = join(regularizers, entry.name, 'card.md');
  cpSync(card, join(root, 'dist', 'regularizers', entry.name, 'card.md'));
}
writeFileSync(join(root, 'dist', '.compiled'), '');
