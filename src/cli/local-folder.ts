/** The folder of this machine for what belongs to a store but is no record: checkpoints, reports, models. */
export function localFolder(store: string): string {
  if (/^postgres(ql)?:/.test(store)) return '.ballast';
  return store.startsWith('file:') ? store.slice('file:'.length).replace(/^\/\//, '') : store;
}
