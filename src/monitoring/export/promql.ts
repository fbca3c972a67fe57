/** A text as a string of PromQL. */
export const quoted = (text: string): string => JSON.stringify(text);

/** The selector of the counter of an objective's events; of good or of bad ones, or of all. */
export function eventsQuery(model: string, slo: string, outcome?: 'good' | 'bad'): string {
  const wanted = outcome === undefined ? '' : `,outcome=${quoted(outcome)}`;
  return `ballast_slo_events_total{model=${quoted(model)},slo=${quoted(slo)}${wanted}}`;
}
