import { BallastError } from '../errors.js';
import type { StoreContext } from './context.js';
import { insertLineage } from './lineage.js';
import { requireRun } from './run-rows.js';
import { hasControlCharacter, storableText } from './text.js';
import type { ArtifactRecord, ArtifactStore, OpenArtifact } from './types.js';

const LONGEST_PATH = 500;

/** The {@link ArtifactStore} part of a store. */
export function artifactStore({ db, folder }: StoreContext): ArtifactStore {
  const select = (runId: string) =>
    db
      .selectFrom('artifact')
      .innerJoin('blob', 'blob.sha256', 'artifact.sha256')
      .where('run_id', '=', runId)
      .select(['run_id', 'path', 'artifact.sha256', 'size', 'media_type', 'artifact.created_at']);

  return {
    async putArtifact(runId, path, source, { mediaType = 'application/octet-stream', model = false } = {}) {
      checkArtifactPath(path);
      const staged = await folder.stage(source);
      const { sha256, size } = staged;
      const createdAt = Date.now();
      try {
        await db.transaction().execute(async (transaction) => {
          await requireRun(transaction, runId);
          // Locks the content's row: the collector of garbage, which locks it too, runs wholly before or after this.
          await transaction
            .insertInto('blob')
            .values({ sha256, size, created_at: createdAt })
            .onConflict((conflict) => conflict.column('sha256').doUpdateSet({ size }))
            .execute();
          await folder.place(staged);
          const row = { sha256, media_type: mediaType, created_at: createdAt };
          await transaction
            .insertInto('artifact')
            .values({ run_id: runId, path, ...row })
            .onConflict((conflict) => conflict.columns(['run_id', 'path']).doUpdateSet(row))
            .execute();
          if (!model) return;
          const edge = {
            from: { kind: 'run', id: runId },
            to: { kind: 'model', id: sha256 },
            relation: 'produced',
          } as const;
          await insertLineage(transaction, [edge]);
        });
      } finally {
        await folder.discard(staged);
      }
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
      const record = toRecord(row);
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
      } satisfies OpenArtifact;
    },
  };
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
