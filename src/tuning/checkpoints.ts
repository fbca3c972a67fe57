import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../graph/format/make-folder.js';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from '../training/checkpoint.js';

/** Checkpoints of runs as files of this machine, one a run, each replacing the one before. */
export class CheckpointFolder {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async save(runId: string, checkpoint: Checkpoint): Promise<void> {
    await makeFolder(this.#folder);
    await writeCheckpoint(this.#path(runId), checkpoint);
  }

  /** The checkpoint of a run, or undefined where it never got that far. */
  async load(runId: string): Promise<Checkpoint | undefined> {
    const path = this.#path(runId);
    const exists = await stat(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return false;
        throw error;
      },
    );
    return exists ? readCheckpoint(path) : undefined;
  }

  async remove(runId: string): Promise<void> {
    await rm(this.#path(runId), { force: true });
  }

  #path(runId: string): string {
    return join(this.#folder, `${runId}.safetensors`);
  }
}
