import { writeFile } from 'node:fs/promises';
import { answer } from '../output.js';
import type { ExportOptions } from './exporter.js';

/** Writes what was exported to a file where one is named, to the terminal otherwise. */
export async function answerText(
  what: string,
  model: string | null,
  text: string,
  options: ExportOptions,
): Promise<void> {
  const { out } = options;
  if (out === undefined) {
    answer(options, { what, model, text }, text.trimEnd());
    return;
  }
  await writeFile(out, text);
  answer(options, { what, model, file: out, bytes: Buffer.byteLength(text) }, `Wrote ${out}`);
}
