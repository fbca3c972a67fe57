import type { OperatorSetIdProto } from 'onnx-buf';
import { modelFault, quote } from './fault.js';

/** `ai.onnx` is another name of the default domain. */
export function plainDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/**
 * Opset imports by domain, `ai.onnx` as ''.
 *
 * @throws BallastError MODEL_OPSET where a domain is imported in two versions
 */
export function decodeOpsets(imports: readonly OperatorSetIdProto[], place: string): Map<string, number> {
  const opsets = new Map<string, number>();
  for (const entry of imports) {
    const domain = plainDomain(entry.domain);
    const version = Number(entry.version);
    const known = opsets.get(domain);
    if (known !== undefined && known !== version) {
      throw modelFault('MODEL_OPSET', place, `domain ${quote(domain)} is imported as ${known} and as ${version}`);
    }
    opsets.set(domain, version);
  }
  return opsets;
}
