import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { describeRuntimes, openRuntime } from './choose.js';
import { FINDING, probe } from './probe.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-probe-'));
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

let count = 0;

/** A stand-in for the probe: it counts its runs and then does what the body says. */
function program(body: string): { program: string; cacheFolder: string; runs: () => number } {
  const base = join(folder, `program-${count++}`);
  const log = `${base}.log`;
  writeFileSync(log, '');
  const source = `import { appendFileSync } from 'node:fs';
    appendFileSync(${JSON.stringify(log)}, '.');
    const found = (finding) => process.stdout.write(${JSON.stringify(FINDING)} + JSON.stringify(finding) + '\\n');
    ${body}`;
  writeFileSync(`${base}.mjs`, source);
  return { program: `${base}.mjs`, cacheFolder: `${base}.cache`, runs: () => readFileSync(log, 'utf8').length };
}

describe('probe', () => {
  it('finds the fast path sound on this machine, and remembers it', async () => {
    const cacheFolder = join(folder, 'real');
    expect(await probe({ cacheFolder })).toEqual({ works: true, providers: ['cpu'] });
    const [file] = readdirSync(cacheFolder);
    expect(JSON.parse(readFileSync(join(cacheFolder, file!), 'utf8'))).toEqual({ works: true, providers: ['cpu'] });
  });

  it('lists providers best first', async () => {
    const { runs, ...options } = program(
      `console.log('noise'); found({ provider: 'cpu' }); found({ provider: 'cuda' });`,
    );
    expect(await probe(options)).toEqual({ works: true, providers: ['cuda', 'cpu'] });
    expect(runs()).toBe(1);
  });

  it('keeps what was found before a crash', async () => {
    const { runs: _, ...options } = program(`found({ provider: 'cpu' }); process.kill(process.pid, 'SIGSEGV');`);
    expect(await probe(options)).toEqual({
      works: true,
      providers: ['cpu'],
      reason: 'the probe crashed (SIGSEGV)',
    });
  });

  it.each([
    [
      'a wrong result',
      `found({ fault: 'weights: expected 1, got 2' }); process.exitCode = 1;`,
      'weights: expected 1, got 2',
    ],
    ['a crash', `process.kill(process.pid, 'SIGSEGV');`, 'the probe crashed (SIGSEGV)'],
    ['an exit', `console.error('no such thing'); process.exit(3);`, 'the probe ended with code 3: no such thing'],
    ['a hang', 'setInterval(() => {}, 1000);', 'the probe did not answer within 0.5 s'],
  ])('gives the reason for %s', async (_, body, reason) => {
    const { runs: __, ...options } = program(body);
    expect(await probe({ ...options, timeoutMs: body.includes('setInterval') ? 500 : 30_000 })).toEqual({
      works: false,
      providers: [],
      reason,
    });
  });

  it('asks once, also when asked at the same time, and again when told to', async () => {
    const { runs, ...options } = program(`found({ provider: 'cpu' });`);
    await Promise.all([probe(options), probe(options)]);
    await probe(options);
    expect(runs()).toBe(1);
    await probe({ ...options, fresh: true });
    expect(runs()).toBe(2);
  });

  it('asks again when a bad verdict is old or what is remembered is no verdict', async () => {
    const { runs, ...options } = program('process.exit(3);');
    await probe(options);
    await probe(options);
    expect(runs()).toBe(1);
    const file = join(options.cacheFolder, readdirSync(options.cacheFolder)[0]!);
    const old = Date.now() / 1000 - 4000;
    utimesSync(file, old, old);
    await probe(options);
    expect(runs()).toBe(2);
    for (const [i, text] of ['', '{"works":1,"providers":["cpu"]}'].entries()) {
      writeFileSync(file, text);
      await probe(options);
      expect(runs()).toBe(3 + i);
    }
  });

  it('works where nothing can be remembered', async () => {
    const { runs, ...options } = program(`found({ provider: 'cpu' });`);
    writeFileSync(options.cacheFolder, 'a file where a folder should be');
    expect(await probe(options)).toMatchObject({ works: true });
    await probe(options);
    expect(runs()).toBe(1);
  });
});

describe('openRuntime', () => {
  const broken = () => ({ probe: program('process.exit(3);') });
  const sound = { probe: { cacheFolder: join(folder, 'real') } };

  it('takes the fast path where it is sound', async () => {
    vi.stubEnv('BALLAST_RUNTIME', undefined);
    const runtime = await openRuntime(sound);
    expect([runtime.name, runtime.providers]).toEqual(['ffi', ['cpu']]);
  });

  it('falls back to the stock binding where it is not, and can say why', async () => {
    vi.stubEnv('BALLAST_RUNTIME', '');
    const options = broken();
    expect((await openRuntime(options)).name).toBe('stock');
    expect(await describeRuntimes(options.probe)).toEqual([
      { name: 'ffi', available: false, chosen: false, providers: [], reason: 'the probe ended with code 3' },
      { name: 'stock', available: true, chosen: true, version: '1.30.0', providers: ['cpu'] },
    ]);
  });

  it.each(['ffi', 'stock'] as const)('is forced to %s by the environment', async (name) => {
    vi.stubEnv('BALLAST_RUNTIME', name);
    expect((await openRuntime(sound)).name).toBe(name);
    const described = await describeRuntimes(sound.probe);
    expect(described.filter((runtime) => runtime.chosen).map((runtime) => runtime.name)).toEqual([name]);
  });

  it('follows the caller before the environment', async () => {
    vi.stubEnv('BALLAST_RUNTIME', 'ffi');
    expect((await openRuntime({ ...sound, backend: 'stock' })).name).toBe('stock');
  });

  it('fails where what is forced cannot be used', async () => {
    vi.stubEnv('BALLAST_RUNTIME', 'ffi');
    await expect(openRuntime(broken())).rejects.toMatchObject({
      code: 'RUNTIME_FORCED_ABSENT',
      kind: 'environment',
      exitCode: 3,
      message: 'the runtime that is asked for cannot be used (ffi: the probe ended with code 3)',
    });
    expect((await describeRuntimes(broken().probe)).some((runtime) => runtime.chosen)).toBe(false);
  });

  it('refuses a runtime that does not exist', async () => {
    vi.stubEnv('BALLAST_RUNTIME', 'fast');
    await expect(openRuntime(sound)).rejects.toMatchObject({ code: 'RUNTIME_UNKNOWN', value: 'fast' });
  });
});
