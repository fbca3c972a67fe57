import { createHash } from 'node:crypto';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newRun, type Subject } from './subject.js';

/** The store contract's part on artifacts. */
export function artifactsContract(subject: Subject): void {
  describe('artifacts', () => {
    const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

    test('come back from memory, files and streams', async () => {
      const runId = await subject.store.createRun(newRun());
      const file = join(subject.scratch, 'report.html');
      await writeFile(file, 'from a file');
      await subject.store.putArtifact(runId, 'report/index.html', { file }, { mediaType: 'text/html' });
      await subject.store.putArtifact(runId, 'a.bin', Buffer.from('from memory'));
      await subject.store.putArtifact(runId, 'empty', new Uint8Array(0));
      async function* pieces() {
        yield Buffer.from('from ');
        yield Buffer.from('a stream');
      }
      await subject.store.putArtifact(runId, 'b.bin', pieces());
      expect(
        (await subject.store.listArtifacts(runId)).map(({ path, size, mediaType }) => [path, size, mediaType]),
      ).toEqual([
        ['a.bin', 11, 'application/octet-stream'],
        ['b.bin', 13, 'application/octet-stream'],
        ['empty', 0, 'application/octet-stream'],
        ['report/index.html', 11, 'text/html'],
      ]);
      const opened = await subject.store.openArtifact(runId, 'report/index.html');
      expect(text(await opened.bytes())).toBe('from a file');
      expect(opened.sha256).toBe(createHash('sha256').update('from a file').digest('hex'));
      expect(await opened.file()).toContain(opened.sha256);
      let streamed = '';
      for await (const piece of (await subject.store.openArtifact(runId, 'b.bin')).stream()) streamed += text(piece);
      expect(streamed).toBe('from a stream');
      expect(await (await subject.store.openArtifact(runId, 'empty')).bytes()).toHaveLength(0);
      await expect(subject.store.openArtifact(runId, 'c')).rejects.toMatchObject({ code: 'ARTIFACT_NOT_FOUND' });
      const missing = { file: join(subject.scratch, 'none such') };
      await expect(subject.store.putArtifact(runId, 'd', missing)).rejects.toMatchObject({
        code: 'ARTIFACT_SOURCE_UNREADABLE',
      });
    });

    test('any bytes in any pieces', async () => {
      const runId = await subject.store.createRun(newRun());
      await fc.assert(
        fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 50 }), { maxLength: 5 }), async (pieces) => {
          const { sha256 } = await subject.store.putArtifact(
            runId,
            'x',
            (async function* () {
              yield* pieces;
            })(),
          );
          const whole = Buffer.concat(pieces);
          expect(sha256).toBe(createHash('sha256').update(whole).digest('hex'));
          expect(Buffer.compare(await (await subject.store.openArtifact(runId, 'x')).bytes(), whole)).toBe(0);
        }),
        { numRuns: 20 },
      );
    });

    test('of equal content are stored once; a path can be given another content', async () => {
      const [a, b] = [await subject.store.createRun(newRun()), await subject.store.createRun(newRun())];
      const first = await subject.store.putArtifact(a, 'x', Buffer.from('the same'));
      const second = await subject.store.putArtifact(b, 'y', Buffer.from('the same'));
      expect(await (await subject.store.openArtifact(a, 'x')).file()).toBe(
        await (await subject.store.openArtifact(b, 'y')).file(),
      );
      expect(second.sha256).toBe(first.sha256);
      await subject.store.putArtifact(a, 'x', Buffer.from('another'));
      expect(text(await (await subject.store.openArtifact(a, 'x')).bytes())).toBe('another');
      expect(text(await (await subject.store.openArtifact(b, 'y')).bytes())).toBe('the same');
      expect(readdirSync(join(subject.place.artifacts, 'tmp'))).toEqual([]);
    });

    test.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', './a', 'a/', 'C:/x', 'a\\b', 'a\0', 'x'.repeat(501)])(
      'refuse the path %j',
      async (path) => {
        const runId = await subject.store.createRun(newRun());
        await expect(subject.store.putArtifact(runId, path, new Uint8Array(1))).rejects.toMatchObject({
          code: 'ARTIFACT_PATH_INVALID',
        });
      },
    );

    test('that were tampered with, cut or lost are an error on every way of reading', async () => {
      const runId = await subject.store.createRun(newRun());
      await subject.store.putArtifact(runId, 'model', Buffer.from('the true weights'));
      const artifact = await subject.store.openArtifact(runId, 'model');
      const path = await artifact.file();
      const drain = async () => {
        for await (const _piece of artifact.stream());
      };
      for (const [content, code] of [
        ['the fake weights', 'ARTIFACT_CORRUPT'],
        ['the true', 'ARTIFACT_CORRUPT'],
        [undefined, 'ARTIFACT_MISSING'],
      ] as const) {
        chmodSync(path, 0o600);
        if (content === undefined) await rm(path);
        else writeFileSync(path, content);
        await expect(artifact.bytes()).rejects.toMatchObject({ code, exitCode: 3 });
        await expect(artifact.file()).rejects.toMatchObject({ code });
        await expect(drain()).rejects.toMatchObject({ code });
        const kind = code === 'ARTIFACT_CORRUPT' ? 'corrupt' : 'missing';
        expect(await subject.store.verify()).toMatchObject([{ kind, subject: artifact.sha256 }]);
      }
      await subject.store.putArtifact(runId, 'model', Buffer.from('the true weights'));
      expect(text(await artifact.bytes())).toBe('the true weights');
      expect(await subject.store.verify()).toEqual([]);
    });

    test('whose source fails leave nothing behind', async () => {
      const runId = await subject.store.createRun(newRun());
      async function* failing() {
        yield Buffer.from('half');
        throw new Error('the source broke');
      }
      await expect(subject.store.putArtifact(runId, 'x', failing())).rejects.toThrow('the source broke');
      expect(await subject.store.listArtifacts(runId)).toEqual([]);
      expect(readdirSync(join(subject.place.artifacts, 'tmp'))).toEqual([]);
    });
  });
}
