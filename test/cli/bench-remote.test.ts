import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startAgent } from '../../src/compression/remote/agent.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { readModelFile, writeModelFile } from '../../src/graph/format/file.js';
import { ballast } from '../support/command.js';
import { network } from '../support/networks.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-remote-'));
const TOKEN = '0123456789abcdef0123';
let agent: Awaited<ReturnType<typeof startAgent>>;

beforeAll(async () => {
  const { model } = network('mlp');
  writeFileSync(join(folder, 'mlp.onnx'), writeModel(model));
  await writeModelFile(model, join(folder, 'outside.onnx'), { externalData: 16 });
  agent = await startAgent({ host: '127.0.0.1', port: 0, token: TOKEN, limit: 1e6, longestMs: 120_000 });
});
afterAll(async () => {
  await agent.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  process.env.BALLAST_BENCH_TOKEN = TOKEN;
  return () => {
    delete process.env.BALLAST_BENCH_TOKEN;
  };
});

const QUICK = ['--seconds', '0.05', '--cold-starts', '0', '--json'];
const bench = (model: string, ...options: string[]) =>
  ballast(folder, 'bench', model, ...QUICK, '--remote', agent.url, ...options);

describe('a bench on another device', () => {
  test('answers as one here, of one model and of two in turns, external data included', async () => {
    const here = (await ballast(folder, 'bench', 'mlp.onnx', '--against', 'outside.onnx', ...QUICK)).json();
    const { code, stderr, json } = await bench('mlp.onnx', '--against', 'outside.onnx', '--threads', '1,all');
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/mlp\.onnx: warm latency/);
    const there = json<Record<string, unknown>>();
    expect(Object.keys(there).filter((key) => key !== 'remote')).toEqual(Object.keys(here));
    expect(there).toMatchObject({ remote: agent.url, bytes: here.bytes, ratio: { rounds: expect.any(Number) } });
    const alone = await bench('outside.onnx', '--price', '0.36');
    expect(alone.json<{ costPer1000: number }>().costPer1000).toBeGreaterThan(0);
  });

  test('tells what is wrong with a model there as it would here, and goes on', async () => {
    const model = await readModelFile(join(folder, 'mlp.onnx'));
    const nodes = model.graph.nodes.map((node) => ({ ...node, domain: 'nobody', opType: 'Riddle' }));
    writeFileSync(
      join(folder, 'odd.onnx'),
      writeModel({ ...model, opsets: new Map([...model.opsets, ['nobody', 1]]), graph: { ...model.graph, nodes } }),
    );
    const { code, stderr } = await bench('odd.onnx');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Riddle/)]);
    expect((await bench('mlp.onnx')).code).toBe(0);
  });

  test('wants the token', async () => {
    process.env.BALLAST_BENCH_TOKEN = 'another token of good length';
    const { code, stderr } = await bench('mlp.onnx');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/wants its token/)]);
  });

  test('is refused where it is larger than the agent takes, and where no agent is', async () => {
    const { code, stderr } = await bench('mlp.onnx', '--batch', '30000');
    expect([code, stderr]).toEqual([3, expect.stringMatching(/bytes, and this agent takes 1000000/)]);
    const away = await ballast(folder, 'bench', 'mlp.onnx', '--remote', 'http://127.0.0.1:9');
    expect([away.code, away.stderr]).toEqual([3, expect.stringMatching(/no agent answers/)]);
    const odd = await ballast(folder, 'bench', 'mlp.onnx', '--remote', 'ftp://device');
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringMatching(/no address of an agent/)]);
  });

  test.each([
    [['--agent', '--host', '0.0.0.0'], { BALLAST_BENCH_TOKEN: undefined }, /there is no token/],
    [['--agent', '--host', '0.0.0.0'], { BALLAST_BENCH_TOKEN: 'short' }, /short enough to be guessed/],
    [['--agent', '--price', '3'], {}, /--price: it is said where the bench is asked for/],
    [['mlp.onnx', '--port', '4000'], {}, /--port: it is of --agent/],
    [[], {}, /there is no model to measure/],
  ])('refuses %j', async (options, variables, message) => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    const { code, stderr } = await ballast(folder, 'bench', ...options);
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
  });
});

describe('what else is sent to an agent', () => {
  const send = (body: Buffer, headers: Record<string, string> = {}, path = '/v1/bench', method = 'POST') =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const { port } = new URL(agent.url);
      const own = { authorization: `Bearer ${TOKEN}`, ...headers };
      const asked = request({ host: '127.0.0.1', port, path, method, headers: own }, (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.on('error', reject);
      asked.end(body);
    });
  const framed = (head: unknown, rest = Buffer.alloc(0)): Buffer => {
    const text = Buffer.from(JSON.stringify(head));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text, rest]);
  };
  const settings = { seconds: 1, threads: [1], allThreads: false, starts: 0, price: null, provider: null };
  const head = (name: string, bytes: number, more: Record<string, unknown> = {}) => ({
    version: 1,
    settings: { ...settings, ...more },
    subjects: [{ shown: 'x', files: [{ name, bytes }], feeds: {} }],
  });

  test.each<[string, Buffer, number, RegExp]>([
    ['noise', Buffer.from('noise and more of it'), 429, /bytes, and this agent takes/],
    ['nothing', Buffer.alloc(0), 400, /ends 4 bytes before/],
    ['no JSON', Buffer.concat([Buffer.from([3, 0, 0, 0]), Buffer.from('{{{')]), 400, /no bench/],
    ['a name that leaves its folder', framed(head('../x', 1), Buffer.alloc(1)), 400, /no bench: subjects\.0\.files/],
    ['a large file', framed(head('m', 2e9)), 429, /2000000000 bytes/],
    ['less than announced', framed(head('m', 10), Buffer.alloc(3)), 400, /ends 7 bytes before/],
    ['an endless measurement', framed(head('m', 1, { seconds: 1e9 }), Buffer.alloc(1)), 400, /seconds/],
    ['no model', framed(head('m', 4), Buffer.from('noon')), 200, /"error"/],
  ])('%s is refused', async (_name, body, status, message) => {
    const found = await send(body);
    expect(found.text).toMatch(message);
    expect(found.status).toBe(status);
  });

  test('pages, other paths and strangers are refused before anything is read', async () => {
    expect((await send(Buffer.alloc(0), { origin: 'http://evil.example' })).status).toBe(403);
    expect((await send(Buffer.alloc(0), {}, '/')).status).toBe(404);
    expect((await send(Buffer.alloc(0), { authorization: 'Bearer guess' })).status).toBe(401);
    const open = await startAgent({ host: '127.0.0.1', port: 0, limit: 1e6, longestMs: 1000 });
    try {
      const { port } = new URL(open.url);
      const status = await new Promise((resolve) => {
        request(
          { host: '127.0.0.1', port, path: '/v1/bench', method: 'POST', headers: { host: 'rebound.example' } },
          (r) => resolve(r.resume().statusCode),
        ).end();
      });
      expect(status).toBe(403);
    } finally {
      await open.close();
    }
  });
});
