# Coefficients by R's glmnet, at a convergence threshold of 1e-14:
#   Rscript glmnet.R > glmnet.json
# needs the packages glmnet and jsonlite (Debian: r-cran-glmnet r-cran-jsonlite).
suppressMessages({library(glmnet); library(jsonlite)})
set.seed(7)
n <- 40; p <- 7
common <- rnorm(n)
X <- sapply(1:p, function(j) round(j * (0.6 * common + 0.8 * rnorm(n)) + j, 4))
eta <- as.vector(scale(X) %*% c(1, -0.8, 0.6, 0, 0, 0.4, 0)) + 0.3
targets <- list(
  gaussian = round(3 * eta + rnorm(n), 4),
  binomial = as.numeric(runif(n) < plogis(eta)),
  poisson = rpois(n, exp(eta / 2)))
weights <- round(runif(n, 0.5, 3), 2)
offset <- round(rnorm(n) / 2, 3)
settings <- list(
  plain = list(),
  weights = list(weights = weights),
  offset = list(offset = offset),
  factors = list(penalty.factor = c(1, 2, 0.5, 1, 0, 1, 3)),
  bounds = list(lower.limits = c(0, -0.05, -Inf, -Inf, 0, 0, -1), upper.limits = c(0.1, Inf, 0.03, 1, Inf, 0, 1)),
  raw = list(standardize = FALSE),
  through = list(intercept = FALSE),
  all = list(weights = weights, offset = offset, penalty.factor = c(1, 2, 0.5, 1, 0, 1, 3), lower.limits = rep(-0.2, p)))
# Bounds in Newton steps for factors need more than the default passes; fdev = 0 keeps the whole path.
glmnet.control(fdev = 0, devmax = 1, mnlam = 1, epsnr = 1e-14, mxitnr = 1000)
cases <- list()
for (family in names(targets)) for (name in names(settings)) for (alpha in c(1, 0.4, 0)) {
  arguments <- c(list(x = X, y = targets[[family]], family = family, alpha = alpha,
                      lambda = c(1, 0.3, 0.1, 0.03, 0.01), thresh = 1e-14, maxit = 1e7), settings[[name]])
  fit <- do.call(glmnet, arguments)
  cases[[length(cases) + 1]] <- list(
    family = family, setting = name, alpha = alpha, lambdas = fit$lambda,
    intercepts = as.vector(fit$a0), coefficients = unname(t(as.matrix(fit$beta))),
    explained = fit$dev.ratio, nullDeviance = fit$nulldev)
}
folds <- rep(1:5, length.out = n)
cv <- lapply(names(targets), function(family) {
  found <- cv.glmnet(X, targets[[family]], family = family, foldid = folds, lambda = 10^seq(0, -2.5, length.out = 12),
                     type.measure = "deviance", thresh = 1e-14, maxit = 1e7, weights = weights)
  list(family = family, lambdas = found$lambda, mean = as.vector(found$cvm), se = as.vector(found$cvsd),
       lambdaMin = found$lambda.min, lambda1se = found$lambda.1se)
})
grid <- lapply(names(targets), function(family) {
  glmnet.control(factory = TRUE)
  list(family = family, lambdas = glmnet(X, targets[[family]], family = family, nlambda = 10)$lambda)
})
cat(toJSON(list(
  made = paste("glmnet", packageVersion("glmnet"), R.version.string),
  columns = lapply(1:p, function(j) X[, j]), targets = targets, weights = weights, offset = offset, folds = folds,
  settings = lapply(settings, function(s) s[setdiff(names(s), c("weights", "offset"))]),
  cases = cases, cv = cv, grid = grid), digits = NA, auto_unbox = TRUE))
