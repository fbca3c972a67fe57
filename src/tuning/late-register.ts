import type { HoldoutLock, HoldoutRegister } from '../data/holdout.js';

/** A register that keeps what it is to lock until it is told that the work really begins. */
export interface LateRegister extends HoldoutRegister {
  /** Writes what was to be locked; nothing the second time. */
  commit(): Promise<void>;
}

/** Delays the writing of a register's locks: a spec that turns out not to work must not have locked anything. */
export function lateRegister(register: HoldoutRegister): LateRegister {
  const waiting = new Map<string, HoldoutLock>();
  return {
    read: (name) => register.read(name),
    countRead: (name, rowSet, reader) => register.countRead(name, rowSet, reader),
    async write(name, lock) {
      waiting.set(name, lock);
    },
    async commit() {
      for (const [name, lock] of waiting) await register.write(name, lock);
      waiting.clear();
    },
  };
}
