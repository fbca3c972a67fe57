import { createHash } from 'node:crypto';
import type { Runtime, Session } from '../../graph/runtime/runtime.js';

/** Sessions that are kept once nobody uses them. */
const KEPT = 12;

interface Shared {
  readonly session: Promise<Session>;
  users: number;
}

/**
 * A runtime that loads each graph once. Strengths, learning rate, weights and data are inputs of a training step's graph,
 * so that all trials that differ in those alone write the same bytes, and get the same session: compiled once.
 */
export function sharedSessions(runtime: Runtime): Runtime {
  const sessions = new Map<string, Shared>();
  return {
    name: runtime.name,
    version: runtime.version,
    providers: runtime.providers,
    allocate: (type, shape) => runtime.allocate(type, shape),
    wrap: (type, shape, data) => runtime.wrap(type, shape, data),
    async load(model, options = {}) {
      const key = createHash('sha256').update(model).update(JSON.stringify(options)).digest('hex');
      const known = sessions.get(key);
      const shared = known ?? { session: runtime.load(model, options), users: 0 };
      // Anew at the end: the order is that of last use.
      sessions.delete(key);
      sessions.set(key, shared);
      shared.users++;
      let session: Session;
      try {
        session = await shared.session;
      } catch (error) {
        sessions.delete(key);
        throw error;
      }
      await dropUnused(sessions);
      let released = false;
      return {
        inputs: session.inputs,
        outputs: session.outputs,
        run: (feeds, fetches, run) => session.run(feeds, fetches, run),
        bind: (inputs, outputs) => session.bind(inputs, outputs),
        release() {
          if (released) return;
          released = true;
          shared.users--;
        },
      };
    },
  };
}

async function dropUnused(sessions: Map<string, Shared>): Promise<void> {
  let unused = [...sessions.values()].filter(({ users }) => users === 0).length;
  for (const [key, { session, users }] of sessions) {
    if (unused <= KEPT) return;
    if (users > 0) continue;
    sessions.delete(key);
    unused--;
    (await session).release();
  }
}
