import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { derive } from '../../src/numeric/random.js';
import { openStore } from '../../src/store/index.js';
import { KilledControllers } from '../../test/support/killed-controller.js';
import { courseOf, undisturbed } from '../../test/support/killed-rollout.js';
import type { Results } from './page.js';

const CASES = [
  ['as good as the baseline', 0.001],
  ['fails 45 %', 0.45],
] as const;

/** A controller of rollouts, killed -9 at random moments of its work: it decides what it decides undisturbed. */
export const results: Results = {
  async page({ quick, tell }) {
    const kills = quick ? 10 : 200;
    const folder = await mkdtemp(join(tmpdir(), 'ballast-kills-'));
    try {
      await using store = await openStore(folder);
      await using controllers = new KilledControllers(folder, derive(3, 'kills'));
      const rows: string[] = [];
      for (let round = 0; controllers.kills < kills; round++) {
        for (const [name, failed] of CASES) {
          const before = controllers.kills;
          const calm = await courseOf({ store, model: `calm-${round}-${failed}`, failed, advance: undisturbed(store) });
          const killed = await courseOf({
            ...{ store, failed, model: `killed-${round}-${failed}` },
            advance: (id, now) => controllers.advance(id, now, 2),
          });
          const same = isDeepStrictEqual(calm, killed);
          tell(
            `${name}: ${controllers.kills} kills, ${same ? 'the same' : `${JSON.stringify(calm)}\n${JSON.stringify(killed)}`}`,
          );
          rows.push(
            `| ${name} | ${controllers.kills - before} | ${calm.decisions.map((each) => (each as { kind: string }).kind).join(', ')} | ${same ? 'the same' : '**not the same**'} |`,
          );
        }
      }
      return textOf(rows, controllers);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

const textOf = (rows: readonly string[], { kills, survived }: KilledControllers): string => `# Killed controllers

Rollouts of simulated traffic over two minutes, a look every five seconds, in a SQLite store. The controller is a process of its own
that is killed with \`kill -9\` at a moment that is uniform over the time that its work takes, twice at every look, and followed by the
next one. ${kills} were killed at work, ${survived} were done before. Beside it the same rollout, undisturbed in one process: decisions with their
times and reasons, alerts, and the traffic at the end are compared.

| Candidate | killed | decisions | with the killed controllers |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
