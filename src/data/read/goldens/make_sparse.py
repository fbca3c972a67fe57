"""Sparse matrices as scipy and scikit-learn write them, and what they hold. Run here; needs scipy and scikit-learn."""

import json
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

here = Path(__file__).parent
rng = np.random.default_rng(3)
x = sp.random(12, 9, density=0.3, random_state=3).toarray().round(3)
y = rng.integers(0, 2, 12) * 2 - 1
x[:, 8] = 0.5  # the last column is in every row, so that all files have one width
x = sp.csr_matrix(x)
sp.save_npz(here / "sparse_csr.npz", x)
sp.save_npz(here / "sparse_csc.npz", sp.csc_matrix(x))
np.save(here / "sparse_label.npy", y)
dump_svmlight_file(x, y, str(here / "sparse.svm"), zero_based=False, comment="made by scikit-learn")
back, labels = load_svmlight_file(str(here / "sparse.svm"))
assert abs(back - x).max() == 0
(here / "sparse.json").write_text(json.dumps({"x": back.toarray().tolist(), "y": labels.tolist()}) + "\n")
