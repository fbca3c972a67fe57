import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { BallastError } from '../../errors.js';
import { HEAD_BYTES, type Head, parseHead } from './wire.js';

/**
 * Takes a request into a folder, a subject in a folder of its own; never more than `limit` bytes of files, and nothing of
 * what comes after them.
 *
 * @throws BallastError REMOTE_REQUEST, REMOTE_TOO_LARGE
 */
export async function receive(
  body: AsyncIterable<Buffer>,
  limit: number,
  folderOf: (subject: number) => Promise<string>,
): Promise<Head> {
  const bytes = new Bytes(body);
  const length = (await bytes.whole(4)).readUInt32LE(0);
  if (length > Math.min(HEAD_BYTES, limit)) throw tooLarge(length, limit);
  const head = parseHead(await bytes.whole(length));
  const total = head.subjects.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0);
  if (total > limit) throw tooLarge(total, limit);
  for (const [i, { files }] of head.subjects.entries()) {
    const folder = await folderOf(i);
    for (const { name, bytes: size } of files) {
      const file = await open(join(folder, name), 'wx');
      try {
        for await (const part of bytes.take(size)) await file.writeFile(part);
      } finally {
        await file.close();
      }
    }
  }
  return head;
}

/** A stream from which so many bytes are taken at a time. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(body: AsyncIterable<Buffer>) {
    this.#chunks = body[Symbol.asyncIterator]();
  }

  async *take(count: number): AsyncGenerator<Buffer> {
    let left = count;
    while (left > 0) {
      if (this.#rest.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done === true) {
          throw new BallastError(`the request ends ${left} bytes before what it announced`, { code: 'REMOTE_REQUEST' });
        }
        this.#rest = value;
        continue;
      }
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.length);
      left -= part.length;
      yield part;
    }
  }

  async whole(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const part of this.take(count)) parts.push(part);
    return Buffer.concat(parts);
  }
}

function tooLarge(bytes: number, limit: number): BallastError {
  return new BallastError(`the request has ${bytes} bytes, and this agent takes ${limit}`, {
    code: 'REMOTE_TOO_LARGE',
    kind: 'limit',
    remedy: 'Start the agent with a larger --max-mb',
  });
}
