import { join, resolve } from 'node:path';
import { Command } from 'commander';
import { BallastError } from '../errors.js';
import { interruptible } from './interruptible.js';
import { localFolder } from './local-folder.js';
import { positive } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import type { CandidateReport, S1Report } from './scenarios/s1.js';

interface ScenarioCommandOptions extends CommonOptions {
  factor: number;
  quick?: boolean;
  out?: string;
}

const SCENARIOS: Readonly<Record<string, string>> = {
  s1: 'the canary of an image classifier with a new dropout, and of a planted regression',
};

export function scenarioCommand(): Command {
  return withCommonOptions(new Command('scenario').argument('<name>', Object.keys(SCENARIOS).join(', ')))
    .option('--factor <number>', 'how many times faster the hours of the watch pass', positive, 1440)
    .option('--quick', 'networks without convolutions: that it runs, not how well')
    .option('--out <folder>', 'where its specs and records are written; under the store unless given')
    .addHelpText(
      'after',
      `
Scenarios:
${Object.entries(SCENARIOS)
  .map(([name, what]) => `  ${name}  ${what}`)
  .join('\n')}

Each is a chain of commands that are shown as they run, over a real server with people who use it. Exit 1 where it does not end
as it should. With --factor 1 the watch takes its 24 hours.

Example:
  ballast scenario s1
`,
    )
    .action(scenario);
}

async function scenario(name: string, options: ScenarioCommandOptions): Promise<void> {
  if (!Object.hasOwn(SCENARIOS, name)) {
    throw new BallastError('There is no such scenario', {
      code: 'USAGE',
      value: name,
      remedy: `Scenarios: ${Object.keys(SCENARIOS).join(', ')}`,
    });
  }
  const { runS1 } = await import('./scenarios/s1.js');
  const { signal, stop } = interruptible();
  try {
    const { factor, quick = false, store } = options;
    // Its commands run in the folder.
    const own = store.includes('://') ? store : resolve(store);
    const folder = options.out ?? join(localFolder(store), 'scenarios', name);
    const report = await runS1({ folder, store: own, factor, quick, signal });
    answer(options, report, s1Lines(report));
    if (!report.passed) answerIsNo();
  } finally {
    stop();
  }
}

function s1Lines({ passed, model, candidate, regressed, requests }: S1Report): string {
  return [
    `${model}: ${passed ? 'as it should be' : 'NOT as it should be'}`,
    ...candidateLines('new dropout', candidate),
    ...candidateLines('planted regression', regressed),
    `${requests.answered} requests were answered, ${requests.failed} failed`,
  ].join('\n');
}

function candidateLines(name: string, report: CandidateReport): string[] {
  const { version, gate, replay, stress, state, decisions, answered, wrong } = report;
  return [
    `${name}, version ${version}: ${state}`,
    `  gate ${gate ? 'passed' : 'failed'}; on ${replay.requests} recorded requests: ${replay.verdict}: ${replay.reason}`,
    `  stress: ${stress.requests} requests, p99 ${stress.latencyMs?.p99 ?? '-'} ms, ${(100 * stress.failedShare).toFixed(1)} % failed`,
    ...decisions.map(
      ({ kind, afterMs, reason }) => `  ${(afterMs / 1000).toFixed(0).padStart(4)} s  ${kind}: ${reason}`,
    ),
    `  users had ${answered} answers of it, ${wrong} of them wrong`,
  ];
}
