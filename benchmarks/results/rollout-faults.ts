import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/index.js';
import { FAULTS, type Fault, planted } from '../../test/support/planted-models.js';
import { bringPlanted, type PlantedEnd } from '../../test/support/planted-rollout.js';
import { PlantedUsers } from '../../test/support/planted-users.js';
import { register } from '../../test/support/served-models.js';
import { startServe } from '../../test/support/served-store.js';
import type { Results } from './page.js';

const TITLES: Record<Fault | 'crash', string> = {
  good: 'nothing (control)',
  slow: 'slow: tens of ms more',
  wrong: 'wrong class for a quarter',
  miscalibrated: 'as right as before, and sure of it at 99.99 %',
  failing: 'fails on a tenth',
  crash: 'its process is killed about once a second',
  leak: 'its memory grows by 20 KB a request',
  slice: 'wrong for 45 % of those on phones, a fifth of all',
};

/** Faults planted into models, brought into traffic of a real `ballast serve`: how fast each is rolled back, at whose cost. */
export const results: Results = {
  async page({ quick, tell }) {
    const folder = await mkdtemp(join(tmpdir(), 'ballast-faults-'));
    try {
      await using store = await openStore(join(folder, '.ballast'));
      await register(store, 'planted', planted('good'), ...FAULTS.map(planted));
      await store.setAlias('planted', 'champion', 1);
      await using serve = await startServe(folder, '--models', 'planted');
      const users = new PlantedUsers(serve.url, 'planted', { count: 6, pauseMs: 15 });
      const rows: string[] = [];
      try {
        await users.more(1500);
        for (const fault of quick ? (['wrong'] as const) : ([...FAULTS, 'crash'] as const)) {
          const ends: PlantedEnd[] = [];
          for (const weight of [0, 0.2]) {
            users.restart();
            const baseline = new Set(serve.children());
            ends.push(
              await bringPlanted({
                ...{ folder, serve, users, model: 'planted', weight, withinMs: fault === 'good' ? 60_000 : 240_000 },
                version: 2 + (fault === 'crash' ? 0 : FAULTS.indexOf(fault)),
                meanwhile:
                  fault === 'crash' ? () => killSome(serve.children().filter((id) => !baseline.has(id))) : undefined,
              }),
            );
            tell(`${fault} at ${weight}: ${ends.at(-1)?.state} ${ends.at(-1)?.seconds} s: ${ends.at(-1)?.reason}`);
          }
          rows.push(rowOf(fault, ends, bound(users)));
        }
      } finally {
        await users.stop();
      }
      const text = textOf(rows, users.seen.length, users.seen.filter(({ failed }) => failed).length);
      return `${text}\n${noteOn(loadavg()[1])}`;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const noteOn = (
  load: number,
): string => `A shadow is answered after the users, when they ask again: how long that takes says how busy the machine is. In shadow latency is
therefore the time in the model's process, waiting for a processor left out, and the control stays where other work keeps the
processors busy (this page: load ${load.toFixed(1)} on ${availableParallelism()} processors, this program's own among it). On split traffic both arms wait alike,
and what users wait is compared. The leak takes no time that the latency would see; it is found by what its process holds after 1,000
answers or more. A process that is killed is replaced at once by one that waits; at 20 % that is a failure of a few in a thousand answers, which may be
less than the 0.5 points that \`failures\` allows: then it is not rolled back. In shadow, the first step unless told otherwise, it is.
`;

function killSome(processIds: readonly number[]): void {
  for (const id of processIds) {
    if (Math.random() > 0.1) continue;
    try {
      process.kill(id, 'SIGKILL');
    } catch {
      // It ended meanwhile.
    }
  }
}

/** What users of the baseline wait at most, in 99 of 100, and a quarter more, ms. */
function bound({ seen }: PlantedUsers): number {
  const sorted = seen.flatMap(({ version, ms }) => (version === '1' ? [ms] : [])).sort((a, b) => a - b);
  return 1.25 * sorted[Math.floor(0.99 * (sorted.length - 1))];
}

function rowOf(fault: Fault | 'crash', [shadow, canary]: readonly PlantedEnd[], longestMs: number): string {
  const harmed = (end: PlantedEnd): number =>
    end.failed + end.met.filter(({ otherwise, ms }) => fault === 'miscalibrated' || otherwise || ms > longestMs).length;
  const by = ({ state, reason }: PlantedEnd): string =>
    state === 'rolled-back' ? reason.replace(/ is worse than allowed.*$/, '') : `not: ${state}`;
  const of = (end: PlantedEnd): string =>
    `${by(end)} | ${end.state === 'rolled-back' ? end.seconds.toFixed(1) : '-'} | ${fault === 'good' ? '-' : harmed(end)}`;
  const followed = canary.state === 'rolled-back' ? `${(canary.followedMs / 1000).toFixed(1)}` : '-';
  return `| ${TITLES[fault]} | ${of(shadow)} | ${of(canary)} of ${canary.met.length} | ${followed} |`;
}

const textOf = (rows: readonly string[], asked: number, failed: number): string => `# Faults, rolled back

Models with a fault planted are brought into the traffic of one \`ballast serve\` by \`ballast rollout start\`, with the SLIs and
error rates that are the default and a look every second; six users ask, and tell the truth a moment later. Each fault once in
shadow, and once as if shadow had been left out: at 20 % of the traffic at once. *Seconds* are from the start to the look that
decided; *harmed* are requests that failed, or that the candidate answered otherwise than the baseline would have, or later than
the baseline's 99th percentile and a quarter (of the miscalibrated one all that it answered); *gone* is how long after that look the
last user met the candidate: a look waits 2 s until all that came before it is written, and servers follow within half a second.

| Fault | shadow: rolled back by | seconds | harmed | 20 %: rolled back by | seconds | harmed, of its answers | gone, s |
| --- | --- | --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

${asked.toLocaleString('en')} requests, ${failed} of them without an answer: what a candidate fails, the live version answers. What counts
is not the seconds but the answers that the evidence needs. A graph keeps no state, so the leak grows by a counter that requests
carry.
`;
