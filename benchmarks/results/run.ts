/**
 * `npm run results -- NAME [--quick] [--keep FOLDER] [--only SET,...]`: runs benchmarks/results/NAME.ts and writes docs/results/NAME.md.
 */
import { readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { BallastError } from '../../src/errors.js';
import { provenance, type Results } from './page.js';

/** What has a module of its own here; the rest serves them. */
const SUPPORT = new Set([
  'run',
  'drift-streams',
  'page',
  'arms',
  'data-sets-cases',
  'diagnosis-cases',
  'augmentation-cases',
]);
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace(/\.ts$/, ''))
  .filter((name) => !SUPPORT.has(name) && !name.includes('.'));

const {
  positionals: [name],
  values: { quick = false, keep, only },
} = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, keep: { type: 'string' }, only: { type: 'string' } },
});
if (!names.includes(name)) {
  throw new BallastError('there are no results of that name', {
    code: 'USAGE',
    value: name,
    remedy: `Results: ${names.join(', ')}`,
  });
}
const datasets = process.env.BALLAST_DATASETS;
if (datasets === undefined) {
  throw new BallastError('BALLAST_DATASETS is not set', {
    code: 'USAGE',
    remedy: 'Set it to the folder of the data sets',
  });
}
const started = performance.now();
const { results } = (await import(`./${name}.js`)) as { results: Results };
const made = await results.page({
  datasets,
  quick,
  keep,
  only: only?.split(','),
  tell: (line) => process.stderr.write(`${line}\n`),
});
const { text, pictures } = typeof made === 'string' ? { text: made, pictures: {} } : made;
const page = `${text.trimEnd()}\n\n${provenance(name, keep === undefined ? (performance.now() - started) / 1000 : undefined)}`;
if (quick || only !== undefined) process.stdout.write(page);
else {
  const folder = new URL('../../docs/results/', import.meta.url);
  await mkdir(folder, { recursive: true });
  await writeFile(new URL(`${name}.md`, folder), page);
  for (const [file, svg] of Object.entries(pictures)) await writeFile(new URL(file, folder), svg);
}
