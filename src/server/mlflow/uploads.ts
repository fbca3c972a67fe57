import { randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { BallastError } from '../../errors.js';
import type { Caller, Permission } from '../access.js';
import type { ServerContext } from '../context.js';
import type { ProxyPath } from './artifact-tree.js';
import { limited } from './artifacts.js';

interface Upload {
  /** The path of the proxy, as it was given and as it was understood. */
  readonly named: string;
  readonly proxy: ProxyPath;
  readonly folder: string;
  readonly parts: number;
  readonly begun: number;
}

interface UploadsOptions {
  readonly context: ServerContext;
  permitted(
    request: FastifyRequest,
    path: string,
    permission: Permission,
  ): Promise<{ proxy: ProxyPath; caller: Caller }>;
  put(caller: Caller, proxy: ProxyPath, source: AsyncIterable<Uint8Array>, mediaType: string): Promise<void>;
}

const MOST_PARTS = 10_000;
/** An upload that is not completed in this time is forgotten. */
const LIFE_MS = 24 * 3_600_000;
const MOST_UPLOADS = 1000;

/**
 * Uploads in parts. The address of a part holds a secret of 32 bytes and needs nothing else, as clients send parts
 * without their credentials; it can only add bytes to an upload that a permitted caller has begun.
 */
export async function uploads(app: FastifyInstance, { context, permitted, put }: UploadsOptions): Promise<void> {
  const underWay = new Map<string, Upload>();
  const forget = async (id: string): Promise<void> => {
    const upload = underWay.get(id);
    underWay.delete(id);
    if (upload !== undefined) await rm(upload.folder, { recursive: true, force: true });
  };
  app.addHook('onClose', async () => {
    for (const id of [...underWay.keys()]) await forget(id);
  });

  const wildcard = (request: FastifyRequest): string => (request.params as { '*': string })['*'];

  app.post('/mpu/create/*', async (request) => {
    const { path, num_parts } = parse(
      z.object({ path: z.string(), num_parts: z.int().min(1).max(MOST_PARTS) }),
      await json(request),
    );
    const named = fileIn(wildcard(request), path);
    const { proxy } = await permitted(request, named, 'edit');
    for (const [id, { begun }] of underWay) if (Date.now() - begun > LIFE_MS) await forget(id);
    if (underWay.size >= MOST_UPLOADS)
      throw new BallastError('Too many uploads are under way', {
        code: 'UPLOADS_FULL',
        kind: 'environment',
        remedy: 'Complete or abort some.',
      });
    const id = randomBytes(32).toString('base64url');
    const folder = await mkdtemp(join(tmpdir(), 'ballast-upload-'));
    underWay.set(id, { named, proxy, folder, parts: num_parts, begun: Date.now() });
    const base = `${request.protocol}://${request.headers.host ?? ''}${request.url.slice(0, request.url.indexOf('/mpu/'))}`;
    return {
      upload_id: id,
      credentials: Array.from({ length: num_parts }, (_, i) => ({
        url: `${base}/mpu/parts/${id}/${i + 1}`,
        part_number: i + 1,
        headers: {},
      })),
    };
  });

  app.put('/mpu/parts/:id/:number', { config: { byCapability: true } }, async (request, reply) => {
    const { id, number } = request.params as { id: string; number: string };
    const upload = found(underWay, id);
    const part = Number(number);
    if (!Number.isInteger(part) || part < 1 || part > upload.parts) {
      throw new BallastError('There is no such part', { code: 'UPLOAD_PART_INVALID', place: 'part', value: number });
    }
    const body = request.body === undefined ? [] : limited(request.body as Readable, context.artifactBytes);
    await pipeline(Readable.from(body), createWriteStream(join(upload.folder, String(part))));
    return reply.header('etag', `"${part}"`).send({});
  });

  app.post('/mpu/complete/*', async (request) => {
    const { upload_id, parts } = parse(
      z.object({ upload_id: z.string(), parts: z.array(z.object({ part_number: z.int() })) }),
      await json(request),
    );
    const upload = found(underWay, upload_id);
    const { proxy } = upload;
    const { caller } = await permitted(request, upload.named, 'edit');
    const numbers = parts.map(({ part_number }) => part_number);
    const files = Array.from({ length: upload.parts }, (_, i) => join(upload.folder, String(i + 1)));
    for (const [i, file] of files.entries()) {
      if (numbers[i] === i + 1 && (await exists(file))) continue;
      throw new BallastError(`Part ${i + 1} of the upload is missing`, {
        code: 'UPLOAD_INCOMPLETE',
        remedy: 'Send every part, then complete the upload.',
      });
    }
    await put(caller, proxy, limited(concatenated(files), context.artifactBytes), 'application/octet-stream');
    await forget(upload_id);
    return {};
  });

  app.post('/mpu/abort/*', async (request) => {
    const { upload_id } = parse(z.object({ upload_id: z.string() }), await json(request));
    await permitted(request, wildcard(request), 'edit');
    await forget(upload_id);
    return {};
  });
}

/** The proxy path of a file: the client names the folder in the address and the file in the body. */
function fileIn(folder: string, file: string): string {
  const name = file.replaceAll('\\', '/').split('/').at(-1) ?? '';
  return `${folder.replace(/\/+$/, '')}/${name}`;
}

function found(underWay: ReadonlyMap<string, Upload>, id: string): Upload {
  const upload = underWay.get(id);
  if (upload !== undefined) return upload;
  throw new BallastError('There is no such upload', {
    code: 'UPLOAD_NOT_FOUND',
    kind: 'not-found',
    remedy: 'Begin the upload again.',
  });
}

async function* concatenated(files: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const file of files) for await (const piece of createReadStream(file)) yield piece as Buffer;
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

const MOST_JSON_BYTES = 1 << 20;

async function json(request: FastifyRequest): Promise<unknown> {
  const pieces: Uint8Array[] = [];
  for await (const piece of limited(request.body as Readable, MOST_JSON_BYTES)) pieces.push(piece);
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch (error) {
    throw new BallastError('The request is not JSON', { code: 'REQUEST_INVALID', cause: error });
  }
}

function parse<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new BallastError(`Invalid value for parameter '${issue?.path.map(String).join('.')}': ${issue?.message}`, {
    code: 'REQUEST_INVALID',
  });
}
