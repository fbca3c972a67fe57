import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { makeFolder } from '../../graph/format/make-folder.js';
import type { RolloutDocument } from '../../rollout/index.js';
import type { ReplayReport } from '../../rollout/replay/replay.js';
import type { StressReport } from '../../rollout/replay/stress.js';
import { milliseconds } from '../../spec/duration-text.js';
import { openStore } from '../../store/open-store.js';
import type { Store } from '../../store/types.js';
import { note } from '../output.js';
import { type Commands, commandsIn } from './commands.js';
import { Users, validationPictures } from './users.js';

export interface ScenarioOptions {
  readonly folder: string;
  readonly store: string;
  /** Hours of the watch pass so many times faster. */
  readonly factor: number;
  /** Networks without convolutions: that it runs, not how well. */
  readonly quick: boolean;
  readonly signal: AbortSignal;
}

/** What became of one candidate. */
export interface CandidateReport {
  readonly version: number;
  readonly runId: string;
  readonly gate: boolean;
  readonly replay: Pick<ReplayReport, 'verdict' | 'reason' | 'requests' | 'labelled'>;
  readonly stress: Pick<StressReport, 'requests' | 'failedShare' | 'latencyMs'>;
  readonly rolloutId: string;
  readonly state: string;
  readonly decisions: readonly { readonly kind: string; readonly afterMs: number; readonly reason: string }[];
  /** Answers that users had of it, and how many of those were wrong. */
  readonly answered: number;
  readonly wrong: number;
}

export interface S1Report {
  readonly scenario: 's1';
  readonly passed: boolean;
  readonly model: string;
  readonly factor: number;
  readonly candidate: CandidateReport;
  readonly regressed: CandidateReport;
  readonly requests: { readonly answered: number; readonly failed: number };
}

const FILES = new URL('../../../scenarios/s1/', import.meta.url);
const MODEL = 's1-digits';
/** Requests that are recorded before anything is replayed. */
const RECORDED = 300;
const POLL_MS = 250;

interface Shown extends RolloutDocument {
  readonly decisions: readonly { readonly at: number; readonly kind: string; readonly reason: string }[];
}

/**
 * The canary of an image classifier with a new dropout. A pipeline trains it, judges it by the gate and registers it; it is held
 * against the live version on recorded requests, stressed, and brought into traffic: 5 %, 50 %, 100 % over a watch of 24 hours.
 * Then the same with a planted regression, of which every test before traffic is passed over: it must be rolled back.
 */
export async function runS1(options: ScenarioOptions): Promise<S1Report> {
  const { folder, store, factor, quick, signal } = options;
  await makeFolder(folder);
  const commands = commandsIn(folder, store, signal);
  for (const name of ['champion', 'candidate', 'regressed']) await copySpec(folder, name, quick);
  const rollout = scaled(await readFile(new URL('rollout.yaml', FILES), 'utf8'), factor);
  await writeFile(join(folder, 'rollout.yaml'), quick ? reduced(rollout) : rollout);

  note('1. The version that is in production');
  const opened = await openStore(store);
  const model = await freeName(opened);
  const champion = await trainAndRegister(commands, model, 'champion');
  await commands.run('models', 'set', model, '--owner', 'vision', '--description', 'Handwritten digits');
  const pictures = await validationPictures(join(folder, 'champion.yaml'), opened);
  await opened.close();
  const server = await commands.serve(
    '--port',
    '0',
    '--models',
    `${model}/${champion.version}`,
    '--record',
    'requests.jsonl',
  );
  const users = new Users({ url: server.url, model, pictures, count: 4, pauseMs: quick ? 50 : 5 });
  try {
    await users.more(RECORDED);
    note('2. A new dropout, brought by a pipeline');
    const setting = { commands, model, url: server.url, users, quick, signal };
    const candidate = await bring('candidate', champion.version, setting);
    note('3. A planted regression, brought although it was refused');
    const live = candidate.state === 'complete' ? candidate.version : champion.version;
    const regressed = await bring('regressed', live, setting);
    await users.stop();
    const { answered, failed } = users;
    return {
      scenario: 's1',
      passed: candidate.state === 'complete' && regressed.state === 'rolled-back' && failed === 0,
      ...{ model, factor, candidate, regressed, requests: { answered, failed } },
    };
  } finally {
    await users.stop();
    await server.stop();
  }
}

interface Setting {
  readonly commands: Commands;
  readonly model: string;
  readonly url: string;
  readonly users: Users;
  readonly quick: boolean;
  readonly signal: AbortSignal;
}

