import { readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

/** The package, seen from its sources and from what was compiled alike. */
const ROOT = dirname(fileURLToPath(new URL('../../../package.json', import.meta.url)));

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Scripts and styles of the page's own only; nothing is loaded from elsewhere, and no other page may frame it. */
const POLICY = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'";

/**
 * The dashboard's files, from `dist/dashboard`, in memory: what is not among them is not served. Nothing where it was not
 * built.
 */
export async function dashboardPages(app: FastifyInstance): Promise<void> {
  for (const [path, { bytes, type }] of filesOf(join(ROOT, 'dist', 'dashboard'))) {
    const paths = path === 'index.html' ? ['/', '/index.html'] : [`/${path}`];
    for (const url of paths) {
      app.get(url, { config: { byCapability: true } }, async (_request, reply) =>
        reply.header('content-security-policy', POLICY).type(type).send(bytes),
      );
    }
  }
}

function filesOf(folder: string): Map<string, { bytes: Buffer; type: string }> {
  const files = new Map<string, { bytes: Buffer; type: string }>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      files.set(path.slice(folder.length + 1).replaceAll('\\', '/'), { bytes: readFileSync(path), type });
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  return files;
}
