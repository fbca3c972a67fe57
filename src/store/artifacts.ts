import { type Kysely, type RawBuilder, sql } from 'kysely';
import { BallastError } from '../errors.js';
import type { ArtifactFolder } from './artifact-folder.js';
import type { StoreContext } from './context.js';
import { insertLineage } from './lineage.js';
import { requireRun } from './run-rows.js';
import type { StoreSchema } from './schema.js';
import { hasControlCharacter, storableText } from './text.js';
import type { ArtifactRecord, ArtifactSource, ArtifactStore, OpenArtifact } from './types.js';

const LONGEST_PATH = 500;

/** The {@link ArtifactStore} part of a store. */
export function artifactStore(context: StoreContext): ArtifactStore {
  const { db, folder } = context;
  const select = (runId: string) =>
    db
      .selectFrom('artifact')
      .innerJoin('blob', 'blob.sha256', 'artifact.sha256')
      .where('run_id', '=', runId)
      .select(['run_id', 'path', 'artifact.sha256', 'size', 'media_type', 'artifact.created_at']);

  return {
    async putArtifact(runId, path, source, { mediaType = 'application/octet-stream', model = false } = {}) {
      const { sha256, size, createdAt } = await storeContent(context, path, source, async (transaction, content) => {
        await requireRun(transaction, runId);
        const row = { sha256: content.sha256, media_type: mediaType, created_at: content.createdAt };
        await transaction
          .insertInto('artifact')
          .values({ run_id: runId, path, ...row })
          .onConflict((conflict) => conflict.columns(['run_id', 'path']).doUpdateSet(row))
          .execute();
        if (!model) return;
        const edge = {
          from: { kind: 'run', id: runId },
          to: { kind: 'model', id: content.sha256 },
          relation: 'produced',
        } as const;
        await insertLineage(transaction, [edge]);
      });
      return { runId, path, sha256, size, mediaType, createdAt: new Date(createdAt) };
    },

    async listArtifacts(runId) {
      await requireRun(db, runId, { deletedToo: true });
      return (await select(runId).orderBy('path').execute()).map(toRecord);
    },

    async openArtifact(runId, path) {
      await requireRun(db, runId, { deletedToo: true });
      const row = await select(runId).where('path', '=', path).executeTakeFirst();
      if (row === undefined) {
        throw new BallastError(`The run has no artifact "${path}"`, {
          code: 'ARTIFACT_NOT_FOUND',
          kind: 'not-found',
          place: `runs:/${runId}`,
          remedy: 'List its artifacts to see what there is.',
        });
      }
      return openContent(folder, toRecord(row));
    },

    async deleteArtifacts(runId, path) {
      await requireRun(db, runId);
      checkArtifactPath(path);
      const { numDeletedRows } = await db
        .deleteFrom('artifact')
        .where('run_id', '=', runId)
        .where(isAtOrBelow(path))
        .executeTakeFirstOrThrow();
      return Number(numDeletedRows);
    },
  };
}

interface Content {
  readonly sha256: string;
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/**
 * Puts a content into the artifact folder and, in the same transaction, under its name.
 *
 * @param name writes the row that names the content
 */
export async function storeContent(
  { db, folder }: StoreContext,
  path: string,
  source: ArtifactSource,
  name: (transaction: Kysely<StoreSchema>, content: Content) => Promise<void>,
): Promise<Content> {
  checkArtifactPath(path);
  const staged = await folder.stage(source);
  const { sha256, size } = staged;
  const content = { sha256, size, createdAt: Date.now() };
  try {
    await db.transaction().execute(async (transaction) => {
      // Locks the content's row: the collector of garbage, which locks it too, runs wholly before or after this.
      await transaction
        .insertInto('blob')
        .values({ sha256, size, created_at: content.createdAt })
        .onConflict((conflict) => conflict.column('sha256').doUpdateSet({ size }))
        .execute();
      await folder.place(staged);
      await name(transaction, content);
    });
  } finally {
    await folder.discard(staged);
  }
  return content;
}

/** A record with the ways to read its content. */
export function openContent<Record extends { sha256: string; size: number }>(
  folder: ArtifactFolder,
  record: Record,
): Record & Pick<OpenArtifact, 'bytes' | 'stream' | 'file'> {
  const read = () => folder.read(record.sha256, record.size);
  return {
    ...record,
    stream: read,
    async bytes() {
      const bytes = new Uint8Array(record.size);
      let at = 0;
      for await (const piece of read()) {
        bytes.set(piece, at);
        at += piece.byteLength;
      }
      return bytes;
    },
    async file() {
      for await (const _piece of read());
      return folder.pathOf(record.sha256);
    },
  };
}

/** The condition that the column `path` is a path or lies below it. */
export function isAtOrBelow(path: string): RawBuilder<boolean> {
  // Every path below "a" begins with "a/", and "0" comes right after "/".
  return sql<boolean>`(path = ${path} or (path > ${`${path}/`} and path < ${`${path}0`}))`;
}

/**
 * Checks an artifact's path: relative, forward slashes, no empty, `.` or `..` part, at most 500 characters; so that it
 * names the same file below any folder it is exported to.
 */
function checkArtifactPath(path: string): void {
  const fault =
    path.length > LONGEST_PATH || path === ''
      ? `is empty or longer than ${LONGEST_PATH} characters`
      : hasControlCharacter(path) || storableText(path) !== path
        ? 'holds a control character'
        : path.includes('\\') || /^[a-z]:/i.test(path)
          ? 'holds a backslash or a drive'
          : path.split('/').some((part) => part === '' || part === '.' || part === '..')
            ? 'is not relative and plain'
            : undefined;
  if (fault === undefined) return;
  throw new BallastError(`The path of the artifact ${fault}`, {
    code: 'ARTIFACT_PATH_INVALID',
    value: path,
    remedy: 'Use a relative path with forward slashes and without "..".',
  });
}

interface ArtifactRow {
  run_id: string;
  path: string;
  sha256: string;
  size: number;
  media_type: string;
  created_at: number;
}

function toRecord(row: ArtifactRow): ArtifactRecord {
  return {
    runId: row.run_id,
    path: row.path,
    sha256: row.sha256,
    size: row.size,
    mediaType: row.media_type,
    createdAt: new Date(row.created_at),
  };
}
