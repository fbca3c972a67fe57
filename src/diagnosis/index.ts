/** From what is known of data and runs to what to do. */
export { type Advice, type AdviceInput, advise, type SeenRun } from './advice.js';
export { diagnose, isHealthy } from './diagnose.js';
export type { DeclaredStrength, Evidence, Probe, ProbeKind, SeedEvidence, TrainingEvidence } from './evidence.js';
export type { Finding, Rule } from './finding.js';
export { applyPatch, type PatchOperation, type SpecPatch } from './patch.js';
