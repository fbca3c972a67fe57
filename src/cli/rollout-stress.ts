import { Command } from 'commander';
import { formatNumber } from '../charts/index.js';
import { BallastError } from '../errors.js';
import { readRecording } from '../rollout/replay/recorded.js';
import { type StressReport, stress } from '../rollout/replay/stress.js';
import { syntheticRows } from '../rollout/replay/synthetic.js';
import { versionNumber } from '../rollout/subjects.js';
import { DEFAULT_POLICIES, outputJson } from '../serving/index.js';
import { loadVersion, type ServedVersion } from '../serving/model/served-version.js';
import type { Tensors } from '../serving/worker/messages.js';
import { interruptible } from './interruptible.js';
import { duration, positive, shareOf, wholeNumber } from './option-values.js';
import { answer, answerIsNo, type CommonOptions, note, withCommonOptions } from './output.js';
import { ALONE } from './rollout-replay.js';
import { withStore } from './use-store.js';

interface StressCommandOptions extends CommonOptions {
  candidate: string;
  rate: number;
  duration: number;
  requests?: string;
  url?: string;
  workers: number;
  failures: number;
  p99Ms?: number;
  seed: number;
}

/** Rows that are asked over and over. */
const ROWS = 500;

export function stressCommand(): Command {
  return withCommonOptions(new Command('stress').argument('<model>'))
    .description('ask a version at a rate that does not wait for it; exit 1 where it fails or is too slow')
    .requiredOption('--candidate <version>', 'the version')
    .option('--rate <number>', 'requests a second, at random moments', positive, 50)
    .option('--duration <time>', 'for so long', duration, 30)
    .option('--requests <file>', 'as ballast serve --record writes them; made up unless given')
    .option('--url <url>', 'a server of Ballast that serves it; in processes of this command unless given')
    .option('--workers <number>', 'without --url: processes that run it', wholeNumber(1, 64), 1)
    .option('--failures <share>', 'failures that are allowed', shareOf, 0)
    .option('--p99-ms <number>', 'the 99th percentile of the latency that is allowed', positive)
    .option('--seed <number>', 'of made-up requests and of the moments', wholeNumber(0, 2 ** 31), 1)
    .addHelpText(
      'after',
      `
Made-up rows hold, in each column, anything between the least and the largest value of training. Latencies count from the
moment a request was due, so that what waits behind others is seen. With --url the answers are traffic of that server.

Example:
  ballast rollout stress fraud --candidate 4 --rate 200 --duration 1m --p99-ms 50
`,
    )
    .action(stressVersion);
}

async function stressVersion(model: string, options: StressCommandOptions): Promise<void> {
  const { rate, duration: seconds, seed, url, failures, p99Ms } = options;
  const version = versionNumber(options.candidate);
  await withStore(options.store, { create: false }, async (store) => {
    const settings = { ...ALONE, workers: options.workers };
    const served = await loadVersion(store, model, version, settings, DEFAULT_POLICIES);
    const { signal, stop } = interruptible();
    try {
      const rows = await rowsOf(served, options);
      const ask = url === undefined ? runOf(served, rows) : postOf(url, served, rows);
      const report = await stress(ask, {
        ...{ rate, seconds, seed, signal },
        ...(url === undefined ? { processIds: () => served.runner.processIds } : {}),
        onProgress: ({ sent, failed, waiting }) => note(`${sent} asked, ${failed} failed, ${waiting} wait`),
      });
      const broken = limitsBroken(report, failures, p99Ms);
      await store.audit({
        action: 'rollout.stress',
        subject: `models:/${model}/${version}`,
        details: { requests: report.requests, failedShare: report.failedShare, latencyMs: report.latencyMs, broken },
      });
      answer(
        options,
        { model, version, rate, made: options.requests === undefined ? 'synthetic' : 'recorded', ...report, broken },
        stressLines(`${model}/${version}`, report, broken),
      );
      if (broken.length > 0) answerIsNo();
    } finally {
      stop();
      await served.runner.close();
    }
  });
}

async function rowsOf(served: ServedVersion, { requests, seed }: StressCommandOptions): Promise<Tensors[]> {
  if (requests === undefined) return syntheticRows(served, ROWS, seed);
  const recorded = (await readRecording(requests, ROWS)).requests.map((each) => each.feedsFor(served));
  if (recorded.length > 0) return recorded;
  throw new BallastError('There are no requests in this file', { code: 'REPLAY_EMPTY', place: requests });
}

const runOf =
  ({ runner, checks, model }: ServedVersion, rows: readonly Tensors[]) =>
  (i: number): Promise<unknown> =>
    runner.run(
      checks.apply(rows[i % rows.length]).feeds,
      model.outputs.map(({ name }) => name),
      { again: false },
    );

function postOf(
  url: string,
  { name, version }: ServedVersion,
  rows: readonly Tensors[],
): (i: number) => Promise<unknown> {
  const bodies = rows.map((feeds) =>
    JSON.stringify({ inputs: Object.entries(feeds).map(([input, tensor]) => outputJson(input, tensor)) }),
  );
  const address = new URL(
    `v2/models/${encodeURIComponent(name)}/versions/${version}/infer`,
    `${url.replace(/\/*$/, '')}/`,
  );
  return async (i) => {
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: bodies[i % bodies.length],
    });
    const text = await response.text();
    if (!response.ok) throw new BallastError(text.slice(0, 200), { code: `HTTP_${response.status}` });
  };
}

function limitsBroken({ failedShare, latencyMs }: StressReport, failures: number, p99Ms: number | undefined): string[] {
  return [
    ...(failedShare > failures ? [`${percent(failedShare)} failed, ${percent(failures)} are allowed`] : []),
    ...(p99Ms !== undefined && latencyMs !== null && latencyMs.p99 > p99Ms
      ? [`p99 ${latencyMs.p99} ms, ${p99Ms} are allowed`]
      : []),
  ];
}

function stressLines(name: string, report: StressReport, broken: readonly string[]): string {
  const { requests, answered, failed, seconds, throughput, latencyMs, memory, interrupted } = report;
  const faults = Object.entries(failed).map(([what, times]) => `${what} ${times}`);
  const megabytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  return [
    `${name}: ${requests} requests in ${seconds} s, ${answered} answered (${throughput} a second)${interrupted ? ' (interrupted)' : ''}`,
    ...(latencyMs === null
      ? []
      : [
          `latency  p50 ${latencyMs.p50} ms, p95 ${latencyMs.p95} ms, p99 ${latencyMs.p99} ms, longest ${latencyMs.max} ms`,
        ]),
    `failed   ${faults.length === 0 ? 'none' : faults.join(', ')}`,
    ...(memory === null ? [] : [`memory   ${megabytes(memory.before)} before, ${megabytes(memory.after)} after`]),
    ...broken.map((each) => `too much: ${each}`),
  ].join('\n');
}

const percent = (share: number): string => formatNumber(share, 'percent');
