"""What scikit-learn's encoders make of small columns. Run: python make_encodings.py > encodings.json"""
import json
import numpy as np
import scipy.sparse
import sklearn
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

rng = np.random.default_rng(7)
out = {"sklearn": sklearn.__version__, "numpy": np.__version__}

# Two number columns, missing values in the first; the last 10 rows are not fitted on.
x = rng.normal([5.0, -300.0], [2.0, 40.0], size=(60, 2)).astype(np.float32).astype(float)
x[rng.random(60) < 0.2, 0] = np.nan
x[55, 1] = np.nan
train = x[:50]
imputer = SimpleImputer(strategy="median").fit(train)
# Statistics of the present values, then the imputed value is scaled like any other.
standard = StandardScaler().fit(train)
robust = RobustScaler(unit_variance=True).fit(train)
numbers = {"values": [[None if np.isnan(v) else v for v in row] for row in x.tolist()], "train": 50,
           "standard": standard.transform(imputer.transform(x)).tolist(),
           "robust": robust.transform(imputer.transform(x)).tolist(),
           "missing": MissingIndicator(error_on_new=False).fit(train).transform(x).astype(int)[:, 0].tolist()}
out["numbers"] = numbers

# Categories: rare ones are joined with unseen ones in the last column; '' (missing) is a category of its own.
names = np.array(["ant", "bee", "cat", "dog", "eel", "fox", ""])
column = names[rng.choice(7, size=80, p=[0.3, 0.25, 0.2, 0.12, 0.02, 0.01, 0.1])]
column[75:] = ["gnu", "", "ant", "bee", "yak"]
encoder = OneHotEncoder(min_frequency=2, max_categories=6, handle_unknown="infrequent_if_exist", sparse_output=False)
hot = encoder.fit(column[:70, None]).transform(column[:, None])
out["categories"] = {"values": column.tolist(), "train": 70, "names": encoder.get_feature_names_out([""]).tolist(),
                     "encoded": hot.astype(int).tolist()}

texts = ["the cat sat on the mat", "the dog sat", "the cat and dog", "", "a mat a mat on the mat", "dog dog dog unseen",
         "the cat sat twice on the dog", "nothing known here"]
dense = lambda m: (m.toarray() if scipy.sparse.issparse(m) else m).tolist()
out["texts"] = {"values": texts, "train": 5, "cases": []}
for ngrams in (1, 2):
    options = dict(token_pattern=r"\S+", ngram_range=(1, ngrams), min_df=2)
    tfidf = TfidfVectorizer(**options).fit(texts[:5])
    count = CountVectorizer(**options).fit(texts[:5])
    binary = CountVectorizer(binary=True, **options).fit(texts[:5])
    out["texts"]["cases"].append({
        "ngrams": ngrams, "terms": tfidf.get_feature_names_out().tolist(), "tfidf": dense(tfidf.transform(texts)),
        "count": dense(count.transform(texts)), "presence": dense(binary.transform(texts))})
print(json.dumps(out))
