import type { Command } from 'commander';
import type { Store } from '../../store/types.js';
import type { CommonOptions } from '../output.js';

export interface ExportOptions extends CommonOptions {
  out?: string;
}

/** One thing that `ballast export` writes: a file for another system. Options of its own are added by `options`. */
export interface Exporter<Options extends ExportOptions = ExportOptions> {
  readonly summary: string;
  readonly example: string;
  /** What the argument is: a model, or all models without one. */
  readonly argument: '<model>' | '[model]';
  options?(command: Command): void;
  render(store: Store, model: string | undefined, options: Options): Promise<string>;
}
