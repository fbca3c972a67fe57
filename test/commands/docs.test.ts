import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presentRooms } from '../../scripts/rooms.mjs';

const ROOT = join(import.meta.dirname, '../..');
/** A block that is run: ```sh run, ```sh run exits 1 (by its last command), ```js run. */
const BLOCK = /^```(sh|js) run(?: exits (\d))?\n([\s\S]*?)^```$/gm;
const LINK = /\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)|<img [^>]*src="(?!https?:)([^"]+)"/g;

const pages = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => join('docs', name))].filter((name) =>
  name.endsWith('.md'),
);

/** The blocks of a page as one script: later blocks see what earlier ones left, variables too. */
function scriptOf(page: string, folder: string): string | undefined {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const blocks = [...text.matchAll(BLOCK)].map(([, language, exits, code], i) => {
    if (language === 'js') {
      writeFileSync(join(folder, `block-${i}.mjs`), code);
      return `node block-${i}.mjs`;
    }
    if (exits === undefined) return code;
    const lines = code.trimEnd().split('\n');
    const last = lines.pop() ?? '';
    return [...lines, 'status=0', `${last} || status=$?`, `test "$status" -eq ${exits}`].join('\n');
  });
  return blocks.length === 0 ? undefined : ['set -euo pipefail', ...blocks].join('\n');
}

describe('the documentation', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ballast-docs-'));
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(ROOT, 'bin', 'ballast'), join(folder, 'bin', 'ballast'));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(process.platform === 'win32').each(pages)('%s: what it says to run, runs', async (page) => {
    const work = join(folder, page.replace(/\W/g, '-'));
    mkdirSync(join(work, 'node_modules'), { recursive: true });
    symlinkSync(ROOT, join(work, 'node_modules', 'ballast'));
    symlinkSync(join(ROOT, 'node_modules', 'zod'), join(work, 'node_modules', 'zod'));
    const script = scriptOf(page, work);
    if (script === undefined) return;
    const { code, output } = await bash(script, work);
    expect(code, output).toBe(0);
  });

  it.each(pages)('%s: what it points to, exists', (page) => {
    const targets = [...readFileSync(join(ROOT, page), 'utf8').matchAll(LINK)].map(([, link, image]) => link ?? image);
    const missing = targets.filter((target) => !existsSync(join(ROOT, dirname(page), target)));
    expect(missing).toEqual([]);
  });

  it('docs/architecture.md lists the rooms in their order', () => {
    const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
    expect(Array.from(text.matchAll(/^\| `(\w+)` \|/gm), ([, room]) => room)).toEqual(presentRooms(ROOT));
  });

  function bash(script: string, cwd: string): Promise<{ code: number; output: string }> {
    const path = `${join(folder, 'bin')}${delimiter}${process.env.PATH ?? ''}`;
    const env = { ...process.env, PATH: path, NO_COLOR: '1', BALLAST_STORE: undefined };
    return new Promise((resolve) => {
      execFile('bash', ['-c', script], { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}\n${stderr}`.slice(-4000) });
      });
    });
  }
});
