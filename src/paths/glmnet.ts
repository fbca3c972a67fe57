/**
 * The penalty that R's glmnet fits under (lambda, alpha) to a Gaussian target, in our terms: glmnet scales the target to
 * deviation 1 and its ridge term with it, so that its penalty is lambda (alpha |b| + (1 - alpha) / deviation b^2 / 2).
 * Other families, and the lasso, need no translation.
 *
 * @param deviation weighted population standard deviation of the target less its offset; its root mean square where no
 *   intercept is fitted
 */
export function fromGlmnet(
  { lambda, alpha }: { lambda: number; alpha: number },
  deviation: number,
): { lambda: number; alpha: number } {
  const total = alpha + (1 - alpha) / deviation;
  return { lambda: lambda * total, alpha: alpha / total };
}
