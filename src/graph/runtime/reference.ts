/**
 * A native object with several users: its session, each binding and each run in flight. It is freed when the last one
 * drops it, so that no order of releases, and no order of garbage collection, frees what is still in use.
 */
export interface Reference {
  retain(): void;
  drop(): void;
}

/** A reference with one user so far; `free` is called once, by the last `drop`. */
export function reference(free: () => void): Reference {
  let users = 1;
  return {
    retain: () => {
      users++;
    },
    drop: () => {
      users--;
      if (users === 0) free();
    },
  };
}

const abandoned = new FinalizationRegistry<() => void>((drop) => drop());

/**
 * Ties a clean-up to its owner: it runs once, at the returned call or, where that never comes, after the owner was
 * garbage-collected. `cleanUp` must not refer to the owner, or the owner would never be collected.
 */
export function ownedBy(owner: object, cleanUp: () => void): () => void {
  const token = {};
  let done = false;
  const once = (): void => {
    if (done) return;
    done = true;
    abandoned.unregister(token);
    cleanUp();
  };
  abandoned.register(owner, once, token);
  return once;
}

/** The state of something that is used by one run at a time and freed when it is released and no run is in flight. */
export interface Lifetime {
  readonly running: boolean;
  readonly released: boolean;
  begin(): void;
  end(): void;
  release(): void;
}

export function lifetime(free: () => void): Lifetime {
  let running = false;
  let released = false;
  let freed = false;
  const settle = (): void => {
    if (freed || running || !released) return;
    freed = true;
    free();
  };
  return {
    get running() {
      return running;
    },
    get released() {
      return released;
    },
    begin: () => {
      running = true;
    },
    end: () => {
      running = false;
      settle();
    },
    release: () => {
      released = true;
      settle();
    },
  };
}
