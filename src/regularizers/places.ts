import { nameInFirstMember } from './members.js';
import type { Conflict, SiteDescription } from './regularizer.js';

/**
 * Names of the sites that are accepted, in graph order. Networks side by side count alike: a site is named as in the first,
 * once.
 */
export function placesOf<S extends Pick<SiteDescription, 'name'>>(
  sites: readonly S[],
  accepts: (site: S) => boolean,
): string[] {
  return [...new Set(sites.filter(accepts).map(({ name }) => nameInFirstMember(name)))];
}

/** Number of a site among the places, from 1; 0 where it is none of them. */
export function placeNumber(places: readonly string[], name: string): number {
  return places.indexOf(nameInFirstMember(name)) + 1;
}

/** The error of an option that counts places beyond the last. */
export function placesBeyond(
  type: string,
  layers: readonly number[] | undefined,
  places: readonly string[],
): Conflict[] {
  const beyond = (layers ?? []).filter((layer) => layer > places.length);
  if (beyond.length === 0) return [];
  return [
    {
      code: `${type.toUpperCase().replaceAll('-', '_')}_LAYER_UNKNOWN`,
      severity: 'error',
      message: `${type} names layer ${beyond.join(', ')}, and the network has ${places.length} where it may act`,
      remedy: `Set layers to numbers from 1 to ${places.length}, or leave it out`,
    },
  ];
}
