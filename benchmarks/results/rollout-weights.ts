import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/index.js';
import { line, register } from '../../test/support/served-models.js';
import { startServe } from '../../test/support/served-store.js';
import { rollBackTimes, type StormReport, storm } from '../../test/support/weight-storm.js';
import type { Results } from './page.js';

/** Requests that fail while weights change, roll back and model processes are killed, at a real `ballast serve`. */
export const results: Results = {
  async page({ quick, tell }) {
    const folder = await mkdtemp(join(tmpdir(), 'ballast-weights-'));
    try {
      await using store = await openStore(join(folder, '.ballast'));
      await register(store, 'storm', line(1), line(2), line(3));
      await using serve = await startServe(folder, '--models', 'storm/1');
      const report = await storm({
        ...{
          store,
          model: 'storm',
          versions: 3,
          url: serve.url,
          changes: quick ? 40 : 1000,
          seed: 1,
          clients: 6,
          tell,
        },
        // Servers look at the traffic twice a second: some changes come within one look, most do not.
        everyMs: [50, 700],
        processes: () => serve.children(),
      });
      tell('roll-backs, one by one');
      const calm = { store, model: 'storm', versions: 3, url: serve.url, seed: 2, clients: 6 };
      const times = await rollBackTimes(calm, quick ? 3 : 40);
      return textOf(report, times);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const number = (value: number): string => Math.round(value).toLocaleString('en');

function textOf(
  { weights, rollBacks, kills, requests, failed, byVersion, p99Ms, longestMs }: StormReport,
  times: readonly number[],
): string {
  const sorted = [...times].sort((a, b) => a - b);
  const milliseconds = (p: number): string => `${number(sorted[Math.floor(p * (sorted.length - 1))])} ms`;
  return `# Weights that change under load

One \`ballast serve\` with its time-out of 10 s, three versions of a model (version v answers v times the input), six clients that ask
without a pause and check every answer. Meanwhile, at random and 0.05 to 0.7 s apart: weights of a live version, a candidate and a shadow; roll-backs
to the live version; \`kill -9\` of a process that runs a model, of whichever version and role.

| What | |
| --- | --- |
| changes of weights | ${number(weights)} |
| roll-backs | ${number(rollBacks)} |
| processes killed | ${number(kills)} |
| requests | ${number(requests)} |
| answered by version 1, 2, 3 | ${Object.values(byVersion).map(number).join(', ')} |
| **requests that failed or were answered wrongly** | **${number(failed.length)}** |
| latency: 99 of 100 within | ${number(p99Ms)} ms |
| the longest | ${number(longestMs)} ms |
${failed.length === 0 ? '' : `\nWhat they were told:\n\n${[...new Set(failed)].map((each) => `- ${each}`).join('\n')}\n`}
A request whose process is killed under it runs once more in another process; where the split gave it to a candidate, the live version
answers it at once, and the candidate's failure is in the record. A version is given traffic once a process of it is ready. Once a process ended, the
server keeps another that needs only a model to take the place of the next.

Afterwards, without kills, ${times.length} roll-backs from half of the traffic, one by one: from the change of weights until the last request arose
that the candidate still answered, ${milliseconds(0.5)} in the median, ${milliseconds(1)} at most.
`;
}
