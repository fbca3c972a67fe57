/** The spec file: schema, reading with positions, defaults written back. */
export { parseSpec, type ResolvedSpec, readSpec, resolveSpec } from './read.js';
export { type Spec, specJsonSchema, specSchema } from './schema.js';
