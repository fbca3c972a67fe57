import { cpus } from 'node:os';

/** What `npm run results -- NAME` makes: the module `benchmarks/results/NAME.ts` exports it as `results`. */
export interface Results {
  /** The whole of docs/results/NAME.md but its last paragraph, which tells how it was made. */
  page(setting: ResultsSetting): Promise<string | IllustratedPage>;
}

export interface IllustratedPage {
  readonly text: string;
  /** SVG by file name, written beside the page. */
  readonly pictures: Readonly<Record<string, string>>;
}

export interface ResultsSetting {
  /** Folder of the data sets. */
  readonly datasets: string;
  /** Fewer seeds: to see that it runs, not for publication. */
  readonly quick: boolean;
  /** Folder where what is done stays, so that a long run that was interrupted goes on there. Of one state of the code. */
  readonly keep?: string | undefined;
  /** The only data sets, for runs beside each other that keep in one folder. */
  readonly only?: readonly string[] | undefined;
  /** A line on stderr. */
  readonly tell: (line: string) => void;
}

/** The paragraph that every page ends with; without a time where it was made in several runs. */
export function provenance(name: string, seconds: number | undefined): string {
  const processor = cpus()[0]?.model.trim();
  return `Made by \`npm run results -- ${name}\` with the environment variable \`BALLAST_DATASETS\` naming the folder of the data
sets,${seconds === undefined ? '' : ` in ${Math.round(seconds)} s`} on ${processor}, one thread, Node ${process.versions.node}.
`;
}
