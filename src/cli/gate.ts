import { appendFile } from 'node:fs/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { BallastError } from '../errors.js';
import { openRuntime } from '../graph/runtime/choose.js';
import { chosenLines } from '../reports/chosen-text.js';
import { gateMarkdown, gateText } from '../reports/gate-text.js';
import { terminalOptions } from '../reports/terminal-style.js';
import type { Spec } from '../spec/schema.js';
import { findVersion, isModelReference } from '../store/registry/reference.js';
import type { ModelVersion } from '../store/registry/types.js';
import type { Run, Store } from '../store/types.js';
import { gateEvidence } from '../tuning/gate/evidence.js';
import { GATE_RULES, type GateLimits, type GateRule, judgeGate } from '../tuning/gate/rules.js';
import { chosenFrom } from '../tuning/sweep/chosen-from.js';
import { answer, answerIsNo, type CommonOptions, withCommonOptions } from './output.js';
import { withStore } from './use-store.js';

interface GateOptions extends CommonOptions {
  against?: string;
  holdout: boolean;
  require: GateRule[];
  skip: GateRule[];
  summary?: string;
  maxGap?: number;
  maxEce?: number;
  minWorstClass: number;
  maxUnfairness: number;
  maxCompressionLoss: number;
  maxHoldoutLoss: number;
}

const DEFAULTS = { gap: 0.03, ece: 0.05 } as const;

export function gateCommand(): Command {
  const rules = (names: string, before: GateRule[]): GateRule[] => [...before, ...readRules(names)];
  return withCommonOptions(new Command('gate'))
    .argument('<subject>', 'run (its id or runs:/ID), or models:/NAME/VERSION')
    .option('--against <subject>', 'run or model to hold it against on the holdout; else the champion, or the baseline')
    .option('--no-holdout', 'do not read the holdout; an answer that is kept still counts')
    .option('--require <rules>', 'rules that fail where there is nothing to judge them by', rules, [])
    .option('--skip <rules>', 'rules to leave out', rules, [])
    .option('--summary <file>', 'append a Markdown summary to this file, such as $GITHUB_STEP_SUMMARY')
    .option('--max-gap <value>', 'quality lost from train to validation; else the spec’s, else 0.03', figure)
    .option('--max-ece <value>', 'expected calibration error; else the spec’s, else 0.05', figure)
    .option('--min-worst-class <value>', 'recall of the worst class', figure, 0.5)
    .option('--max-unfairness <value>', 'demographic parity difference between groups', figure, 0.1)
    .option('--max-compression-loss <value>', 'quality lost by compression', figure, 0.03)
    .addOption(
      new Option('--max-holdout-loss <value>', 'quality lost on the holdout; fails where a larger loss is sure')
        .argParser(figure)
        .default(0),
    )
    .addHelpText(
      'after',
      `
Rules: ${GATE_RULES.join(', ')}. Exit code 1 where one fails. The holdout is read once for a run and what it is held
against, and the answer is kept.

Examples:
  ballast gate 3f2a91c0
  ballast gate models:/digits/2 --require manifest,holdout --summary "$GITHUB_STEP_SUMMARY"
`,
    )
    .action(gate);
}

async function gate(reference: string, options: GateOptions): Promise<void> {
  await withStore(options.store, { create: false }, async (store) => {
    const { run, version } = await subjectOf(store, reference);
    const against = await oppositeOf(store, run, version, options.against);
    const runtime = await openRuntime();
    const evidence = await gateEvidence(store, run, { runtime, against, holdout: options.holdout });
    const { require: required, skip: ignored } = options;
    const result = judgeGate(evidence, limitsOf(run, options), { required, ignored });
    const name = version === undefined ? `${run.name} ${run.id.slice(0, 8)}` : `${version.name}/${version.version}`;
    const chosen = await chosenFrom(store, run);
    if (options.summary !== undefined) {
      await appendFile(options.summary, [gateMarkdown(name, result), ...chosenLines(chosen).slice(1), ''].join('\n'));
    }
    if (!result.pass) answerIsNo();
    const document = {
      ...{ run: run.id, against: against?.id ?? null, ...result },
      ...(chosen === undefined ? {} : { chosen }),
    };
    answer(options, document, [gateText(name, result, terminalOptions()), ...chosenLines(chosen)].join('\n'));
  });
}

function limitsOf(run: Run, options: GateOptions): GateLimits {
  const { constraints } = ((run.spec ?? {}) as Partial<Spec>).objectives ?? {};
  return {
    gap: options.maxGap ?? constraints?.gap ?? DEFAULTS.gap,
    ece: options.maxEce ?? constraints?.ece ?? DEFAULTS.ece,
    worstClass: options.minWorstClass,
    fairness: options.maxUnfairness,
    compression: options.maxCompressionLoss,
    holdout: options.maxHoldoutLoss,
  };
}

async function subjectOf(store: Store, reference: string): Promise<{ run: Run; version: ModelVersion | undefined }> {
  if (!isModelReference(reference)) return { run: await store.findRun(reference), version: undefined };
  const version = await findVersion(store, reference);
  if (version.runId === undefined) {
    throw new BallastError('This version came from no run, so that nothing is known of it', {
      code: 'GATE_WITHOUT_RUN',
      place: reference,
      remedy: 'Register it from the run that made it.',
    });
  }
  return { run: await store.getRun(version.runId), version };
}

/** What the subject is held against: what was named, the champion of its model, or the baseline beside its run. */
async function oppositeOf(
  store: Store,
  run: Run,
  version: ModelVersion | undefined,
  named: string | undefined,
): Promise<Run | undefined> {
  if (named !== undefined) return (await subjectOf(store, named)).run;
  if (version !== undefined) {
    const champion = (await store.getModel(version.name)).aliases.champion;
    if (champion !== undefined && champion !== version.version) {
      const { runId } = await store.getVersion(version.name, champion);
      if (runId !== undefined) return store.getRun(runId);
    }
  }
  if (run.groupId === undefined || run.role === 'baseline') return undefined;
  const baselines = await store.listRuns({ groupId: run.groupId, role: 'baseline', status: 'finished' });
  const baseline = baselines.find(({ seed }) => seed === run.seed) ?? baselines[0];
  return baseline === undefined ? undefined : store.getRun(baseline.id);
}

function readRules(names: string): GateRule[] {
  return names.split(',').map((name) => {
    const rule = GATE_RULES.find((each) => each === name.trim());
    if (rule === undefined) throw new InvalidArgumentError(`There are ${GATE_RULES.join(', ')}.`);
    return rule;
  });
}

function figure(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('Give a number.');
  return value;
}
