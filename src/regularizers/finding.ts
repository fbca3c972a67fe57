/** Something worth knowing about a run, with its mend. */
export interface Finding {
  readonly code: string;
  readonly severity: 'info' | 'warning';
  readonly message: string;
  readonly remedy: string;
}
