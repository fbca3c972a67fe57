import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RolloutDocument } from '../../src/rollout/index.js';
import { placeOfKey } from '../../src/serving/traffic/split.js';
import { openStore } from '../../src/store/index.js';
import { ballast } from '../support/command.js';
import { planted } from '../support/planted-models.js';
import { PlantedUsers } from '../support/planted-users.js';
import { register } from '../support/served-models.js';
import { type ServeProcess, startServe } from '../support/served-store.js';

/** A model whose phones and desktops fall to different versions, where users stay with one by their device. */
const SKEWED = ['one', 'uno', 'eins', 'une', 'ena', 'yksi'].find((name) => {
  const [a, b] = ['phone', 'desk'].map((device) => placeOfKey(name, device));
  return Math.min(a, b) < 0.3 && Math.max(a, b) > 0.4;
});
const PATIENCE_MS = 100_000;
const OWN = (name: string, objective: number): string =>
  `slo: [{ name: ${name}, sli: { type: custom, name: ${name} }, objective: ${objective} }]\n`;

describe('a rollout from the command line, at a real server with users', () => {
  const compared = SKEWED ?? 'one';
  let folder: string;
  let serve: ServeProcess;
  let users: PlantedUsers[];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ballast-modes-'));
    await using store = await openStore(join(folder, '.ballast'));
    await register(store, compared, planted('good'), planted('wrong'), planted('good'));
    await register(store, 'budget', planted('good'), planted('good'));
    for (const name of [compared, 'budget']) await store.setAlias(name, 'champion', 1);
    // An objective of its own in place of the defaults: how busy the machine is breaks none.
    await writeFile(join(folder, 'slo.yaml'), OWN('chargebacks', 0.9));
    for (const name of [compared, 'budget']) await command('slo', 'import', 'slo.yaml', '--model', name);
    serve = await startServe(folder, '--models', compared, '--models', 'budget');
    users = [compared, 'budget'].map((name) => new PlantedUsers(serve.url, name, { count: 2, pauseMs: 10 }));
    for (const each of users) await each.more(50);
  });
  afterAll(async () => {
    for (const each of users) await each.stop();
    await serve[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const command = async (...words: string[]) => ballast(folder, ...words);
  const rollout = async (...words: string[]): Promise<RolloutDocument> =>
    (await command('rollout', ...words, '--json')).json<RolloutDocument>();
  async function until(model: string, holds: (document: RolloutDocument) => boolean): Promise<RolloutDocument> {
    for (const start = Date.now(); ; await wait(300)) {
      const document = await rollout('status', model);
      if (holds(document)) return document;
      if (Date.now() - start > PATIENCE_MS) throw new Error(`it does not come: ${JSON.stringify(document)}`);
    }
  }
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return name;
  };

  test('an A/B test ends with the difference and its interval; the split stays until someone takes a side', async () => {
    const sli = '{ type: error, allowed: 0.6, required: unrefuted, slices: false }';
    const step = '{ weight: 0.5, watch: 1s, samples: 100, labels: 200 }';
    const options = await file('ab.yaml', `every: 1s\nsteps: [${step}]\nslis: [${sli}]\n`);
    const begun = await rollout('start', compared, '--candidate', '2', '--mode', 'ab', '--options', options);
    expect(begun).toMatchObject({ mode: 'ab', weights: { 1: 0.5, 2: 0.5 } });
    const ended = await until(compared, ({ state }) => state === 'complete');
    expect(ended.decision?.kind).toBe('result');
    expect(ended.decision?.reason).toMatch(/^error 0\.\d+ \[-?0\.\d+, 0\.\d+\]: (worse|no difference shown)/);
    expect(ended.weights).toEqual({ 1: 0.5, 2: 0.5 });
    expect((await command('rollout', 'status', compared)).stdout).toMatch(
      /Last decision: result, by controller: error/,
    );
    expect((await rollout('promote', compared, '--reason', 'cheaper')).weights).toEqual({ 2: 1 });
    expect((await rollout('roll-back', compared, '--reason', 'but wrong')).weights).toEqual({ 1: 1 });
  });

  test('a canary whose traffic is not that of the live version is not promoted, and told why (X4)', async () => {
    const step = '{ weight: 0.35, watch: 1s, samples: 100 }';
    const options = await file(
      'skewed.yaml',
      `every: 1s\nsteps: [${step}]\nslis: [{ type: failures, required: none }]\n`,
    );
    await rollout('start', compared, '--candidate', '3', '--sticky', 'device', '--options', options);
    const ended = await until(compared, ({ state }) => state === 'inconclusive');
    expect(ended.decision?.reason).toMatch(/^the arms do not see the same traffic \(device=/);
    expect(ended.slis.filter(({ type, verdict }) => type === 'traffic' && verdict === 'regressed')).not.toEqual([]);
    expect((await command('rollout', 'status', compared)).stdout).toMatch(/traffic device=(phone|desk) .*regressed/);
    expect((await rollout('abort', compared, '--reason', 'split at random')).state).toBe('aborted');
  });

  test('the error budget slows, pauses and pages, rolls back after 100 %, and forbids the next', async () => {
    // A minute is counted when it is over.
    async function count(good: number, total: number, ...words: string[]): Promise<void> {
      const at = new Date(Date.now() - 120_000).toISOString();
      const counted = ['--good', `${good}`, '--total', `${total}`, '--at', at, ...words];
      expect(await command('slo', 'count', 'budget', 'chargebacks', ...counted)).toMatchObject({ code: 0 });
    }
    await count(100_000, 100_000, '--at', new Date(Date.now() - 20 * 86_400_000).toISOString());
    const options = await file(
      'budget.yaml',
      'every: 1s\nsteps: [{ weight: 0.5, watch: 1h }, { weight: 1, watch: 1h }]\nslis: [{ type: failures, required: none }]\n',
    );
    await rollout('start', 'budget', '--candidate', '2', '--options', options);
    await count(800, 1000);
    const slowed = await until('budget', ({ burn }) => burn > 1);
    expect(slowed).toMatchObject({ state: 'running', burn: expect.closeTo(2, 6) });
    expect((await command('rollout', 'status', 'budget')).stdout).toContain('burns at 2.0 times its rate');
    await count(100, 1000);
    const paused = await until('budget', ({ state }) => state !== 'running');
    expect(paused).toMatchObject({ state: 'paused', pausedBy: 'budget', weights: { 1: 0.5, 2: 0.5 } });
    expect(paused.decision?.reason).toMatch(/^the error budget burns at 5\.5 times its rate/);
    expect((await command('alerts', 'list', '--json')).stdout).toMatch(/"severity": ?"page"/);
    for (const state of ['running', 'complete']) {
      expect((await rollout('promote', 'budget', '--reason', 'the fault is elsewhere')).state).toBe(state);
    }
    expect((await rollout('status', 'budget')).weights).toEqual({ 2: 1 });
    await users[1].more(20);
    await count(0, 25_000, '--version', '2');
    const back = await until('budget', ({ state }) => state !== 'complete');
    expect(back).toMatchObject({ state: 'rolled-back', weights: { 1: 1 } });
    // An alert of the same may be there already, and stands behind it then.
    expect(back.decision?.reason).toMatch(/^objective chargebacks is being broken by version 2/);
    // The server follows: users meet the baseline again.
    const seen = users[1].seen.length;
    await users[1].more(200);
    expect(users[1].seen.slice(seen).at(-1)?.version).toBe('1');
    const refused = await command('rollout', 'start', 'budget', '--candidate', '2', '--json');
    expect([refused.code, refused.json<{ error: { code: string } }>().error.code]).toEqual([2, 'ROLLOUT_NO_BUDGET']);
    expect((await rollout('start', 'budget', '--candidate', '2', '--force')).state).toBe('running');
  });

  test('no user was left without an answer', () => {
    for (const { seen } of users) expect(seen.filter(({ failed }) => failed)).toEqual([]);
  });
});
