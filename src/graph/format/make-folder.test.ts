import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeFolder } from './make-folder.js';

test('makes all folders of a path, and is content where they are there', async () => {
  const root = mkdtempSync(join(tmpdir(), 'ballast-folder-'));
  const deep = join(root, 'a', 'b', 'c');
  await makeFolder(deep);
  await makeFolder(deep);
  expect(statSync(deep).isDirectory()).toBe(true);
  rmSync(root, { recursive: true, force: true });
});

test('makes what several make at the same time', async () => {
  const root = mkdtempSync(join(tmpdir(), 'ballast-folder-'));
  for (let round = 0; round < 100; round++) {
    const above = join(root, String(round), 'a', 'b');
    await Promise.all(['c', 'd', 'c', 'd', 'e', 'e'].map((name) => makeFolder(join(above, name, name))));
  }
  rmSync(root, { recursive: true, force: true });
});

test.skipIf(!existsSync('/proc/self'))('ends where the file system refuses new folders', async () => {
  await expect(makeFolder('/proc/nope/deeper')).rejects.toMatchObject({ code: 'FOLDER_REFUSED', exitCode: 2 });
});
