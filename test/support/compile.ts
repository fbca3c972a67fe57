import { join } from 'node:path';
import { prepare } from '../../scripts/prepare.mjs';

/** Before tests that run the compiled command line: compiles where sources are newer than what was compiled. */
export default async function setup(): Promise<void> {
  await prepare(join(import.meta.dirname, '../..'));
}
