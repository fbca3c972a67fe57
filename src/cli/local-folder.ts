import { resolve } from 'node:path';
import { parseStoreUrl } from '../store/url.js';

/** The folder of this machine for what belongs to a store but is no record: checkpoints, reports, models. */
export function localFolder(store: string): string {
  const location = parseStoreUrl(store);
  return location.kind === 'sqlite' ? location.folder : resolve('.ballast');
}
