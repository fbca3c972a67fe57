import { binomialSf } from '../../src/numeric/distributions/binomial.js';
import { SLI_CASES, simulateSli } from '../../test/support/sli-simulation.js';
import type { Results } from './page.js';

const ALPHA = 0.05;
const ANSWERS = 4000;

/** Error rates of each kind of SLI by simulation, at the very edge of what is allowed, and how soon what is beyond it is found. */
export const results: Results = {
  async page({ quick, tell }) {
    const rounds = quick ? 40 : 4000;
    const rows: string[] = [];
    for (const each of SLI_CASES) {
      tell(each.name);
      const setting = { rounds, answers: ANSWERS, weight: 0.5, alpha: ALPHA };
      const wrong = simulateSli(each, { ...setting, worse: each.allowed }).rolledBack.length;
      const equal = simulateSli(each, { ...setting, rounds: rounds / 4, worse: 0 }).rolledBack.length;
      const found = simulateSli(each, { ...setting, rounds: quick ? 11 : 301, answers: 60_000, worse: each.beyond });
      const held = binomialSf(wrong - 1, rounds, ALPHA) > 0.01;
      const middle = [...found.rolledBack].sort((a, b) => a - b)[Math.floor((found.rounds - 1) / 2)];
      rows.push(
        `| ${each.name} | ${percent(wrong / rounds)} (${held ? 'held' : 'NOT held'}) | ${percent((4 * equal) / rounds)} | ${percent(each.allowed)} | ${percent(each.beyond)} | ${middle?.toLocaleString('en') ?? 'not within 30,000'} |`,
      );
    }
    return `# Rollouts: the error rate of each SLI

Simulated rollouts on split traffic, half of it the candidate's, ${ANSWERS.toLocaleString('en')} answers, each SLI by itself at alpha 5 %, looked at after
every answer. *At the edge* the candidate is worse by exactly what is allowed, of every class at once: no rollout that must not be rolled
back is nearer to it. *Held*: a one-sided binomial test at 1 % does not reject that the rate is 5 % at most (${rounds.toLocaleString('en')} rollouts; of
equal arms a quarter of them). *Found*: the median of the candidate's answers until it is rolled back, where it is worse by *beyond*
(of recall in one class; late labels: the answers given by then, labelled or not).

| SLI | rolled back wrongly at the edge | equal arms | allowed | beyond | found after |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

The whole rollout spends alpha once: it is divided over SLIs, their classes and slices, and steps beforehand. How the tests themselves compare with
a fixed test, and the figures of the default division: [error rates](rollout.md).
`;
  },
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
