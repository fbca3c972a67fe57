/** Something to do or to look at, and the command for it where one does it. */
export interface Step {
  readonly text: string;
  /**
   * A command line of Ballast. Words in capitals are put in for a model: {@link Facts}; where one is not known, it stays and whoever
   * reads it fills it in.
   */
  readonly command?: string;
}

/** What on-call reads when an alert fires, or how something is done that several alerts ask for. */
export interface Runbook {
  /** As `ballast runbook NAME` takes it: of an alert the name of its rule. */
  readonly name: string;
  /** `alertname` of the alerts that it is about; none of a procedure. */
  readonly alertname?: string;
  readonly title: string;
  /** What it means for users, and what mostly is behind it. */
  readonly meaning: string;
  readonly check: readonly Step[];
  readonly act: readonly Step[];
  /** When somebody else has to know. */
  readonly escalate: string;
}

/** What stands in the place of the words in capitals. */
export interface Facts {
  readonly MODEL?: string;
  /** The version that is meant: of an alert its own, else the one that answers. */
  readonly VERSION?: string;
  /** The version that answered before it: what a roll-back goes back to. */
  readonly PREVIOUS?: string;
  /** The run that the version came from. */
  readonly RUN?: string;
  readonly FINGERPRINT?: string;
}

const WORDS = /\b(?:MODEL|VERSION|PREVIOUS|RUN|FINGERPRINT)\b/g;

/** The runbook with what is known of a model put into its commands. */
export function filledRunbook(runbook: Runbook, facts: Facts): Runbook {
  const fill = (step: Step): Step =>
    step.command === undefined
      ? step
      : { ...step, command: step.command.replaceAll(WORDS, (word) => facts[word as keyof Facts] ?? word) };
  return { ...runbook, check: runbook.check.map(fill), act: runbook.act.map(fill) };
}
