/** The aliases that traffic follows: none moves before its checklists are done. */
const OF_PRODUCTION: ReadonlySet<string> = new Set(['champion', 'production']);

/** Whether an alias (or a stage) is one that traffic follows. */
export function isOfProduction(alias: string): boolean {
  return OF_PRODUCTION.has(alias.toLowerCase());
}
