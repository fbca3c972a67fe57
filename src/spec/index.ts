/** The spec file: schema, reading with positions, defaults written back. */

export type { CompressionOptions } from './compression-options.js';
export { type PreparedData, type PrepareOptions, prepareData } from './prepare.js';
export { parseSpec, type ResolvedSpec, readSpec, resolveSpec } from './read.js';
export { type Spec, specJsonSchema, specSchema } from './schema.js';
export { type Sli, type Slo, sloOptions } from './slo-options.js';
