import { BallastError } from '../../errors.js';
import {
  EVERYONE,
  type Grant,
  PERMISSIONS,
  type Role,
  type Store,
  type Subject,
  type User,
} from '../../store/index.js';
import type { Caller, Permission } from '../access.js';

/** What a role may do with whatever no grant speaks of. */
const OF_ROLE: Record<Role, Permission> = { viewer: 'read', editor: 'edit', deployer: 'deploy', admin: 'manage' };

const rank = (permission: Grant['permission']): number => PERMISSIONS.indexOf(permission);

/**
 * What a user may do with a subject: the larger of its own grant and of what its role gives, which a grant to everyone
 * limits. Administrators may everything.
 */
function permissionOf(user: User, grants: readonly Grant[]): Grant['permission'] {
  if (user.role === 'admin') return 'manage';
  const of = (name: string): Grant['permission'] | undefined => grants.find((grant) => grant.user === name)?.permission;
  const everyone = of(EVERYONE);
  const role = OF_ROLE[user.role];
  const usual = everyone !== undefined && rank(everyone) < rank(role) ? everyone : role;
  const own = of(user.name) ?? 'none';
  return rank(own) > rank(usual) ? own : usual;
}

/**
 * Whether that is enough. What traffic follows is moved by those whose role says so, or who were granted `deploy`: whoever
 * made a model manages it, and does not release it by that.
 */
function isPermitted(user: User, grants: readonly Grant[], permission: Permission): boolean {
  if (rank(permissionOf(user, grants)) < rank(permission)) return false;
  if (permission !== 'deploy' || rank(OF_ROLE[user.role]) >= rank('deploy')) return true;
  return grants.some((grant) => grant.user === user.name && grant.permission === 'deploy');
}

/** A caller that is known, and held to its permissions. */
export function permittedCaller(store: Store, user: User): Caller {
  const own = store.as(user.name);
  const allowed = async (subject: Subject, permission: Permission): Promise<boolean> =>
    user.role === 'admin' || isPermitted(user, await own.listGrants(subject), permission);

  async function require(subject: Subject, permission: Permission, name: string): Promise<void> {
    if (await allowed(subject, permission)) return;
    throw denied(`${user.name} may not ${permission} this ${subject.kind}`, name);
  }

  function requireRole(permission: Permission, what: string): void {
    if (rank(OF_ROLE[user.role]) < rank(permission)) throw denied(`A ${user.role} may not make ${what}`, user.name);
  }

  const caller: Caller = {
    name: user.name,
    role: user.role,
    store: own,
    requireExperiment: (id, permission) => require({ kind: 'experiment', id }, permission, `experiments/${id}`),
    async requireRun(runId, permission) {
      await caller.requireExperiment(await own.experimentOfRun(runId), permission);
    },
    async requireLoggedModel(modelId, permission) {
      const { experimentId } = await own.getLoggedModel(modelId, { deletedToo: true });
      await caller.requireExperiment(experimentId, permission);
    },
    async requireModel(name, permission) {
      const { id } = await own.getModel(name);
      await require({ kind: 'model', id }, permission, `models:/${name}`);
    },
    requireAdmin() {
      if (user.role !== 'admin') throw denied('Only administrators may do this', user.name);
    },
    async createExperiment(name, tags) {
      requireRole('edit', 'experiments');
      const id = await own.createExperiment(name, tags);
      await own.grant({ kind: 'experiment', id }, user.name, 'manage');
      return id;
    },
    async createModel(name, options) {
      requireRole('edit', 'models');
      await own.createModel(name, options);
      const { id } = await own.getModel(name);
      await own.grant({ kind: 'model', id }, user.name, 'manage');
    },
    async readable(ids) {
      const grants = await own.listGrants();
      return ids.filter((id) => {
        const of = grants.filter(({ subject }) => subject.kind === 'experiment' && subject.id === id);
        return rank(permissionOf(user, of)) >= rank('read');
      });
    },
    async mayReadModel(name) {
      const { id } = await own.getModel(name);
      return allowed({ kind: 'model', id }, 'read');
    },
  };
  return caller;
}

function denied(message: string, place: string): BallastError {
  return new BallastError(message, {
    code: 'ACCESS_DENIED',
    kind: 'forbidden',
    place,
    remedy: 'Ask an administrator for a role or a grant: ballast users grant.',
  });
}
