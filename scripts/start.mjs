// `npm start`: a model's whole life on real data, in a few minutes. Makes a fresh clone runnable; then trains the baseline
// and the regularized model of recipes/digits.yaml, proves which generalizes better, calibrates, compresses, registers,
// serves, brings the better model into traffic, keeps a bad one out of it, and notices when the world changes.
// `npm start -- --serve` keeps the server up at the end.
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare, requireNode } from './prepare.mjs';
import { ballast, serve } from './tour/command.mjs';
import { comparisonLines, percent, runOf } from './tour/generalization.mjs';
import { driftLines, rollOut } from './tour/operation.mjs';
import { throughDirtyLens, Users, validationPictures } from './tour/traffic.mjs';

const RECIPE = 'recipes/digits.yaml';
const RUSHED = 'scripts/tour/rushed.yaml';
/** Of traffic that has changed. */
const CHANGED_MS = 20_000;

requireNode();
const root = fileURLToPath(new URL('..', import.meta.url));
const keepServing = process.argv.slice(2).includes('--serve');
await prepare(root);
// Ctrl-C reaches the command that runs, which saves and ends; this process then ends as it did.
const stopping = new AbortController();
process.on('SIGINT', () => stopping.abort());

const started = performance.now();
/** What took how long. @type {{ title: string, at: number }[]} */
const chapters = [];
const place = { root, store: join(root, '.ballast'), signal: stopping.signal };

chapter('1. Train', 'a baseline without regularization, and the model with it, on 1,000 pictures of digits');
const trained = await ballast(place, 'train', RECIPE);
const baseline = runOf(trained, 'baseline');
const model = runOf(trained, 'model');

chapter('2. Prove', 'on 8,000 locked pictures, read once for each');
const evaluated = await ballast(place, 'evaluate', model.runId, '--holdout', '--against', baseline.runId);
console.log(comparisonLines(trained, evaluated));

chapter('3. Calibrate', 'so that 90 % sure means right nine times in ten');
const { method, before, after } = await ballast(place, 'calibrate', model.runId);
console.log(
  `\nExpected calibration error ${percent(before.ece.value)} -> ${percent(after.ece.value)} by ${method}, the simplest of the best by cross-fitting.`,
);

chapter('4. Compress', 'the smallest model that loses nothing that matters');
const compressed = await ballast(place, 'compress', model.runId, '--quick');
const { chosen } = compressed;
if (chosen === null) console.log('\nNone kept to the constraints; the model stays as it is.');
else {
  const small = compressed.front.find((/** @type {{ id: string }} */ { id }) => id === chosen);
  const times = (compressed.baseline.bytes / small.bytes).toFixed(1);
  console.log(
    `\n${chosen}: ${times} times smaller, accuracy ${percent(compressed.baseline.quality.value)} -> ${percent(small.quality.value)} on rows it did not see. It meets ${compressed.constraints.join(', ')}.`,
  );
}

chapter('5. Register and serve', 'the baseline in production, and people who use it');
// A tour before this one left a version in production: that is what the new one has to keep up with.
const { rollouts } = await ballast({ ...place, quiet: true }, 'rollout', 'status');
const inProduction = rollouts.some((/** @type {{ model: string }} */ { model: name }) => name === 'digits');
const live = inProduction ? undefined : await register(baseline.runId, 'the unregularized baseline');
const better = await register(
  chosen === null ? model.runId : `${model.runId}/compressed.onnx`,
  chosen === null ? 'regularized' : `regularized, ${chosen}`,
);
const pictures = await validationPictures(place, RECIPE);
const server = await serve(place, '--port', '0', '--models', live === undefined ? 'digits' : `digits/${live}`);
const users = new Users(server.url, 'digits', pictures).start();

chapter('6. Roll out', 'the regularized model: in shadow, to 5 %, 50 %, all users, judged at every look');
await rollOut(place, users, better, ...(live === undefined ? [] : ['--baseline', `${live}`]));

chapter(
  '7. And a bad one',
  'a hurried colleague trained two epochs under far too much weight decay, and skipped the gate',
);
const rushed = runOf(await ballast(place, 'train', RUSHED), 'model');
await rollOut(place, users, await register(rushed.runId, 'rushed'));
const { findings } = await ballast(place, 'diagnose', rushed.runId);
console.log('\nWhy it was bad, by controlled experiments:');
for (const { name, evidence, remedy } of findings) console.log(`  ${name}: ${evidence[0]}\n    ${remedy}.`);

chapter('8. The world changes', 'the camera gets a dirty lens');
users.look(throughDirtyLens);
await new Promise((resolve) => setTimeout(resolve, CHANGED_MS));
await users.stop();
// The server keeps what it saw before it ends.
await server.stop();
console.log(driftLines(await ballast(place, 'drift', 'models:/digits', '--window', '1h')));

console.log(
  [
    '',
    `${users.answered.toLocaleString('en-US')} requests were answered, ${users.failed} failed.`,
    `time     ${seconds(started, performance.now())} s: ${chapterTimes()}`,
    `report   ${relative(process.cwd(), trained.report)}`,
    ...(keepServing
      ? []
      : ['look     npm start -- --serve ends with the dashboard; now: ./bin/ballast serve --models digits']),
  ].join('\n'),
);
if (keepServing) {
  const { url, ended } = await serve(place, '--models', 'digits');
  console.log(`look     ${url}   (Ctrl-C ends it)`);
  await ended;
}

/**
 * @param {string} source
 * @param {string} description
 * @returns {Promise<number>} the version
 */
async function register(source, description) {
  const { version } = await ballast(place, 'models', 'register', source, 'digits', '--description', description);
  return version;
}

/**
 * @param {string} title
 * @param {string} what
 */
function chapter(title, what) {
  chapters.push({ title: title.replace(/^\d+\. /, ''), at: performance.now() });
  console.log(`\n── ${title}: ${what}`);
}

function chapterTimes() {
  return chapters
    .map(({ title, at }, i) => `${title.toLowerCase()} ${seconds(at, chapters[i + 1]?.at ?? performance.now())}`)
    .join(', ');
}

/** @param {number} from @param {number} to */
function seconds(from, to) {
  return ((to - from) / 1000).toFixed(0);
}
