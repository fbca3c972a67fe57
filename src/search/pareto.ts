/** Whether losses are at least as good everywhere and better somewhere. */
export function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((value, i) => value <= b[i]) && a.some((value, i) => value < b[i]);
}

/** Numbers of the items that no other dominates, in their order. */
export function paretoFront(losses: readonly (readonly number[])[]): number[] {
  return losses.flatMap((own, i) => (losses.some((other) => dominates(other, own)) ? [] : [i]));
}
