/** Serving: models answer requests, each row observed. */
export type { Routing } from './model/routing.js';
export type { ServedVersion, VersionLoader } from './model/served-version.js';
export type { Observation, ObservationSink } from './observation.js';
export { binaryData, decodeBytes, encodeBytes, JSON_LENGTH_HEADER, splitBody } from './protocol/binary.js';
export { DATATYPE_OF } from './protocol/datatypes.js';
export { outputJson } from './protocol/encode-json.js';
export type { RawData } from './protocol/feeds.js';
export { type InferRequest, type Parameters, parseInferRequest } from './protocol/request.js';
export { decodeContents, encodeContents, hasTypedContents, type TypedContents } from './protocol/typed-contents.js';
export { Gate, type RequestLimits } from './service/limits.js';
export {
  type Answer,
  type AnsweredRequest,
  InferenceService,
  type Inquiry,
  type ServiceOptions,
} from './service/service.js';
export { placeOfKey, versionAt } from './traffic/split.js';
export { Upstream } from './upstream/upstream.js';
export { watchVersions } from './upstream/watched-version.js';
export { DEFAULT_POLICIES, type InputPolicies, type Policy } from './validation/checks.js';
