import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RolloutDocument } from '../../src/rollout/index.js';
import type { PlantedUsers, Seen } from './planted-users.js';
import type { ServeProcess } from './served-store.js';

const BIN = fileURLToPath(new URL('../../bin/ballast', import.meta.url));

export interface PlantedEnd {
  readonly state: string;
  readonly reason: string;
  /** From the start to the decision, s; to the last answer of the candidate beyond it. */
  readonly seconds: number;
  /** From the decision until no user met the candidate any more, ms; 0 where none did. */
  readonly followedMs: number;
  /** What users were answered by the candidate. */
  readonly met: readonly Seen[];
  /** Requests of users that were not answered at all. */
  readonly failed: number;
  readonly asked: number;
}

export interface PlantedOptions {
  readonly folder: string;
  readonly serve: ServeProcess;
  readonly users: PlantedUsers;
  readonly model: string;
  readonly version: number;
  /** Of the first step; 0 is shadow. */
  readonly weight: number;
  readonly withinMs: number;
  /** Called ten times a second while it runs. */
  readonly meanwhile?: () => void;
}

/** Brings a version into traffic from the command line, and waits until it is rolled back or the time is over; then it is aborted. */
export async function bringPlanted(options: PlantedOptions): Promise<PlantedEnd> {
  const { folder, serve, users, model, version, weight, withinMs, meanwhile = () => {} } = options;
  const file = join(folder, 'rollout.yaml');
  await writeFile(file, `every: 1s\nsteps: [{ weight: ${weight}, watch: 1h }, { weight: 1 }]\n`);
  const from = users.seen.length;
  const begun = await command<RolloutDocument>(
    ...[folder, 'rollout', 'start', model, '--candidate', String(version), '--options', file],
  );
  const until = Date.now() + withinMs;
  let document = begun;
  while (document.closedAt === undefined && Date.now() < until) {
    meanwhile();
    await wait(100);
    document = (await (await fetch(`${serve.url}/api/v1/rollouts/${begun.rolloutId}`)).json()) as RolloutDocument;
  }
  const { state, decision } = document;
  const decided = decision?.at ?? Date.now();
  if (document.closedAt === undefined) await command(folder, 'rollout', 'abort', model);
  // Servers follow within half a second; what was under way is answered.
  await wait(1500);
  const after = users.seen.slice(from);
  const met = after.filter((each) => each.version === String(version));
  const last = Math.max(decided, ...met.map(({ at }) => at));
  return {
    ...{ state, reason: decision?.reason ?? '', met, asked: after.length },
    seconds: (decided - Date.parse(begun.startedAt)) / 1000,
    followedMs: last - decided,
    failed: after.filter(({ failed }) => failed).length,
  };
}

async function command<T>(folder: string, ...words: string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [BIN, ...words, '--json'], { cwd: folder });
  return JSON.parse(stdout) as T;
}
