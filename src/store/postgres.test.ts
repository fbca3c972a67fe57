import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newRun } from '../../test/contracts/store/subject.js';
import { findPostgres, type PostgresServer, startPostgres } from '../../test/support/postgres-server.js';
import { openStore } from './index.js';
import { explainPostgresFault } from './postgres-faults.js';

const found = findPostgres();

describe.skipIf('missing' in found)(
  `a PostgreSQL server${'missing' in found ? ` (skipped: ${found.missing})` : ''}`,
  () => {
    let server: PostgresServer;
    let artifacts: string;

    beforeAll(async () => {
      artifacts = mkdtempSync(join(tmpdir(), 'ballast-artifacts-'));
      server = await startPostgres();
    });

    afterAll(async () => {
      await server.stop();
      rmSync(artifacts, { recursive: true, force: true });
    });

    const withArtifacts = (address: string) => `${address}?artifacts=${encodeURIComponent(artifacts)}`;

    test('without the named database is an error of the address', async () => {
      const address = (await server.createDatabase()).replace(/[^/]+$/, 'none_such');
      await expect(openStore(withArtifacts(address))).rejects.toMatchObject({
        code: 'STORE_DATABASE_MISSING',
        exitCode: 2,
      });
    });

    test('where the user may not create tables is an error of the machine', async () => {
      const address = await server.createDatabase();
      await query(address, 'create role reader login');
      await query(address, 'revoke create on schema public from public');
      const url = withArtifacts(address.replace('ballast@', 'reader@'));
      await expect(openStore(url)).rejects.toMatchObject({ code: 'STORE_NOT_WRITABLE', exitCode: 3 });
    });

    test('that ends the connections costs one command, not the process, and the store goes on', async () => {
      const address = await server.createDatabase();
      await using store = await openStore(withArtifacts(address));
      const runId = await store.createRun(newRun());
      await query(
        address,
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ballast' and pid <> pg_backend_pid()`,
      );
      const outcomes = await Promise.allSettled([store.getRun(runId), store.getRun(runId)]);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected')
          expect(outcome.reason).toMatchObject({ code: 'STORE_UNREACHABLE', exitCode: 3 });
      }
      expect((await store.getRun(runId)).id).toBe(runId);
    });

    async function query(connectionString: string, sql: string): Promise<void> {
      const client = new pg.Client({ connectionString });
      await client.connect();
      try {
        await client.query(sql);
      } finally {
        await client.end();
      }
    }
  },
);

test('a server that is not there is one clear error without the password', async () => {
  const opening = openStore('postgres://user:secret@127.0.0.1:1/db?artifacts=/tmp/none');
  await expect(opening).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    exitCode: 3,
    place: 'postgres://127.0.0.1:1/db',
  });
  await expect(opening).rejects.not.toThrow(/secret/);
});

test.each([
  ['53100', 'STORE_FULL', 3],
  ['53300', 'STORE_BUSY', 3],
  ['28P01', 'STORE_ACCESS_REFUSED', 3],
  ['57P01', 'STORE_UNREACHABLE', 3],
  ['XX001', 'STORE_CORRUPT', 3],
  ['58030', 'STORE_IO', 3],
  ['25006', 'STORE_NOT_WRITABLE', 3],
  ['40P01', 'STORE_CONFLICT', 2],
])('SQLSTATE %s is %s', (code, expected, exitCode) => {
  const error = Object.assign(new Error('from the server'), { code });
  expect(explainPostgresFault(error, 'postgres://h/db')).toMatchObject({ code: expected, exitCode, cause: error });
});

test.each([
  'Connection terminated unexpectedly',
  'Client has encountered a connection error and is not queryable',
  'Client was closed and is not queryable',
  'timeout expired',
])('a connection that ended, in the words of the client library, is away: %s', (message) => {
  expect(explainPostgresFault(new Error(message), 'postgres://h/db')).toMatchObject({ code: 'STORE_UNREACHABLE' });
});

test('errors of our own making are not explained away', () => {
  const syntax = Object.assign(new Error('syntax error'), { code: '42601' });
  expect(explainPostgresFault(syntax, 'postgres://h/db')).toBe(syntax);
});
