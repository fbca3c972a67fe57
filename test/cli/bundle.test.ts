import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ZipFile } from 'yazl';
import { readPrivateKey } from '../../src/bundles/keys.js';
import { isPlainPath } from '../../src/bundles/manifest.js';
import { writeBundle } from '../../src/bundles/write.js';
import { readZip } from '../../src/data/read/zip.js';
import { writeModel } from '../../src/graph/format/encode.js';
import { ballast } from '../support/command.js';
import { network } from '../support/networks.js';

const folder = mkdtempSync(join(tmpdir(), 'ballast-bundle-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => join(folder, name);

interface Status {
  readonly live: { id: string; version: string; part: string };
  readonly model: string;
  readonly earlier: unknown[];
  readonly rejected: string[];
  readonly rolledBack?: boolean;
}

async function exported(out: string, ...options: string[]) {
  const { code, stderr, json } = await ballast(
    folder,
    ...['export', 'bundle', 'mlp.onnx', '--key', 'release.key', '--out', out, '--json', ...options],
  );
  expect(code, stderr).toBe(0);
  return json<{ id: string; modelBytes: { before: number; after: number }; bytes: number }>();
}

const status = async (device: string) => (await ballast(folder, 'bundle', 'status', device, '--json')).json<Status>();
const apply = (bundle: string, device: string, ...options: string[]) =>
  ballast(folder, 'bundle', 'apply', bundle, device, '--key', 'release.pub', '--json', ...options);

beforeAll(async () => {
  writeFileSync(at('mlp.onnx'), writeModel(network('mlp').model));
  writeFileSync(at('cnn.onnx'), writeModel(network('cnn').model));
  for (const name of ['release', 'other']) expect((await ballast(folder, 'bundle', 'key', name)).code).toBe(0);
  await exported('one.zip', '--as', 'digits/1', '--fallback', 'cnn.onnx');
  await exported('two.zip', '--as', 'digits/2');
  await exported('three.zip', '--as', 'digits/3');
});

describe('an update over the air', () => {
  test('goes live, is refused when older, and rolls back to what was live, then to the fallback it carries', async () => {
    const one = await apply('one.zip', 'device');
    expect(one.code, one.stderr).toBe(0);
    expect(one.json<{ deviations: Record<string, number> }>().deviations).toEqual({ output: 0 });
    expect((await apply('two.zip', 'device')).json<Status>().live.version).toBe('2');
    const older = await apply('one.zip', 'device');
    expect([older.code, older.stderr]).toEqual([2, expect.stringMatching(/--allow-older/)]);

    const back = await ballast(folder, 'bundle', 'roll-back', 'device', '--reason', 'slow', '--json');
    expect(back.json<Status>().live.version).toBe('1');
    const again = await apply('two.zip', 'device');
    expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/was rolled back here/)]);

    const further = await ballast(folder, 'bundle', 'roll-back', 'device', '--json');
    expect(further.json<Status>().live).toMatchObject({ part: 'fallback' });
    expect(readFileSync(at(further.json<Status>().model))).toEqual(readFileSync(at('cnn.onnx')));
    const end = await ballast(folder, 'bundle', 'roll-back', 'device');
    expect([end.code, end.stderr]).toEqual([2, expect.stringMatching(/nothing to go back to/)]);
    expect((await apply('two.zip', 'device', '--allow-older')).json<Status>().live.version).toBe('2');
  });

  test('is rolled back by itself where the probe of the application refuses it', async () => {
    expect((await apply('one.zip', 'probed', '--probe', 'test -f "$BALLAST_MODEL"')).code).toBe(0);
    const { code, json } = await apply('two.zip', 'probed', '--probe', 'exit 3');
    expect([code, json<Status>().rolledBack, json<Status>().live.version]).toEqual([1, true, '1']);
    const alone = await apply('two.zip', 'alone', '--probe', 'exit 3');
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringMatching(/none is live/)]);
    expect(existsSync(at('alone/installed.json'))).toBe(false);
  });

  test('keeps what is live where files are damaged: told by status, mended by the same bundle', async () => {
    await apply('one.zip', 'damaged');
    await apply('two.zip', 'damaged');
    const { model } = await status('damaged');
    writeFileSync(at(model), 'damaged');
    const told = await ballast(folder, 'bundle', 'status', 'damaged');
    expect([told.code, told.stderr]).toEqual([3, expect.stringMatching(/model\.onnx is missing or was changed/)]);
    expect((await apply('two.zip', 'damaged')).code).toBe(0);
    expect((await status('damaged')).live.version).toBe('2');
  });

  test('comes from an address, no more of it than is allowed', async () => {
    const server = createServer((_request, response) => response.end(readFileSync(at('one.zip'))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/one.zip`;
      const { code, stderr } = await apply(url, 'far');
      expect(code, stderr).toBe(0);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test('does not happen twice at once; a lock of a dead process is taken over', async () => {
    mkdirSync(at('busy'));
    writeFileSync(at('busy/.lock'), String(process.pid));
    const { code, stderr } = await apply('one.zip', 'busy');
    expect([code, stderr]).toEqual([2, expect.stringMatching(/is changing this folder/)]);
    // Beyond the largest process id that Linux gives.
    writeFileSync(at('busy/.lock'), '4194305');
    expect((await apply('one.zip', 'busy')).code).toBe(0);
  });
});

describe('what is not trusted', () => {
  const verify = (bundle: string, ...keys: string[]) =>
    ballast(folder, 'bundle', 'verify', bundle, ...keys.flatMap((key) => ['--key', key]));

  test('a sound bundle holds, by any of the keys', async () => {
    expect((await verify('one.zip', 'other.pub', 'release.pub')).code).toBe(0);
    const checked = await ballast(folder, 'bundle', 'verify', 'one.zip', '--key', 'release.pub', '--check');
    expect([checked.code, checked.stdout]).toEqual([0, expect.stringMatching(/bit for bit/)]);
    for (const file of ['manifest.json', 'labels.json', 'preprocessing.json', 'check.json']) {
      expect(await names('one.zip')).toContain(file);
    }
  });

  test('another key, a private key, a key that everybody may read', async () => {
    const other = await verify('one.zip', 'other.pub');
    expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/not signed by a key that is trusted/)]);
    expect((await verify('one.zip', 'release.key')).stderr).toMatch(/this is a private key/);
    expect((await verify('one.zip')).stderr).toMatch(/--key/);
    chmodSync(at('other.key'), 0o644);
    const argv = ['export', 'bundle', 'mlp.onnx', '--out', 'x.zip', '--key', 'other.key'];
    const { code, stderr } = await ballast(folder, ...argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/chmod 600/)]);
  });

  type Files = [name: string, content: Buffer | string][];
  const archive = async (name: string, change: (files: Files) => Files): Promise<void> => {
    const files: Files = [];
    await readZip(
      at('one.zip'),
      () => {},
      (path, content) => void files.push([path, content]),
    );
    const zip = new ZipFile();
    // yazl refuses hostile names: they are put in afterwards, at the same length.
    for (const [path, content] of change(files)) zip.addBuffer(Buffer.from(content), path.replaceAll('..', 'QQ'));
    zip.end();
    const bytes = (await buffer(zip.outputStream)).toString('latin1').replaceAll('QQ', '..');
    writeFileSync(at(name), bytes, 'latin1');
  };
  const names = async (bundle: string): Promise<string[]> => {
    const found: string[] = [];
    await readZip(
      at(bundle),
      (path) => void found.push(path),
      () => {},
    );
    return found;
  };
  const changed =
    (name: string, content: (before: Buffer) => Buffer) =>
    (files: Files): Files =>
      files.map(([path, before]) => [path, path === name ? content(Buffer.from(before)) : before]);

  test.each<[string, (files: Files) => Files, RegExp]>([
    [
      'a changed manifest',
      changed('manifest.json', (b) => Buffer.from(String(b).replace('digits', 'Digits'))),
      /or it was changed/,
    ],
    [
      'a changed model',
      changed('model.onnx', (b) => Buffer.concat([b.subarray(1), b.subarray(0, 1)])),
      /not the file that was signed/,
    ],
    ['a longer model', changed('model.onnx', (b) => Buffer.concat([b, b])), /the manifest says/],
    [
      'a path that leaves the folder',
      (files) => [...files, ['../../etc/evil', 'x']],
      /names no "\.\.\/\.\.\/etc\/evil"/,
    ],
    ['a file too much', (files) => [...files, ['extra.txt', 'x']], /names no "extra\.txt"/],
    ['a file twice', (files) => [...files, files[2]], /comes twice/],
    ['a file missing', (files) => files.slice(0, -1), /is missing/],
    ['a bomb', (files) => [...files, ['bomb.bin', Buffer.alloc(5e7)]], /names no "bomb\.bin"/],
    ['another order', (files) => files.toReversed(), /where manifest\.json belongs/],
    [
      'a large manifest',
      (files) => [['manifest.json', Buffer.alloc(2 ** 21)], ...files.slice(1)],
      /1048576 are the most/,
    ],
    ['nothing', () => [], /no manifest/],
  ])('refuses %s, and leaves nothing behind', async (name, change, message) => {
    const file = `${name.replaceAll(' ', '-')}.zip`;
    await archive(file, change);
    const { code, stderr } = await apply(file, 'hostile');
    expect(stderr).toMatch(message);
    expect(code).toBe(2);
    expect(existsSync(at('hostile/versions'))).toBe(false);
    expect(existsSync(at('hostile/installed.json'))).toBe(false);
  });

  test('refuses what takes more room than is allowed, and what is no archive', async () => {
    const key = await readPrivateKey(at('release.key'), undefined);
    const about = {
      ...{ name: 'large', version: '1', made: '2026-01-01T00:00:00Z', madeBy: 'test', platform: null, fallback: null },
      ...{ model: 'a', labels: 'a', preprocessing: 'a', certificate: null, check: 'a' },
    };
    const { archive: large } = await writeBundle(about, new Map([['a', new Uint8Array(2e6)]]), key);
    writeFileSync(at('large.zip'), large);
    expect((await apply('large.zip', 'hostile', '--max-mb', '1')).stderr).toMatch(
      /2000000 bytes, and 1000000 are allowed/,
    );
    writeFileSync(at('noise.zip'), 'no archive at all');
    expect((await apply('noise.zip', 'hostile')).stderr).toMatch(/not a zip archive/);
  });

  test('refuses a manifest whose files cannot lie in one folder, though it is signed', async () => {
    const key = await readPrivateKey(at('release.key'), undefined);
    const about = {
      ...{ name: 'odd', version: '1', made: '2026-01-01T00:00:00Z', madeBy: 'test', platform: null, fallback: null },
      ...{ model: 'a', labels: 'a', preprocessing: 'a', certificate: null, check: 'a' },
    };
    for (const odd of ['../a', '/a', 'C:/a', 'a/b', 'A', 'manifest.json', 'con', '.hidden', 'a/../b', 'x\0y', 'b.']) {
      const contents = new Map([
        ['a', new Uint8Array(1)],
        [odd, new Uint8Array(1)],
      ]);
      await expect(writeBundle(about, contents, key), odd).rejects.toMatchObject({ code: 'BUNDLE_MANIFEST' });
    }
  });

  test('a plain path never leaves the folder it is joined to', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('.', '/', '\\', 'a', 'C', ':', ' ', '~', '\0') }), (path) => {
        if (!isPlainPath(path)) return;
        expect(join('/root/x', path).startsWith('/root/x/')).toBe(true);
        expect(path).not.toMatch(/[\\:\0]/);
      }),
    );
  });

  test('any single byte that is changed in a bundle is found, or changes nothing that is read', async () => {
    const sound = readFileSync(at('one.zip'));
    const { id } = (await ballast(folder, 'bundle', 'verify', 'one.zip', '--key', 'release.pub', '--json')).json();
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: sound.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (i, by) => {
          const bytes = Buffer.from(sound);
          bytes[i] ^= by;
          writeFileSync(at('fuzzed.zip'), bytes);
          const { code, json } = await ballast(
            folder,
            'bundle',
            'verify',
            'fuzzed.zip',
            '--key',
            'release.pub',
            '--json',
          );
          if (code === 0) expect(json<{ id: string }>().id).toBe(id);
          else expect(code).toBe(2);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a function', () => {
  const platform = `${process.platform}-${process.arch}`;

  test('carries one platform’s runtime, and answers in an empty folder', async () => {
    const { modelBytes } = await exported('function.zip', '--serverless', platform);
    expect(modelBytes.after).toBeLessThanOrEqual(modelBytes.before);
    const unpacked = at('function');
    await readZip(
      at('function.zip'),
      () => {},
      (path, content) => {
        mkdirSync(join(unpacked, path, '..'), { recursive: true });
        writeFileSync(join(unpacked, path), content);
      },
    );
    const program = `
      const { handler } = await import(${JSON.stringify(pathToFileURL(join(unpacked, 'index.mjs')).href)});
      const check = JSON.parse((await import('node:fs')).readFileSync('check.json', 'utf8'));
      const floats = (text) => { const b = Uint8Array.from(Buffer.from(text, 'base64')); return [...new Float32Array(b.buffer)]; };
      const [name, { shape, data }] = Object.entries(check.feeds)[0];
      const body = JSON.stringify({ id: 'a', inputs: [{ name, datatype: 'FP32', shape, data: floats(data) }] });
      const good = await handler({ body });
      const { outputs } = JSON.parse(good.body);
      const expected = floats(Object.values(check.answers)[0].data);
      const bad = await handler({ body: '{"inputs":[]}' });
      console.log(JSON.stringify({ name, good: good.statusCode, far: Math.max(...outputs[0].data.map((v, i) => Math.abs(v - expected[i]))), bad }));`;
    const stdout = await new Promise<string>((resolve, reject) => {
      const child = execFile(
        process.execPath,
        ['--input-type=module', '-e', program],
        { cwd: unpacked, env: { PATH: process.env.PATH } },
        (error, out, stderr) => (error === null ? resolve(out) : reject(new Error(stderr, { cause: error }))),
      );
      child.stdin?.end();
    });
    const { name, good, far, bad } = JSON.parse(stdout);
    expect([name, good, bad.statusCode]).toEqual(['features', 200, 400]);
    expect(far).toBeLessThan(1e-5);
  });

  test('refuses a platform that the runtime has no binaries for', async () => {
    const argv = [
      'export',
      'bundle',
      'mlp.onnx',
      '--key',
      'release.key',
      '--out',
      'x.zip',
      '--serverless',
      'plan9-mips',
    ];
    const { code, stderr } = await ballast(folder, ...argv);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/no binaries for "plan9-mips".*linux-x64/)]);
  });
});
