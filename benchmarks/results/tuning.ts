/** Samplers against Optuna's: what the best lacks after 50 and after 100 trials, paired over seeds. */
import { cmaEsSampler, gpSampler, randomSampler, type Sampler, tpeSampler } from '../../src/search/index.js';
import { compareRegret, type RegretComparison } from '../tuning/compare.js';
import { FUNCTIONS } from '../tuning/functions.js';
import { OptunaPeer } from '../tuning/optuna.js';
import { trainings } from '../tuning/trainings.js';
import type { Results } from './page.js';

const SEEDS = 20;
const AT = [50, 100] as const;

interface Pair {
  readonly ours: string;
  readonly sampler: Sampler;
  readonly theirs: string;
  /** Some functions alone, where each suggestion takes long. */
  readonly functions?: readonly string[];
  /** Whether the trainings are run. */
  readonly trains?: boolean;
}

const PAIRS: readonly Pair[] = [
  { ours: 'random', sampler: randomSampler, theirs: 'random' },
  { ours: 'tpe', sampler: tpeSampler(), theirs: 'tpe', trains: true },
  { ours: 'cma-es', sampler: cmaEsSampler(), theirs: 'cma-es', trains: true },
  { ours: 'gp', sampler: gpSampler(), theirs: 'tpe', functions: ['branin', 'hartmann6', 'strengths'], trains: true },
];

export const results: Results = {
  async page({ datasets, quick, tell }) {
    const python = process.env.BALLAST_PYTHON;
    if (python === undefined) throw new Error('BALLAST_PYTHON names no Python with optuna');
    const seeds = quick ? 4 : SEEDS;
    const real = await trainings(datasets);
    const peer = new OptunaPeer(python);
    const rows: string[] = [];
    let [better, worse, level] = [0, 0, 0];
    try {
      for (const { ours, sampler, theirs, functions, trains } of PAIRS) {
        const chosen = FUNCTIONS.filter(({ name }) => functions?.includes(name) ?? true);
        for (const each of trains === true ? [...chosen, ...real] : chosen) {
          tell(`${ours} against ${theirs} on ${each.name}`);
          for (const found of await compareRegret(each, { sampler, peer, peerSampler: theirs }, { at: AT, seeds })) {
            rows.push(rowOf(each.name, ours, theirs, found));
            const verdict = verdictOf(found);
            if (ours === 'random') continue;
            if (verdict === 'nearer') better++;
            else if (verdict === 'further') worse++;
            else level++;
          }
        }
      }
    } finally {
      peer.close();
    }
    return `# Samplers against Optuna

What the best of a sweep lacks to the least value of a function, ours against Optuna's sampler with the same budget, over
${seeds} seeds. The difference is that of decimal logarithms, ours minus theirs, with a 95 % interval over paired seeds: -1 is
a tenth of the regret. Random search against random search shows how much is chance.

Beside random search, of ${better + worse + level} comparisons ours is nearer in ${better}, further in ${worse}, and ${level} cannot be told apart. Optuna's Gaussian
process needs PyTorch, which was not there: absent. Ours is set against its TPE, which is its default.

| function | ours | Optuna's | trials | regret, ours | regret, theirs | log10 difference | |
| --- | --- | --- | ---: | ---: | ---: | ---: | --- |
${rows.join('\n')}

The functions are in \`benchmarks/tuning/functions.ts\`: Branin, Hartmann in six dimensions, Rosenbrock in four, Rastrigin in
three, and two that look like the tuning of regularization, with strengths on logarithmic scales that depend on each other
and a choice of technique that strengths hang on. Two are trainings (\`benchmarks/tuning/trainings.ts\`): ten epochs of a network on
German credit (a table of 20 columns) and on scikit-learn's digits, learning rate and three strengths varied, of which the least
log loss of the validation rows stands for the regret: -0.01 is a loss 2 % lower. \`auto\`, the default of \`ballast sweep\`, is \`gp\` up to 200 trials.
`;
  },
};

function verdictOf({ interval: [low, high] }: RegretComparison): 'nearer' | 'further' | 'level' {
  return high < 0 ? 'nearer' : low > 0 ? 'further' : 'level';
}

function rowOf(name: string, ours: string, theirs: string, found: RegretComparison): string {
  const figure = (value: number): string => String(Number(value.toPrecision(2)));
  const [low, high] = found.interval;
  const verdict = { nearer: 'nearer', further: 'further', level: '' }[verdictOf(found)];
  return `| ${name} | ${ours} | ${theirs} | ${found.trials} | ${figure(found.ours)} | ${figure(found.theirs)} | ${found.difference.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}] | ${verdict} |`;
}
