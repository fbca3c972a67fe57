# Coefficients of Cox's model by R's glmnet, at a convergence threshold of 1e-14:
#   Rscript cox.R > cox.json
# needs the packages glmnet, survival and jsonlite (Debian: r-cran-glmnet r-cran-survival r-cran-jsonlite).
suppressMessages({library(glmnet); library(survival); library(jsonlite)})
set.seed(11)
n <- 60; p <- 6
common <- rnorm(n)
X <- sapply(1:p, function(j) round(j * (0.5 * common + 0.8 * rnorm(n)) + j, 4))
eta <- as.vector(scale(X) %*% c(1, -0.8, 0.5, 0, 0.3, 0))
# Times in whole units, so that many are tied; about a third are censored.
event.time <- rexp(n, exp(eta)) * 8
censored <- rexp(n) * 12
time <- ceiling(pmin(event.time, censored))
event <- as.numeric(event.time <= censored)
weights <- round(runif(n, 0.5, 3), 2)
offset <- round(rnorm(n) / 2, 3)
settings <- list(
  plain = list(),
  weights = list(weights = weights),
  offset = list(offset = offset),
  factors = list(penalty.factor = c(1, 2, 0.5, 1, 0, 3)),
  bounds = list(lower.limits = c(0, -0.1, -1, -1, 0, 0), upper.limits = c(0.2, 1, 0.05, 1, 1, 0)),
  raw = list(standardize = FALSE))
glmnet.control(fdev = 0, devmax = 1, mnlam = 1, epsnr = 1e-14, mxitnr = 1000)
y <- Surv(time, event)
lambdas <- c(0.3, 0.1, 0.03, 0.01)
cases <- list()
for (name in names(settings)) for (alpha in c(1, 0.4)) {
  fit <- do.call(glmnet, c(list(x = X, y = y, family = "cox", alpha = alpha, lambda = lambdas, thresh = 1e-14,
                                maxit = 1e7), settings[[name]]))
  cases[[length(cases) + 1]] <- list(setting = name, alpha = alpha, lambdas = fit$lambda,
    coefficients = unname(t(as.matrix(fit$beta))), explained = fit$dev.ratio, nullDeviance = fit$nulldev)
}
folds <- rep(1:5, length.out = n)
# glmnet scales the weights of all rows and those of a fold's rows each to their own mean before it takes their difference,
# so that weighted deviances do not add up: they are compared without weights.
cv <- lapply(c("deviance", "C"), function(measure) {
  found <- cv.glmnet(X, y, family = "cox", foldid = folds, lambda = 10^seq(-0.5, -2, length.out = 8), type.measure = measure,
                     thresh = 1e-14, maxit = 1e7, weights = if (measure == "C") weights else rep(1, n))
  list(measure = measure, lambdas = found$lambda, mean = as.vector(found$cvm), se = as.vector(found$cvsd),
       lambdaMin = found$lambda.min, lambda1se = found$lambda.1se)
})
glmnet.control(factory = TRUE)
grid <- glmnet(X, y, family = "cox", nlambda = 10)$lambda
# Without a penalty: survival's own fit.
free <- coxph(y ~ X, ties = "breslow", weights = weights, control = coxph.control(eps = 1e-14, iter.max = 100))
cat(toJSON(list(
  made = paste("glmnet", packageVersion("glmnet"), "survival", packageVersion("survival"), R.version.string),
  columns = lapply(1:p, function(j) X[, j]), time = time, event = event, weights = weights, offset = offset, folds = folds,
  settings = lapply(settings, function(s) s[setdiff(names(s), c("weights", "offset"))]),
  cases = cases, cv = cv, grid = grid,
  free = list(coefficients = unname(coef(free)), logLikelihood = free$loglik,
              concordance = unname(concordance(y ~ eta, reverse = TRUE)$concordance),
              weighted = unname(concordance(y ~ eta, reverse = TRUE, weights = weights)$concordance), eta = eta)),
  digits = NA, auto_unbox = TRUE))
