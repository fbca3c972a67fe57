import { Command } from 'commander';
import { type Explanation, explain, explanations } from '../diagnosis/guidance/explain.js';
import { type PlanDay, type Progress, sevenDays } from '../diagnosis/guidance/plan.js';
import { NEIGHBOURS, QUESTIONS } from '../diagnosis/guidance/terms.js';
import { BallastError } from '../errors.js';
import type { Store } from '../store/types.js';
import { answer, type CommonOptions, withCommonOptions } from './output.js';
import { storeExists, withStore } from './use-store.js';

/** Pages beside the terms. */
const PAGES = ['terms', 'neighbours', 'questions', 'plan'] as const;

export function explainCommand(): Command {
  return withCommonOptions(new Command('explain'))
    .argument('[term]', `a term, a regularizer, a finding (F1), or a page: ${PAGES.join(', ')}`, 'terms')
    .addHelpText(
      'after',
      `
terms: all that is explained; neighbours: what is confused with regularization; questions: what is asked most, and the
command that shows the answer; plan: seven days from data to a model, ticked by what the store shows.

Examples:
  ballast explain calibration
  ballast explain F2
  ballast explain plan
`,
    )
    .action(async (term: string, options: CommonOptions) => {
      switch (term) {
        case 'terms':
          return listTerms(options);
        case 'neighbours':
          return answer(
            options,
            NEIGHBOURS,
            NEIGHBOURS.map(({ term, difference }) => `${term}\n  ${difference}`).join('\n\n'),
          );
        case 'questions':
          return answer(
            options,
            QUESTIONS,
            QUESTIONS.map((each) => `${each.question}\n  ${each.answer}\n  $ ${each.command}`).join('\n\n'),
          );
        case 'plan':
          // Before the first training there is no store, and nothing is done.
          if (!(await storeExists(options.store))) return tellPlan(NOTHING, options);
          return withStore(options.store, { create: false }, async (store) =>
            tellPlan(await progressIn(store), options),
          );
        default:
          return showTerm(term, options);
      }
    });
}

function listTerms(options: CommonOptions): void {
  const all = explanations();
  const kinds = ['term', 'neighbour', 'regularizer', 'finding'] as const;
  const lines = kinds.map((kind) => {
    const names = all.filter((each) => each.kind === kind).map(({ term }) => term);
    return `${kind}s: ${names.join(', ')}`;
  });
  answer(options, all, lines.join('\n\n'));
}

function showTerm(term: string, options: CommonOptions): void {
  const found = explain(term);
  if (found.length === 0) {
    throw new BallastError(`there is no explanation of "${term}"`, {
      code: 'EXPLAIN_UNKNOWN',
      remedy: 'ballast explain lists all terms',
    });
  }
  answer(options, found, found.map(text).join('\n\n'));
}

function text(explanation: Explanation): string {
  const { term } = explanation;
  if (explanation.kind === 'neighbour') return `${term} (a neighbour of regularization)\n  ${explanation.difference}`;
  const lines = [term, `  ${explanation.definition}`];
  if (explanation.kind === 'term') lines.push(`  Why: ${explanation.why}`, `  Pitfall: ${explanation.pitfall}`);
  if (explanation.kind === 'finding')
    lines.push(`  To do: ${explanation.remedy}`, `  Refuted by: ${explanation.refutedBy}`);
  return [...lines, `  $ ${explanation.command}`].join('\n');
}

const NOTHING: Progress = { trained: 0, ablations: 0, seeds: 0, holdoutReads: 0 };

async function progressIn(store: Store): Promise<Progress> {
  const runs = await store.listRuns({ status: 'finished', limit: 10_000 });
  const seeds = new Map<string, Set<number>>();
  for (const { groupId, seed, role } of runs) {
    if (groupId === undefined || seed === undefined || role !== 'model') continue;
    seeds.set(groupId, (seeds.get(groupId) ?? new Set()).add(seed));
  }
  return {
    trained: runs.length,
    ablations: runs.filter(({ role }) => role === 'ablation').length,
    seeds: Math.max(0, ...[...seeds.values()].map(({ size }) => size)),
    holdoutReads: (await store.holdoutReads()).length,
  };
}

function tellPlan(progress: Progress, options: CommonOptions): void {
  const days = sevenDays(progress);
  const legend = '[x] done by this store, [ ] not yet, [?] leaves no trace in it';
  answer(options, days, [...days.map(line), '', legend].join('\n'));
}

function line({ day, goal, command, done }: PlanDay): string {
  const mark = done === undefined ? '[?]' : done ? '[x]' : '[ ]';
  return `${mark} day ${day}  ${goal}\n           $ ${command}`;
}
