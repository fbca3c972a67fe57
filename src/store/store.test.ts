import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import pg from 'pg';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { storeContract } from '../../test/contracts/store/index.js';
import type { StorePlace } from '../../test/contracts/store/subject.js';
import { findPostgres, type PostgresServer, startPostgres } from '../../test/support/postgres-server.js';

let scratch: string;
let places = 0;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'ballast-stores-'));
});

afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function freshFolder(): string {
  places += 1;
  return join(scratch, `store${places}`);
}

storeContract('SQLite', async (): Promise<StorePlace> => {
  const url = freshFolder();
  return {
    url,
    artifacts: join(url, 'artifacts'),
    async execute(sql) {
      const database = new Database(join(url, 'ballast.db'), { timeout: 5000 });
      try {
        database.exec(sql);
      } finally {
        database.close();
      }
    },
  };
});

const found = findPostgres();
if ('missing' in found) {
  describe('store on PostgreSQL', () => {
    test.skip(`skipped: ${found.missing}`, () => {});
  });
} else {
  let server: PostgresServer;

  beforeAll(async () => {
    server = await startPostgres();
  });

  afterAll(async () => {
    await server.stop();
  });

  storeContract('PostgreSQL', async (): Promise<StorePlace> => {
    const connectionString = await server.createDatabase();
    const artifacts = freshFolder();
    return {
      url: `${connectionString}?artifacts=${encodeURIComponent(artifacts)}`,
      artifacts,
      async execute(sql) {
        const client = new pg.Client({ connectionString });
        await client.connect();
        try {
          await client.query(sql);
        } finally {
          await client.end();
        }
      },
    };
  });
}
