/**
 * Makes names that are not in `used`, and adds them to it: the wanted one, else that with a number. Linear in the
 * number of calls, also where all want the same name.
 */
export function freshNames(used: Set<string>): (wanted: string) => string {
  const lastNumber = new Map<string, number>();
  return (wanted) => {
    let name = wanted;
    let number = lastNumber.get(wanted) ?? 1;
    while (used.has(name)) name = `${wanted}_${++number}`;
    lastNumber.set(wanted, number);
    used.add(name);
    return name;
  };
}
