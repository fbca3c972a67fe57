// Compiles assembly/*.ts (AssemblyScript) to the .wasm files beside the code that loads them. The results are kept under
// version control: run this after a change; a test compares. With a folder as argument it writes there instead.
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const [folder] = process.argv.slice(2);

const KERNELS = [
  ['assembly/update.ts', 'src/training/update/update.wasm'],
  ['assembly/paths.ts', 'src/paths/kernels/simd.wasm'],
];

for (const [source, target] of KERNELS) {
  const out = folder === undefined ? join(root, target) : join(folder, basename(target));
  const flags = ['--enable', 'simd', '--runtime', 'stub', '--importMemory', '--noAssert', '-O3', '--converge'];
  const { error, stderr } = await main([join(root, source), '--outFile', out, '--baseDir', root, ...flags]);
  if (error !== null) {
    process.stderr.write(stderr.toString());
    process.exit(1);
  }
}
