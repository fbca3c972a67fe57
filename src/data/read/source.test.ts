import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fileFault } from './faults.js';
import { glob } from './glob.js';
import type { ReadOptions } from './options.js';
import { readTable } from './read.js';
import { failure, testFolder, valuesOf, write } from './testing.fixture.js';

describe('paths', () => {
  it('finds files by glob, hidden ones aside, in the order of their names', async () => {
    const folder = await testFolder();
    await mkdir(join(folder, 'sub', 'deep'), { recursive: true });
    for (const name of ['b.csv', 'a.csv', '.hidden.csv', 'c.txt', 'sub/d.csv', 'sub/deep/e.csv', 'sub/x[1].csv']) {
      await write(folder, name, '');
    }
    const found = async (pattern: string) => (await glob(pattern, folder)).map((path) => path.slice(folder.length + 1));
    expect(await found('*.csv')).toEqual(['a.csv', 'b.csv']);
    expect(await found('**/*.csv')).toEqual(['a.csv', 'b.csv', 'sub/d.csv', 'sub/deep/e.csv', 'sub/x[1].csv']);
    expect(await found('{a,c}.{csv,txt}')).toEqual(['a.csv', 'c.txt']);
    expect(await found('[!a].csv')).toEqual(['b.csv']);
    expect(await found('s?b/[a-e].csv')).toEqual(['sub/d.csv']);
    expect(await found('.h*')).toEqual(['.hidden.csv']);
    expect(await found('none/*.csv')).toEqual([]);
  });

  it('names what is not there or not readable', async () => {
    const folder = await testFolder();
    const read = (source: string, options: ReadOptions = {}) =>
      failure(readTable(source, { baseDirectory: folder, ...options }));
    expect(await read('none.csv')).toMatchObject({ code: 'DATA_NOT_FOUND', exitCode: 2, place: 'none.csv' });
    expect((await read('*.csv')).code).toBe('DATA_NOT_FOUND');
    expect((await read('.')).message).toContain('empty');
    await write(folder, 'a.xlsx', 'x');
    expect(await read('a.xlsx')).toMatchObject({ code: 'DATA_FORMAT_UNKNOWN', exitCode: 2 });
    expect((await read('s3://bucket/a.csv')).remedy).toContain('presigned');
    expect((await read('ftp://host/a.csv')).code).toBe('DATA_SOURCE_UNSUPPORTED');
    expect((await read('http://[bad/a.csv')).code).toBe('DATA_SOURCE');
    await write(folder, 'a.csv', 'a\n1\n');
    await write(folder, 'b.parquet', '');
    expect((await read('.')).message).toContain('several kinds');
    if (process.getuid?.() !== 0) {
      await chmod(join(folder, 'a.csv'), 0);
      expect((await read('a.csv')).code).toBe('DATA_NOT_READABLE');
    }
  });

  it('tells a failing machine from a wrong path', () => {
    const fault = (code: string) => fileFault(Object.assign(new Error('x'), { code }), 'p').exitCode;
    expect(['ENOSPC', 'EIO', 'EMFILE'].map(fault)).toEqual([3, 3, 3]);
    expect(['ENOENT', 'EACCES', 'EISDIR'].map(fault)).toEqual([2, 2, 2]);
  });

  it('reads a file under another name when told its format', async () => {
    const folder = await testFolder();
    const path = await write(folder, 'table.dat', 'a,b\n1,2\n');
    expect(valuesOf(await readTable(path, { format: 'csv' }), 'b')).toEqual([2]);
    expect(valuesOf(await readTable(`file://${path}`, { format: 'csv' }), 'a')).toEqual([1]);
  });
});

describe('URLs', () => {
  const sockets = new Set<() => void>();
  const answer: RequestListener = (request, response) => {
    switch (request.url) {
      case '/moved.csv':
        response.writeHead(302, { location: '/a.csv?signature=secret' }).end();
        break;
      case '/a.csv?signature=secret':
      case '/a.csv':
        response.end('a,b\n1,x\n2,y\n');
        break;
      case '/large.csv':
        response.write('a\n');
        response.end('1\n'.repeat(200_000));
        break;
      case '/slow.csv':
        response.write('a\n1\n');
        sockets.add(() => response.destroy());
        break;
      case '/cut.csv':
        response.writeHead(200, { 'content-length': 1000 }).write('a\n1\n');
        setTimeout(() => response.destroy(), 20);
        break;
      case '/broken.csv':
        response.writeHead(500).end();
        break;
      default:
        response.writeHead(404).end();
    }
  };
  let server: Server;
  let base: string;
  beforeAll(async () => {
    server = createServer(answer);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    for (const close of sockets) close();
    server.close();
  });

  it('downloads, follows redirects, and leaves nothing behind', async () => {
    // A folder of its own: others at work on this machine use theirs.
    const folder = await mkdtemp(join(tmpdir(), 'ballast-test-downloads-'));
    const usual = process.env.TMPDIR;
    process.env.TMPDIR = folder;
    try {
      for (const path of ['/a.csv', '/moved.csv']) {
        expect(valuesOf(await readTable(`${base}${path}`), 'b')).toEqual(['x', 'y']);
      }
      await failure(readTable(`${base}/none.csv`));
      expect(await readdir(folder)).toEqual([]);
    } finally {
      if (usual === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = usual;
      await rm(folder, { recursive: true });
    }
  });

  it('ends what is too large, silent, cut off, refused or unreachable', async () => {
    const read = (path: string, options: ReadOptions = {}) => failure(readTable(`${base}${path}`, options));
    expect(await read('/large.csv', { maxBytes: 100_000 })).toMatchObject({ code: 'DATA_TOO_LARGE', exitCode: 2 });
    expect(await read('/slow.csv', { timeoutMs: 150 })).toMatchObject({ code: 'DATA_DOWNLOAD_TIMEOUT', exitCode: 3 });
    expect(await read('/cut.csv')).toMatchObject({ code: 'DATA_DOWNLOAD_FAILED', exitCode: 3 });
    expect(await read('/none.csv')).toMatchObject({ code: 'DATA_DOWNLOAD_REFUSED', exitCode: 2 });
    expect(await read('/broken.csv')).toMatchObject({ code: 'DATA_DOWNLOAD_REFUSED', exitCode: 3 });
    const error = await failure(readTable('http://127.0.0.1:9/a.csv?key=secret'));
    expect(error).toMatchObject({ code: 'DATA_DOWNLOAD_FAILED', exitCode: 3 });
    expect(error.describe()).not.toContain('secret');
  });
});
