// Adds up the JSON reports of several vitest runs: node scripts/test-summary.mjs FOLDER SECONDS
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {{ ancestorTitles: string[], title: string, status: string }} Test
 * @typedef {{ name: string, status: string, assertionResults: Test[] }} TestFile
 */

const [folder, seconds] = process.argv.slice(2);
/** @type {TestFile[]} */
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')).testResults);
const tests = files.flatMap((file) => file.assertionResults.map((test) => ({ ...test, file: file.name })));

/** @type {Map<string, number>} */
const skipped = new Map();
for (const { status, file, ancestorTitles, title } of tests) {
  if (status === 'passed' || status === 'failed') continue;
  const suite = `${file.replace(`${process.cwd()}/`, '')}: ${ancestorTitles[0] ?? title}`;
  skipped.set(suite, (skipped.get(suite) ?? 0) + 1);
}
if (skipped.size > 0) console.log('\nSkipped:');
for (const [suite, count] of skipped) console.log(`  ${count} in ${suite}`);
for (const { status, file, ancestorTitles, title } of tests) {
  if (status === 'failed') console.log(`FAILED  ${file}: ${[...ancestorTitles, title].join(' > ')}`);
}
for (const { status, name, assertionResults } of files) {
  if (status === 'failed' && assertionResults.length === 0) console.log(`FAILED  ${name}: it could not be loaded`);
}

const tally = (/** @type {{ status: string }[]} */ list) => {
  const count = (/** @type {string} */ status) => list.filter((entry) => entry.status === status).length;
  const [failed, passed] = [count('failed'), count('passed')];
  const rest = list.length - failed - passed;
  const parts = [failed > 0 && `${failed} failed`, `${passed} passed`, rest > 0 && `${rest} skipped`];
  return `${parts.filter(Boolean).join(' | ')} (${list.length})`;
};
console.log(`\n Test Files  ${tally(files)}`);
console.log(`      Tests  ${tally(tests)}`);
console.log(`   Duration  ${seconds} s`);
