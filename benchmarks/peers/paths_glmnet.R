# R's glmnet for the benchmark of paths: one JSON request a line on standard input, one line of answer each
# (see benchmarks/support/peer.ts). Needs the packages glmnet and jsonlite.
suppressMessages({library(glmnet); library(jsonlite)})
options(digits = 17)
thresholds <- c("1e-7", "1e-8", "1e-9", "1e-10", "1e-11", "1e-12", "1e-14")
# The whole path at any fit: without this it ends where little is gained.
glmnet.control(fdev = 0, devmax = 1)
say <- function(value) { cat(toJSON(value, auto_unbox = TRUE, digits = NA), "\n", sep = ""); flush(stdout()) }
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) > 0) {
  request <- fromJSON(line)
  if (request$do == "hello") say(list(name = paste("R glmnet", packageVersion("glmnet"))))
  if (request$do == "prepare") {
    subject <- request$case
    n <- subject$rows; p <- subject$columns
    X <- matrix(readBin(subject$x, "double", n * p), n, p)
    y <- readBin(subject$y, "double", file.size(subject$y) / 8)
    if (subject$family == "mgaussian") y <- matrix(y, n)
    say(list(variants = paste("thresh", thresholds)))
  }
  if (request$do == "run") {
    threshold <- as.numeric(sub("thresh ", "", request$variant))
    gaussian <- subject$family == "gaussian"
    # Its ridge term is divided by the target's deviation: the same problem needs other numbers.
    s <- if (gaussian) sqrt(mean((y - mean(y))^2)) else 1
    a <- subject$alpha
    total <- a + (1 - a) * s
    before <- proc.time()
    for (step in seq_len(request$steps)) {
      fit <- glmnet(X, y, family = subject$family, alpha = a / total, lambda = subject$lambdas * total,
                    standardize = FALSE, thresh = threshold, maxit = 1e7,
                    type.multinomial = if (subject$grouped) "grouped" else "ungrouped",
                    type.gaussian = if (p < 500) "covariance" else "naive")
    }
    taken <- proc.time() - before
    k <- length(fit$lambda)
    out <- file(subject$out, "wb")
    if (is.list(fit$beta)) {
      # For each lambda one output after the other.
      parts <- lapply(seq_along(fit$beta), function(o) rbind(fit$a0[o, ], as.matrix(fit$beta[[o]])))
      writeBin(as.vector(do.call(rbind, parts)), out)
    } else {
      writeBin(as.vector(rbind(fit$a0, as.matrix(fit$beta))), out)
    }
    close(out)
    say(list(wall = 1000 * taken[[3]], cpu = 1000 * (taken[[1]] + taken[[2]]), models = k))
  }
}
