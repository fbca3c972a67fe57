import { modelFault, type Place } from './fault.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/**
 * UTF-8 bytes of an attribute or of a tensor's element -> text.
 *
 * @throws BallastError MODEL_UNSUPPORTED where the bytes are not UTF-8 (an operator's private data): text could not be
 *   written back as it was
 */
export function decodeText(bytes: Uint8Array, place: Place): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw modelFault('MODEL_UNSUPPORTED', place, 'a string that is not UTF-8 text is not supported', { cause });
  }
}

/** Text -> UTF-8 bytes. */
export function encodeText(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}
