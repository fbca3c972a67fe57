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

test.skipIf(!existsSync('/proc/self'))('ends where the file system refuses new folders', async () => {
  await expect(makeFolder('/proc/nope/deeper')).rejects.toMatchObject({ code: 'FOLDER_REFUSED', exitCode: 2 });
});
