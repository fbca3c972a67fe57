import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { accessSync, chownSync, constants, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';

const run = promisify(execFile);
const START_LIMIT_MS = 30_000;

/** A PostgreSQL server that lives as long as a test. */
export interface PostgresServer {
  /** For example `PostgreSQL 15.18`. */
  readonly version: string;
  /** Creates an empty database and returns its address. */
  createDatabase(): Promise<string>;
  /** Ends it at once, as a crash would. */
  crash(): Promise<void>;
  /** Starts it again after {@link crash}, on the same port with the same data. */
  recover(): Promise<void>;
  /** Both. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** The folder of PostgreSQL's server programs, or why there is none. */
export function findPostgres(): { folder: string } | { missing: string } {
  if (process.platform === 'win32') return { missing: 'the test server is started through a POSIX shell' };
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...versions.map((version) => join(debian, version, 'bin')),
  ];
  const folder = folders.find((path) => isProgram(join(path, 'initdb')) && isProgram(join(path, 'postgres')));
  return folder === undefined ? { missing: 'initdb and postgres are not installed' } : { folder };
}

/**
 * Starts a server of its own on a free local port, with its data in a temporary folder and without waiting for the disk.
 * PostgreSQL refuses to run as root: root runs it as `postgres`, or as `nobody` where there is no such user.
 */
export async function startPostgres(): Promise<PostgresServer> {
  const found = findPostgres();
  if ('missing' in found) throw new Error(found.missing);
  const user = await serverUser();
  const home = mkdtempSync(join(tmpdir(), 'ballast-postgres-'));
  if (user !== undefined) chownSync(home, user.uid, user.gid);
  const data = join(home, 'data');
  await run(
    join(found.folder, 'initdb'),
    ['-D', data, '-U', 'ballast', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...user, cwd: home },
  );
  const port = await freePort();
  let server = startServer(join(found.folder, 'postgres'), data, home, port, user);
  const address = (database: string) => `postgres://ballast@127.0.0.1:${port}/${database}`;
  const version = await firstAnswer(address('postgres'), server);
  let databases = 0;
  const crash = (): Promise<void> => end(server);
  const recover = async (): Promise<void> => {
    server = startServer(join(found.folder, 'postgres'), data, home, port, user);
    await firstAnswer(address('postgres'), server);
  };
  return {
    version,
    async createDatabase() {
      databases += 1;
      const name = `store${databases}`;
      await query(address('postgres'), `create database ${name}`);
      return address(name);
    },
    crash,
    recover,
    async restart() {
      await crash();
      await recover();
    },
    async stop() {
      await end(server);
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function end(server: { process: ChildProcess }): Promise<void> {
  const ended = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.stdin?.end();
  await ended;
}

/** The server under a shell that ends it when this process, even killed, no longer holds the shell's input open. */
function startServer(
  program: string,
  data: string,
  home: string,
  port: number,
  user: { uid: number; gid: number } | undefined,
): { process: ChildProcess; log: () => string } {
  // Commits stay synchronous: what was acknowledged must outlive `restart`, as it would in production.
  const settings = ['fsync=off', 'full_page_writes=off', 'listen_addresses=127.0.0.1'];
  const process = spawn(
    'sh',
    [
      '-c',
      '"$@" & server=$!; read -r _; kill -QUIT $server; wait $server',
      'sh',
      program,
      ...['-D', data, '-k', home, '-p', String(port)],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    { ...user, cwd: home, stdio: ['pipe', 'ignore', 'pipe'] },
  );
  let log = '';
  process.stderr?.on('data', (piece: Buffer) => {
    log = `${log}${piece.toString()}`.slice(-4000);
  });
  return { process, log: () => log };
}

async function firstAnswer(address: string, server: { process: ChildProcess; log: () => string }): Promise<string> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    try {
      const [row] = await query(address, 'show server_version');
      return `PostgreSQL ${String(row?.server_version)}`;
    } catch (error) {
      if (Date.now() > deadline || server.process.exitCode !== null) {
        server.process.stdin?.end();
        throw new Error(`PostgreSQL did not start: ${server.log()}`, { cause: error });
      }
      await sleep(50);
    }
  }
}

async function query(connectionString: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, unknown>>(sql);
    return rows;
  } finally {
    await client.end();
  }
}

async function serverUser(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(['-u', '-g'].map(async (which) => (await run('id', [which, name])).stdout));
      return { uid: Number(uid), gid: Number(gid) };
    } catch {
      // There is no such user; try the next.
    }
  }
  throw new Error('root cannot run PostgreSQL, and neither "postgres" nor "nobody" is a user here');
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => {
    server.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
