/** Architectures as graphs. */
export { buildModel, type ModelSetting } from './build.js';
export type { ModelInput } from './inputs.js';
export { type ModelOptions, modelOptions, type NativeModelOptions } from './options.js';
