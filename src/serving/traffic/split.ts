import { createHash } from 'node:crypto';
import type { TrafficShare } from '../../store/index.js';

/**
 * Where a key lies between 0 and 1: always the same for a model, elsewhere for another model, so that users who are candidates of one
 * are not those of every other. The first 52 bits of a SHA-256.
 */
export function placeOfKey(model: string, key: string): number {
  const digest = createHash('sha256').update(model).update('\0').update(key).digest();
  return (digest.readUInt32BE(0) * 2 ** 20 + (digest.readUInt32BE(4) >>> 12)) / 2 ** 52;
}

/**
 * The version that a place between 0 and 1 falls to. The live version comes last, so that a candidate whose share grows keeps whom it
 * had; several candidates stand in the order of their versions.
 *
 * @returns undefined where there are only shadows
 */
export function versionAt(shares: readonly TrafficShare[], place: number): TrafficShare | undefined {
  const answering = shares.filter(({ role, weight }) => role !== 'shadow' && weight > 0).sort(candidatesFirst);
  let end = 0;
  for (const share of answering) {
    end += share.weight;
    if (place < end) return share;
  }
  return answering.at(-1);
}

function candidatesFirst(a: TrafficShare, b: TrafficShare): number {
  return Number(a.role === 'live') - Number(b.role === 'live') || a.version - b.version;
}
