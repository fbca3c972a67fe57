# Coefficients of several outputs (classes, each by itself or grouped; targets) by R's glmnet, at a convergence threshold of
# 1e-16:
#   Rscript outputs.R > outputs.json
# needs the packages glmnet and jsonlite (Debian: r-cran-glmnet r-cran-jsonlite).
suppressMessages({library(glmnet); library(jsonlite)})
set.seed(5)
n <- 80; p <- 6; k <- 3
common <- rnorm(n)
X <- sapply(1:p, function(j) round(j * (0.5 * common + 0.8 * rnorm(n)) + j, 4))
B <- matrix(c(1.5, -1, 0,  0, 1, -1,  0.8, 0, 0,  0, 0, 0,  0, -0.6, 0.6,  0, 0, 0), p, k, byrow = TRUE)
eta <- scale(X) %*% B
classes <- apply(eta, 1, function(e) sample(k, 1, prob = exp(e))) - 1
Y <- round(eta + matrix(rnorm(n * k), n, k) %*% diag(c(1, 2, 0.5)), 3)
weights <- round(runif(n, 0.5, 3), 2)
offset <- round(matrix(rnorm(n * k) / 2, n, k), 3)
settings <- list(
  plain = list(),
  weights = list(weights = weights),
  offset = list(offset = offset),
  factors = list(penalty.factor = c(1, 2, 0.5, 1, 0, 3)),
  raw = list(standardize = FALSE),
  origin = list(intercept = FALSE))
families <- list(
  multinomial = list(y = classes, family = "multinomial"),
  grouped = list(y = classes, family = "multinomial", type.multinomial = "grouped"),
  # Two classes as classes: each has coefficients.
  two = list(y = as.numeric(classes > 0), family = "multinomial"),
  mgaussian = list(y = Y, family = "mgaussian"))
glmnet.control(fdev = 0, devmax = 1)
lambdas <- c(0.3, 0.1, 0.03, 0.01)
cases <- list()
for (family in names(families)) for (name in names(settings)) for (alpha in c(1, 0.4)) {
  if (family == "two" && (name != "weights" || alpha == 1)) next
  fit <- do.call(glmnet, c(list(x = X, alpha = alpha, lambda = lambdas, thresh = 1e-16, maxit = 1e7),
                           families[[family]], settings[[name]]))
  # By lambda, then output: the intercept and the coefficients.
  models <- lapply(seq_along(fit$lambda), function(l)
    lapply(seq_along(fit$beta), function(o) c(fit$a0[o, l], fit$beta[[o]][, l], use.names = FALSE)))
  cases[[length(cases) + 1]] <- list(family = family, setting = name, alpha = alpha, lambdas = fit$lambda,
                                     models = models, explained = fit$dev.ratio)
}
folds <- rep(1:5, length.out = n)
cv <- lapply(c("multinomial", "grouped", "mgaussian"), function(family) {
  found <- do.call(cv.glmnet, c(list(x = X, foldid = folds, weights = weights, lambda = 10^seq(-0.5, -2, length.out = 8),
                                     thresh = 1e-16, maxit = 1e7), families[[family]]))
  list(family = family, lambdas = found$lambda, mean = as.vector(found$cvm), se = as.vector(found$cvsd),
       lambdaMin = found$lambda.min, lambda1se = found$lambda.1se)
})
glmnet.control(factory = TRUE)
grid <- lapply(c("multinomial", "grouped", "mgaussian"), function(family)
  list(family = family, lambdas = do.call(glmnet, c(list(x = X, nlambda = 10), families[[family]]))$lambda))
cat(toJSON(list(
  made = paste("glmnet", packageVersion("glmnet"), R.version.string),
  columns = lapply(1:p, function(j) X[, j]), classes = classes, targets = lapply(1:k, function(o) Y[, o]),
  weights = weights, offset = lapply(1:k, function(o) offset[, o]), folds = folds,
  settings = lapply(settings, function(s) s[setdiff(names(s), c("weights", "offset"))]),
  cases = cases, cv = cv, grid = grid), digits = NA, auto_unbox = TRUE))
