import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { BallastError } from '../../errors.js';

const DECOMPRESS = new Map([
  ['gzip', promisify(gunzip)],
  ['deflate', promisify(inflate)],
]);

/**
 * The body of a request, decompressed where it came compressed; however small it came, it grows to no more than `limit` bytes.
 *
 * @throws BallastError `BODY_TOO_LARGE`, `REQUEST_INVALID`
 */
export async function plainBody(body: Buffer, encoding: string | undefined, limit: number): Promise<Buffer> {
  if (encoding === undefined || encoding === 'identity') return body;
  const decompress = DECOMPRESS.get(encoding.toLowerCase());
  if (decompress === undefined) {
    throw new BallastError('This server does not know this compression', {
      code: 'REQUEST_INVALID',
      place: 'content-encoding',
      value: encoding,
      remedy: 'Send gzip, deflate, or no compression.',
    });
  }
  try {
    return await decompress(body, { maxOutputLength: limit });
  } catch (cause) {
    const isLarge = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw new BallastError(isLarge ? `A request is at most ${limit} bytes` : `The body is not ${encoding}`, {
      code: isLarge ? 'BODY_TOO_LARGE' : 'REQUEST_INVALID',
      place: 'body',
      cause,
    });
  }
}
