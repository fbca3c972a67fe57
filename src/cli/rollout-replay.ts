import { Command } from 'commander';
import { terminalOptions } from '../reports/terminal-style.js';
import { knownLabels, observedRequests, type Recording, readRecording } from '../rollout/replay/recorded.js';
import { type ReplayReport, replay } from '../rollout/replay/replay.js';
import { liveVersion, noBaseline, parseOptions, specOf, versionNumber } from '../rollout/subjects.js';
import { DEFAULT_POLICIES } from '../serving/index.js';
import { loadVersion, type RunSettings } from '../serving/model/served-version.js';
import { readRolloutOptions } from '../spec/read-rollout.js';
import type { Store } from '../store/types.js';
import { interruptible } from './interruptible.js';
import { duration, shareOf, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { replayLines } from './rollout-lines.js';
import { withStore } from './use-store.js';

interface ReplayCommandOptions extends CommonOptions {
  candidate: string;
  baseline?: string;
  requests?: string;
  since: number;
  most: number;
  options?: string;
  alpha?: number;
}

export interface ReplayDocument extends ReplayReport {
  readonly model: string;
  readonly baseline: number;
  readonly candidate: number;
}

/** One request at a time: what a version takes is not what others wait. */
export const ALONE: RunSettings = {
  ...{ workers: 1, threads: 1, batchRows: 1, batchWaitMs: 0 },
  ...{ queue: 4096, timeoutMs: 10_000 },
};
const TELL_EVERY = 500;

export function replayCommand(): Command {
  return withCommonOptions(new Command('replay').argument('<model>'))
    .description('make recorded requests again, of two versions, and judge the candidate; exit 1 where it is worse')
    .requiredOption('--candidate <version>', 'the version that is judged')
    .option('--baseline <version>', 'the version it is compared with; the live one unless given')
    .option('--requests <file>', 'as ballast serve --record writes them; those that the store kept unless given')
    .option('--since <time>', 'of those in the store, the ones of this last time', duration, 7 * 86_400)
    .option('--most <number>', 'requests at most: of the store the newest', wholeNumber(1, 1e6), 10_000)
    .option('--options <file>', 'YAML: SLIs and what they are allowed; over those of the spec it was trained by')
    .option('--alpha <share>', 'probability of refusing a candidate that is within what is allowed', shareOf)
    .addHelpText(
      'after',
      `
Both versions are asked the same, in turns, on this machine; nobody sees the answers. Labels come from the file (a key
"label" in its lines) and from what the store knows of the predictions.

Example:
  ballast serve --models fraud --record requests.jsonl
  ballast rollout replay fraud --candidate 4 --requests requests.jsonl
`,
    )
    .action(replayRequests);
}

async function replayRequests(model: string, options: ReplayCommandOptions): Promise<void> {
  const { most, since, requests } = options;
  const file = options.options === undefined ? {} : await readRolloutOptions(options.options);
  await withStore(options.store, { create: false }, async (store) => {
    const { baseline, candidate } = await versionsOf(store, model, options);
    const runId = (await store.getVersion(model, candidate)).runId;
    const spec = runId === undefined ? undefined : await specOf(store, runId);
    const rollout = parseOptions({
      ...{ ...spec?.rollout, ...file },
      ...(options.alpha === undefined ? {} : { alpha: options.alpha }),
    });
    const recording =
      requests === undefined
        ? await observedRequests(store, model, Date.now() - 1000 * since, most)
        : await recordedIn(store, model, requests, most);
    note(`${recording.requests.length} requests, ${recording.labels.size} labels`);
    const { signal, stop } = interruptible();
    const load = (version: number) => loadVersion(store, model, version, ALONE, DEFAULT_POLICIES);
    const served = [];
    try {
      for (const version of [baseline, candidate]) served.push(await load(version));
      const [one, other] = served;
      const report = await replay(
        { baseline: one, candidate: other, ...(spec?.task === undefined ? {} : { task: spec.task }) },
        recording,
        {
          ...{ options: rollout, signal },
          onProgress(done) {
            if (done % TELL_EVERY === 0) note(`${done} of ${recording.requests.length}`);
          },
        },
      );
      const { verdict, reason } = report;
      await store.audit({
        action: 'rollout.replay',
        subject: `models:/${model}/${candidate}`,
        details: { baseline, verdict, reason, requests: report.requests },
      });
      const document: ReplayDocument = { model, baseline, candidate, ...report };
      answer(options, document, replayLines(document, terminalOptions()));
      if (verdict === 'roll-back') answerIsNo();
    } finally {
      stop();
      for (const { runner } of served) await runner.close();
    }
  });
}

async function versionsOf(
  store: Store,
  model: string,
  options: ReplayCommandOptions,
): Promise<{ baseline: number; candidate: number }> {
  const named = options.baseline === undefined ? await liveVersion(store, model) : versionNumber(options.baseline);
  if (named === undefined) throw noBaseline(model);
  const [baseline, candidate] = [
    await store.getVersion(model, named),
    await store.getVersion(model, versionNumber(options.candidate)),
  ];
  return { baseline: baseline.version, candidate: candidate.version };
}

/** Of a file, with the labels that the store knows of its predictions. */
async function recordedIn(store: Store, model: string, path: string, most: number): Promise<Recording> {
  const { requests, labels } = await readRecording(path, most);
  return { requests, labels: new Map([...(await knownLabels(store, model, MOST_LABELS)), ...labels]) };
}

/** Newest labels of the store that are looked through. */
const MOST_LABELS = 100_000;
