import { readFile } from 'node:fs/promises';

/** Which of the features this processor has; none where the system does not say. */
export async function processorFeatures(asked: readonly string[]): Promise<string[]> {
  if (process.platform !== 'linux') return [];
  // Sandboxes may hide /proc; then the processor's name has to do.
  const text = await readFile('/proc/cpuinfo', 'utf8').catch(() => '');
  const flags = new Set(/^(?:flags|Features)\s*:(.*)$/m.exec(text)?.[1].trim().split(/\s+/) ?? []);
  return asked.filter((feature) => flags.has(feature));
}

/**
 * Whether sums of 8-bit products are exact. On x86 without dot-product instructions (VNNI) the runtime adds two products
 * in 16 bits, which saturates unless weights keep to 7 bits; such processors also gain less from 8 bits.
 */
export async function exactByteProducts(): Promise<boolean> {
  if (process.arch !== 'x64') return true;
  return (await processorFeatures(['avx512_vnni', 'avx_vnni', 'amx_int8'])).length > 0;
}
