import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { smallDiskUnavailable, startStoreChildOnDisk } from '../../../test/support/store-child.js';
import type { RecorderState } from './recorder.js';

interface Told {
  readonly full: RecorderState;
  readonly later: RecorderState;
  readonly after: RecorderState;
  readonly told: readonly string[];
  readonly problems: readonly unknown[];
  readonly rows: number;
  readonly counted: number;
}

const unavailable = smallDiskUnavailable();

test.skipIf(unavailable !== undefined)(
  `while the disk is full, what is observed is kept, bounded and told of; with room again it is written${unavailable === undefined ? '' : `: ${unavailable}`}`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballast-full-'));
    try {
      const child = startStoreChildOnDisk(folder, 8192, 'observe');
      await child.ended();
      const { full, later, after, told, problems, rows, counted } = JSON.parse(child.lines[0] ?? '') as Told;
      expect(full).toMatchObject({ waiting: 500, dropped: 1500, written: 10, unreachableSince: expect.any(Number) });
      expect(later).toMatchObject({ waiting: 500, dropped: 3500, written: 10 });
      expect(after).toEqual({ waiting: 0, dropped: 3500, written: 510, refused: 0 });
      // Rows are bounded; of all 4,010 it is known that they were.
      expect([rows, counted]).toEqual([510, 4010]);
      expect(told).toEqual([
        expect.stringContaining('cannot be written and is kept in memory'),
        'What is observed is written again',
      ]);
      expect(problems).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
  120_000,
);
