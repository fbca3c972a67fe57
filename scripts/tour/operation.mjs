// The second half of the tour: versions come into traffic, one stays and one goes back, and then the world changes.
import { setTimeout as sleep } from 'node:timers/promises';
import { ballast } from './command.mjs';
import { percent } from './generalization.mjs';

const OPTIONS = 'scripts/tour/rollout.yaml';
const ENDINGS = new Map([
  ['complete', 'is live'],
  ['rolled-back', 'was rolled back'],
  ['aborted', 'was aborted'],
]);
const LOOK_MS = 1000;

/** @typedef {{ name: string, baseline: number | null, candidate: number | null, interval: [number, number], verdict: string }} Sli */

/**
 * Brings a version into traffic and waits for what comes of it.
 *
 * @param {import('./command.mjs').Place} place
 * @param {import('./traffic.mjs').Users} users
 * @param {number} version
 * @param {...string} more options of the start
 * @returns {Promise<string>} the state it ended in
 */
export async function rollOut(place, users, version, ...more) {
  const before = new Map(users.versions);
  const words = ['rollout', 'start', 'digits', '--candidate', `${version}`, '--options', OPTIONS, ...more];
  const { rolloutId } = await ballast(place, ...words);
  // As `ballast rollout status` tells it, without a process for each look.
  const address = `${users.url}/api/v1/rollouts/${rolloutId}`;
  // What was known best, mostly in shadow: with all the traffic at one version there is nothing to compare.
  /** @type {Sli[]} */
  let compared = [];
  for (let told = ''; ; await sleep(LOOK_MS)) {
    const rollout = await documentAt(place, address);
    const { state, step, steps, decision, slis } = rollout;
    const line = ENDINGS.has(state) ? state : `step ${step} of ${steps.length} (${stepName(steps[step - 1].weight)})`;
    if (line !== told) process.stderr.write(`  ${line}${decision === null ? '' : `: ${decision.reason}`}\n`);
    told = line;
    if (doubt(slis) < doubt(compared)) compared = slis;
    if (!ENDINGS.has(state)) continue;
    const served = (users.versions.get(`${version}`) ?? 0) - (before.get(`${version}`) ?? 0);
    console.log(
      [
        '',
        `Version ${version} ${ENDINGS.get(state)} after ${rollout.looks} looks: ${decision?.reason ?? ''}.`,
        ...compared.map(sliLine),
        `${served} answers to users came from it on the way. Of the ${percent(rollout.alpha)} that may be spent on false roll-backs, ${percent(rollout.alphaSpent)} were.`,
      ].join('\n'),
    );
    return state;
  }
}

/** @param {import('./command.mjs').Place} place @param {string} address @returns {Promise<any>} */
async function documentAt({ signal }, address) {
  try {
    return await (await fetch(address, { signal })).json();
  } catch (error) {
    if (signal.aborted) process.exit(130);
    throw error;
  }
}

/** How little is known yet: the widths of the intervals together. @param {Sli[]} slis */
function doubt(slis) {
  const compared = slis.filter(({ baseline }) => baseline !== null);
  return compared.length === 0 ? Infinity : compared.reduce((sum, { interval: [lo, hi] }) => sum + hi - lo, 0);
}

/** @param {number} weight */
function stepName(weight) {
  return weight === 0 ? 'shadow' : percent(weight);
}

/** @param {Sli} sli */
function sliLine({ name, baseline, candidate, interval, verdict }) {
  if (baseline === null || candidate === null) return `  ${name.padEnd(22)} ${verdict}`;
  return `  ${name.padEnd(22)} ${percent(baseline)} -> ${percent(candidate)}, difference ${interval.map(percent).join(' to ')}: ${verdict}`;
}

/**
 * What became of the live version's world.
 *
 * @param {{
 *   drifted: boolean, predictions: { name: string, effect: number, drifted: boolean }[], calibration: { drifted: boolean },
 *   performance: { windows: { realised: { value: number } | null }[] },
 * }} report
 */
export function driftLines({ drifted, predictions, calibration, performance }) {
  const changed = predictions.filter((each) => each.drifted);
  const [most] = [...changed].sort((a, b) => b.effect - a.effect);
  const realised = performance.windows.at(-1)?.realised;
  return [
    '',
    drifted
      ? `Drifted: ${changed.length} of ${predictions.length} columns of what the model says, ${most?.name} most (by ${percent(most?.effect ?? 0)} of the answers).`
      : 'Nothing has drifted.',
    ...(calibration.drifted
      ? ['Its confidence no longer says how often it is right, so that accuracy is not estimated without labels.']
      : []),
    ...(realised === null || realised === undefined
      ? []
      : [`With the labels that came: ${percent(realised.value)} right.`]),
    'A pipeline acts on it by the exit code, 1; on inputs like these, augmentation or new labels are the mend.',
  ].join('\n');
}