async function bring(
  name: string,
  baseline: number,
  { commands, model, url, users, quick, signal }: Setting,
): Promise<CandidateReport> {
  const { runId, version } = await trainAndRegister(commands, model, name);
  const gate = await commands.run('gate', runId, '--no-holdout', '--max-gap', '0.1', '--max-ece', '0.1');
  await commands.run(
    'models',
    'tag',
    `models:/${model}/${version}`,
    'trigger=ci',
    `gate=${gate.yes ? 'passed' : 'failed'}`,
  );
  const of = [model, '--candidate', `${version}`];
  const beside = ['--baseline', `${baseline}`, '--options', 'rollout.yaml'];
  const recorded = ['--requests', 'requests.jsonl'];
  const { document: replayed } = await commands.run<ReplayReport>(
    ...['rollout', 'replay', ...of, ...beside, ...recorded, '--most', `${RECORDED}`],
  );
  const { document: stressed } = await commands.run<StressReport>(
    ...['rollout', 'stress', ...of, ...recorded, '--rate', '40', '--duration', quick ? '1s' : '3s'],
  );
  const before = users.byVersion.get(`${version}`) ?? { answered: 0, wrong: 0 };
  const started = await commands.run<RolloutDocument>('rollout', 'start', ...of, ...beside);
  const { rolloutId } = started.document;
  const ended = await untilEnded(url, rolloutId, signal);
  const after = users.byVersion.get(`${version}`) ?? before;
  const [first] = ended.decisions;
  const { verdict, reason, requests, labelled } = replayed;
  const { failedShare, latencyMs } = stressed;
  return {
    ...{ version, runId, gate: gate.yes, rolloutId, state: ended.state },
    replay: { verdict, reason, requests, labelled },
    stress: { requests: stressed.requests, failedShare, latencyMs },
    decisions: ended.decisions.map(({ kind, at, reason: why }) => ({ kind, afterMs: at - first.at, reason: why })),
    answered: after.answered - before.answered,
    wrong: after.wrong - before.wrong,
  };
}

/** Follows a rollout to its end over HTTP; each decision is told as it comes. */
async function untilEnded(url: string, id: string, signal: AbortSignal): Promise<Shown> {
  for (let told = 0; ; await sleep(POLL_MS, undefined, { signal })) {
    const shown = (await (await fetch(`${url}/api/v1/rollouts/${id}`)).json()) as Shown;
    for (const { kind, reason } of shown.decisions.slice(told)) note(`  ${kind}: ${reason}`);
    told = shown.decisions.length;
    // What is complete is watched for the guard time.
    if (shown.closedAt !== undefined || shown.state === 'inconclusive') return shown;
  }
}

async function trainAndRegister(
  { run }: Commands,
  model: string,
  name: string,
): Promise<{ runId: string; version: number }> {
  const trained = await run<{ runs: { role: string; runId: string }[] }>('train', `${name}.yaml`);
  const runId = trained.document.runs.find(({ role }) => role === 'model')?.runId ?? '';
  const registered = await run<{ version: number }>('models', 'register', runId, model, '--description', name);
  return { runId, version: registered.document.version };
}

/** A name of the registry that no scenario before this one took. */
async function freeName(store: Store): Promise<string> {
  const taken = new Set((await store.searchModels()).models.map(({ name }) => name));
  for (let i = 1; ; i++) {
    const name = i === 1 ? MODEL : `${MODEL}-${i}`;
    if (!taken.has(name)) return name;
  }
}

async function copySpec(folder: string, name: string, quick: boolean): Promise<void> {
  const text = await readFile(new URL(`${name}.yaml`, FILES), 'utf8');
  const spec = parse(text) as object;
  const small = { ...spec, model: { type: 'mlp', hidden: [64] } };
  await writeFile(join(folder, `${name}.yaml`), quick ? stringify(small) : text);
}

/** A third of the samples, as long as a busy machine takes to answer them; what the small networks are not: calibrated. */
function reduced(text: string): string {
  return text
    .replace(/\b(samples|labels): (\d+)/g, (_, key: string, least: string) => `${key}: ${Math.ceil(Number(least) / 3)}`)
    .replace(/\batMost: \d+s/g, 'atMost: 2m')
    .replace('type: calibration, allowed: 0.1', 'type: calibration, allowed: 0.25');
}

/** Options of a rollout with every time divided by the factor, in whole seconds of at least one. */
function scaled(text: string, factor: number): string {
  return text.replace(/\b(every|guard|watch|atMost): (\d+[smhdw])\b/g, (_, key: string, time: string) => {
    return `${key}: ${Math.max(1, Math.round(milliseconds(time) / factor / 1000))}s`;
  });
}
