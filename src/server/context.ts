import type { FastifyRequest } from 'fastify';
import type { Store } from '../store/index.js';
import type { Caller } from './access.js';

/** What the parts of a server work with. */
export interface ServerContext {
  readonly store: Store;
  /** The largest artifact, in bytes. */
  readonly artifactBytes: number;
}

/** Who sends a request, found out once per request. */
export function callerOf(request: FastifyRequest): Promise<Caller> {
  const { caller } = request;
  if (caller === undefined) throw new Error('the request was not authenticated');
  return Promise.resolve(caller);
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller | undefined;
  }
  interface FastifyContextConfig {
    /** The address itself is the permission: no one is asked who they are. */
    byCapability?: boolean;
  }
}
