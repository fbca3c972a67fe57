import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/**
 * The file of a program that a module starts in a process of its own: compiled, or its source where the module is run from
 * source itself.
 *
 * @param name of the program, without an extension
 * @param beside `import.meta.url` of the module
 */
export function childProgram(name: string, beside: string): string {
  const extension = beside.endsWith('.ts') ? '.ts' : '.js';
  return fileURLToPath(new URL(`./${name}${extension}`, beside));
}

/** Arguments for Node before a {@link childProgram}: the loader that a source needs. */
export function loaderArguments(program: string): string[] {
  if (!program.endsWith('.ts')) return [];
  const loader = createRequire(import.meta.url).resolve('tsx');
  return ['--import', pathToFileURL(loader).href];
}
