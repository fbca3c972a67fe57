import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { makeKeys, readPrivateKey } from '../../src/bundles/keys.js';
import { writeBundle } from '../../src/bundles/write.js';

const PYTHON = process.env.BALLAST_PYTHON;
const openssl = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '';

describe.skipIf(PYTHON === undefined || !/^OpenSSL [3-9]/.test(openssl))(
  'a bundle, read by Python’s zipfile and verified by OpenSSL (needs BALLAST_PYTHON and OpenSSL 3)',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-openssl-'));
    afterAll(() => rmSync(folder, { recursive: true, force: true }));
    const at = (name: string) => join(folder, name);

    it.each([undefined, 'a passphrase'])('signed by a key with the passphrase %s', async (passphrase) => {
      const name = at(passphrase === undefined ? 'plain' : 'closed');
      const { secret, file } = await makeKeys(name, passphrase);
      const parts = { model: 'a', labels: 'a', preprocessing: 'a', check: 'a', certificate: null, fallback: null };
      const about = { name: 'n', version: '1', made: '2026-01-01T00:00:00Z', madeBy: 'test', platform: null, ...parts };
      const contents = new Map([['a', Buffer.from('content')]]);
      const { archive } = await writeBundle(about, contents, await readPrivateKey(secret, passphrase));
      writeFileSync(at('b.zip'), archive);
      const unzip =
        'import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; z.extractall(sys.argv[2])';
      execFileSync(PYTHON ?? '', ['-c', unzip, at('b.zip'), folder]);
      expect(readFileSync(at('a'), 'utf8')).toBe('content');
      const verify = ['pkeyutl', '-verify', '-pubin', '-inkey', file, '-rawin', '-in', at('manifest.json')];
      const holds = () => spawnSync('openssl', [...verify, '-sigfile', at('manifest.sig')]).status === 0;
      expect(holds()).toBe(true);
      writeFileSync(at('manifest.json'), `${readFileSync(at('manifest.json'), 'utf8')} `);
      expect(holds()).toBe(false);
    });
  },
);
