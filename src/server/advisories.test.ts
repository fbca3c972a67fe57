/**
 * The requests of MLflow's published advisories, replayed: each is refused, and nothing outside the store is read, written
 * or removed.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askRaw, type RawAnswer } from '../../test/support/ask-raw.js';
import { ballast } from '../../test/support/command.js';
import { openStore, type Store } from '../store/index.js';
import { type RunningServer, startServer } from './index.js';

const SECRET = 'not to be read';
const TREE = '/api/2.0/mlflow-artifacts/artifacts';

let folder: string;
let secret: string;
let store: Store;
let server: RunningServer;
let run: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballast-advisories-'));
  secret = join(folder, 'secret.txt');
  await writeFile(secret, SECRET);
  store = await openStore(join(folder, 'store'), { thread: true });
  server = await startServer({ store, port: 0 });
  run = await store.createRemoteRun({ experimentId: 0, name: 'run', tags: {}, startedAt: new Date() });
  await store.putArtifact(run, 'kept.txt', Buffer.from('kept'));
});

afterAll(async () => {
  await server.stop();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = (method: string, path: string, body?: unknown): Promise<RawAnswer> =>
  askRaw(server.url, method, path, body === undefined ? {} : { body });
const api = (method: string, path: string, body?: unknown): Promise<RawAnswer> =>
  ask(method, `/api/2.0/mlflow/${path}`, body);

function expectRefused(answer: RawAnswer, what: string): void {
  expect(answer.status, what).toBeGreaterThanOrEqual(400);
  expect(answer.status, what).toBeLessThan(500);
  expect(answer.body, what).not.toContain(SECRET);
}

/** The ways out of a folder that the advisories try, and their relatives. */
function escapes(target: string): string[] {
  const up = '../'.repeat(12);
  const way = `${up}${target.slice(1)}`;
  return [
    way,
    target,
    `/${target}`,
    `./${way}`,
    way.replaceAll('/', '%2f'),
    way.replaceAll('.', '%2e'),
    way.replaceAll('.', '%252e').replaceAll('/', '%252f'),
    way.replaceAll('/', '\\'),
    way.replaceAll('/', '%5c'),
    `..;/${way}`,
    `%00/${way}`,
    `a/../../${way}`,
  ];
}

describe('paths out of the store', () => {
  test('CVE-2024-1560, CVE-2024-1594: by the artifact proxy, encoded once or twice', async () => {
    for (const way of escapes(secret)) {
      for (const root of ['', `0/${run}/artifacts/`, `0/${run}/`, 'registered/1/1/']) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          expectRefused(
            await ask(method, `${TREE}/${root}${way}`, method === 'PUT' ? 'x' : undefined),
            `${method} ${root}${way}`,
          );
        }
        const listed = await ask('GET', `${TREE}?path=${encodeURIComponent(`${root}${way}`)}`);
        expect(listed.body, way).not.toContain('is_dir');
      }
    }
    expect(readFileSync(secret, 'utf8')).toBe(SECRET);
    expect((await store.listArtifacts(run)).map(({ path }) => path)).toEqual(['kept.txt']);
  });

  test('by the list of a run’s artifacts, and by uploads in parts', async () => {
    for (const way of escapes(secret)) {
      const listed = await api('GET', `artifacts/list?run_id=${run}&path=${encodeURIComponent(way)}`);
      expect(listed.body, way).not.toContain('is_dir');
      const begun = await ask('POST', `/api/2.0/mlflow-artifacts/mpu/create/${way}`, { path: way, num_parts: 1 });
      expectRefused(begun, way);
    }
    const part = await ask('PUT', `/api/2.0/mlflow-artifacts/mpu/parts/${'A'.repeat(43)}/..%2f..%2fx`, 'x');
    expectRefused(part, 'a part of no upload');
  });

  test('CVE-2024-3848, CVE-2024-1594: by the artifact location of an experiment', async () => {
    for (const location of [
      `http:///#${'/..'.repeat(8)}${secret}`,
      `mlflow-artifacts:/#${'/..'.repeat(8)}${secret}`,
      `file://${folder}`,
      folder,
      'mlflow-artifacts:/../..',
      'dbfs:/x?y#/../..',
    ]) {
      expectRefused(
        await api('POST', 'experiments/create', { name: `at ${location}`, artifact_location: location }),
        location,
      );
      expect(await store.findExperiment(`at ${location}`)).toBeUndefined();
    }
  });

  test('CVE-2024-1558, GHSA-5cvj-7rg6-jggj: by the source of a version and by the name of a model', async () => {
    await store.createModel('model');
    for (const source of [
      ...escapes(folder),
      `file://${folder}`,
      `//proc/self/root${folder}`,
      `runs:/${run}/../../..${folder}`,
      `runs:/${run}/kept.txt#/../..`,
      `mlflow-artifacts:/0/${run}/artifacts/../../..${folder}`,
      `mlflow-artifacts:/0/${run}/artifacts/%2e%2e/%2e%2e`,
      `http://169.254.169.254/latest/meta-data/`,
      `models:/model/../../x`,
    ]) {
      expectRefused(await api('POST', 'model-versions/create', { name: 'model', source }), source);
    }
    for (const name of ['../model', 'a/../../b', folder, '..', 'a\\b', 'a%2f..%2fb', 'a#b', 'a?b']) {
      expectRefused(await api('POST', 'registered-models/create', { name }), name);
    }
    expect((await store.searchVersions()).versions).toEqual([]);
  });
});

describe('CVE-2024-4263: rights', () => {
  test('who may only read removes and writes nothing, and who is not known reads nothing', async () => {
    const path = join(folder, 'with-users');
    await using own = await openStore(path, { thread: true });
    const guarded = await own.createRun({
      ...{ name: 'r', kind: 'train', spec: {}, seed: 1, datasetName: null, dataVersion: null },
      ...{ regularizerId: null, manifest: {}, environment: {}, experiment: 'guarded' },
    });
    await own.putArtifact(guarded, 'a.txt', Buffer.from(SECRET));
    await own.finishRun(guarded, 'finished');
    const experiment = await own.experimentOfRun(guarded);
    const tokens: Record<string, string> = {};
    for (const role of ['viewer', 'editor', 'deployer', 'admin'] as const) {
      await own.putUser(role, role);
      tokens[role] = await own.createToken(role, { label: 'test', seconds: 60 });
    }
    await own.setPassword('viewer', 'correct horse battery');
    const other = await startServer({ store: own, port: 0 });
    const as = (user: string | undefined, method: string, to: string, body?: unknown) =>
      askRaw(other.url, method, to, {
        ...(body === undefined ? {} : { body }),
        headers: user === undefined ? {} : { authorization: user.includes(' ') ? user : `Bearer ${tokens[user]}` },
      });
    const artifact = `${TREE}/${experiment}/${guarded}/artifacts/a.txt`;
    const create = '/api/2.0/mlflow/experiments/create';
    try {
      for (const user of [
        undefined,
        'Bearer blt_guess',
        'Bearer ',
        'Basic !!',
        `Basic ${Buffer.from('viewer:wrong').toString('base64')}`,
      ]) {
        const answer = await as(user, 'GET', artifact);
        expect([answer.status, answer.body.includes(SECRET)], user ?? 'nobody').toEqual([401, false]);
      }
      const basic = `Basic ${Buffer.from('viewer:correct horse battery').toString('base64')}`;
      expect((await as(basic, 'GET', artifact)).body).toBe(SECRET);
      expect((await as('viewer', 'GET', artifact)).body).toBe(SECRET);
      for (const [method, to, body] of [
        ['DELETE', artifact],
        ['PUT', artifact, 'x'],
        ['POST', '/api/2.0/mlflow/runs/delete', { run_id: guarded }],
        ['POST', '/api/2.0/mlflow/runs/set-tag', { run_id: guarded, key: 'a', value: 'b' }],
        ['POST', create, { name: 'mine' }],
        ['POST', '/api/2.0/mlflow/registered-models/create', { name: 'mine' }],
      ] as const) {
        const answer = await as('viewer', method, to, body);
        expect([answer.status, JSON.parse(answer.body)], to).toEqual([
          403,
          expect.objectContaining({ error_code: 'PERMISSION_DENIED' }),
        ]);
      }
      expect(Buffer.from(await (await own.openArtifact(guarded, 'a.txt')).bytes()).toString()).toBe(SECRET);
      // A grant to everyone closes the experiment; one to a user opens it to that user.
      await own.grant({ kind: 'experiment', id: experiment }, '*', 'none');
      for (const user of ['viewer', 'editor', 'deployer']) {
        expect((await as(user, 'GET', artifact)).status).toBe(403);
        const search = await as(user, 'POST', '/api/2.0/mlflow/runs/search', { experiment_ids: [String(experiment)] });
        expect(JSON.parse(search.body)).toEqual({ runs: [] });
      }
      await own.grant({ kind: 'experiment', id: experiment }, 'editor', 'read');
      expect((await as('editor', 'GET', artifact)).body).toBe(SECRET);
      expect((await as('editor', 'DELETE', artifact)).status).toBe(403);
      expect((await as('admin', 'GET', artifact)).body).toBe(SECRET);
      // Registering serves files under the model's permissions: they must be readable to who registers.
      await own.createModel('m');
      const version = { name: 'm', source: `runs:/${guarded}/a.txt` };
      expect((await as('deployer', 'POST', '/api/2.0/mlflow/model-versions/create', version)).status).toBe(403);
      expect((await as('editor', 'POST', '/api/2.0/mlflow/model-versions/create', version)).status).toBe(200);
      const alias = { name: 'm', alias: 'champion', version: '1' };
      expect((await as('editor', 'POST', '/api/2.0/mlflow/registered-models/alias', alias)).status).toBe(403);
      expect((await as('deployer', 'POST', '/api/2.0/mlflow/registered-models/alias', alias)).status).toBe(409);
      expect((await own.auditLog({ action: 'model.register' }))[0]).toMatchObject({ actor: 'editor' });
      // Who made a model manages it, and does not release it; a grant to deploy lets one.
      const made = { name: 'made' };
      expect((await as('editor', 'POST', '/api/2.0/mlflow/registered-models/create', made)).status).toBe(200);
      const of = { ...version, name: 'made' };
      expect((await as('editor', 'POST', '/api/2.0/mlflow/model-versions/create', of)).status).toBe(200);
      const move = { ...alias, name: 'made' };
      expect((await as('editor', 'POST', '/api/2.0/mlflow/registered-models/alias', move)).status).toBe(403);
      await own.grant({ kind: 'model', id: (await own.getModel('made')).id }, 'editor', 'deploy');
      expect((await as('editor', 'POST', '/api/2.0/mlflow/registered-models/alias', move)).status).toBe(409);
      // Who did what is for administrators.
      expect((await as('deployer', 'GET', '/api/v1/audit')).status).toBe(403);
      const audit = await as('admin', 'GET', '/api/v1/audit?action=access.grant&limit=1');
      expect(JSON.parse(audit.body)).toEqual({
        events: [expect.objectContaining({ subject: expect.stringMatching(/^models\//), action: 'access.grant' })],
      });
      expect((await as('admin', 'GET', '/api/v1/audit?limit=0')).status).toBe(400);
      // A revoked token is no token; wrong passwords are not tried without end.
      await own.revokeToken(tokens.admin ?? '');
      expect((await as('admin', 'GET', artifact)).status).toBe(401);
      const guesses: number[] = [];
      for (let i = 0; i < 6; i++) {
        guesses.push((await as(`Basic ${Buffer.from(`admin:guess${i}`).toString('base64')}`, 'GET', artifact)).status);
      }
      expect(guesses).toEqual([401, 401, 401, 401, 401, 429]);
    } finally {
      await other.stop();
    }
  });

  test('a login is a cookie that scripts cannot read and other sites do not send', async () => {
    await using own = await openStore(join(folder, 'login'), { thread: true });
    await own.putUser('ann', 'editor');
    await own.setPassword('ann', 'correct horse battery');
    const other = await startServer({ store: own, port: 0 });
    try {
      const wrong = await askRaw(other.url, 'POST', '/api/v1/login', { body: { name: 'ann', password: 'guess' } });
      expect(wrong.status).toBe(401);
      const login = await askRaw(other.url, 'POST', '/api/v1/login', {
        body: { name: 'ann', password: 'correct horse battery' },
      });
      const [set] = login.headers['set-cookie'] as string[];
      expect(set).toMatch(/^ballast_session=blt_[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=\d+$/);
      const cookie = set?.split(';')[0] ?? '';
      const who = await askRaw(other.url, 'GET', '/api/v1/session', { headers: { cookie } });
      expect(JSON.parse(who.body)).toEqual({ name: 'ann', role: 'editor', users: true });
      await askRaw(other.url, 'POST', '/api/v1/logout', { headers: { cookie }, body: {} });
      expect((await askRaw(other.url, 'GET', '/api/v1/session', { headers: { cookie } })).status).toBe(401);
    } finally {
      await other.stop();
    }
  });

  test('a server that other machines reach does not start without users', async () => {
    await expect(startServer({ store, host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
      code: 'SERVER_WITHOUT_USERS',
    });
  });
});

describe('CVE-2024-37052 to CVE-2024-37060: code in models', () => {
  test('no format that can hold code is ever loaded', async () => {
    const marker = join(folder, 'ran');
    // What pickle would execute on loading: os.system("touch ...").
    const pickle = `cos\nsystem\n(S'touch ${marker}'\ntR.`;
    const id = await store.createRemoteRun({ experimentId: 0, name: 'pickled', tags: {}, startedAt: new Date() });
    await store.putArtifact(id, 'model/MLmodel', Buffer.from('flavors:\n  python_function:\n    loader_module: os\n'));
    await store.putArtifact(id, 'model/model.pkl', Buffer.from(pickle));
    const from = { kind: 'run', runId: id, path: 'model' } as const;
    await store.createVersion({ name: 'pickled', source: `runs:/${id}/model`, from });
    for (const words of [
      ['evaluate', 'models:/pickled/1', '--data', 'x.csv'],
      ['diagnose', 'models:/pickled/1'],
      ['compare', 'models:/pickled/1', 'models:/pickled/1', '--data', 'x.csv'],
    ]) {
      const { code, json } = await ballast(folder, ...words, '--store', join(folder, 'store'), '--json');
      expect([code, json().error], words.join(' ')).toEqual([2, expect.objectContaining({ code: 'MODEL_NOT_ONNX' })]);
    }
    // A pickle under the name of an ONNX file is read as ONNX, and is none.
    await store.putArtifact(id, 'fake/model.onnx', Buffer.from(pickle));
    await store.createVersion({ name: 'fake', source: 's', from: { kind: 'run', runId: id, path: 'fake' } });
    const { code } = await ballast(
      folder,
      'diagnose',
      'models:/fake/1',
      '--data',
      secret,
      '--store',
      join(folder, 'store'),
      '--json',
    );
    expect(code).toBe(2);
    expect(existsSync(marker)).toBe(false);
  });
});

test('after all of it, nothing stands beside the store that was not put there', () => {
  expect(readdirSync(folder).sort()).toEqual(['login', 'secret.txt', 'store', 'with-users']);
});
