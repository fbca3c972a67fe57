"""Writes units.json: ranking by scikit-learn, error rates by jiwer, detection by pycocotools, on small seeded samples.
Run: python make_units.py"""

import contextlib
import io
import json
import os

import jiwer
import numpy as np
import pycocotools
import sklearn
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from sklearn.metrics import label_ranking_average_precision_score, ndcg_score

random = np.random.default_rng(7)
PLACE = os.path.dirname(os.path.abspath(__file__))


def ranking(ties):
    rows, queries, documents = [], 12, 15
    relevance = random.choice([0, 0, 0, 1, 2, 3], (queries, documents))
    relevance[:, 0] = 1
    score = relevance + random.normal(0, 2, (queries, documents))
    if ties:
        score = np.round(score / 2)
    for query in range(queries):
        rows += [[query, int(r), float(s)] for r, s in zip(relevance[query], score[query])]
    order = random.permutation(len(rows))
    return {
        "rows": [rows[i] for i in order],
        "values": {
            "ndcg": ndcg_score(relevance, score),
            "ndcg@5": ndcg_score(relevance, score, k=5),
            "map": label_ranking_average_precision_score(relevance > 0, score),
        },
    }


def speech():
    vocabulary = "the cat sat on a mat and then it ran far away from home".split()
    reference, hypothesis = [], []
    for _ in range(40):
        words = list(random.choice(vocabulary, random.integers(1, 12)))
        heard = []
        for word in words:
            luck = random.random()
            if luck < 0.1:
                continue
            heard.append(str(random.choice(vocabulary)) if luck < 0.25 else str(word))
            if random.random() < 0.08:
                heard.append(str(random.choice(vocabulary)))
        reference.append(" ".join(map(str, words)))
        hypothesis.append(" ".join(heard))
    words = jiwer.process_words(reference, hypothesis)
    return {
        "reference": reference,
        "hypothesis": hypothesis,
        "values": {
            "wer": words.wer,
            "cer": jiwer.cer(reference, hypothesis),
            "edits": words.substitutions + words.deletions + words.insertions,
        },
    }


def detection():
    images = [{"id": 10 + i, "width": 400, "height": 400} for i in range(25)]
    annotations, results = [], []
    for image in images:
        for _ in range(random.integers(0, 6)):
            size = float(random.choice([20, 60, 150]))
            box = [float(x) for x in np.round(random.uniform(0, 250, 2), 2)] + [size, size * float(np.round(random.uniform(0.6, 1.6), 2))]
            category = int(random.integers(1, 4))
            annotations.append({"id": len(annotations) + 1, "image_id": image["id"], "category_id": category, "bbox": box,
                                "area": box[2] * box[3], "iscrowd": int(random.random() < 0.08)})
            for _ in range(random.integers(0, 3)):
                shifted = [round(x + float(random.normal(0, size / 12)), 2) for x in box]
                results.append({"image_id": image["id"], "category_id": category if random.random() < 0.9 else int(random.integers(1, 4)),
                                "bbox": shifted, "score": round(float(random.uniform(0.2, 1)), 2)})
        if random.random() < 0.4:
            results.append({"image_id": image["id"], "category_id": int(random.integers(1, 4)), "bbox": [5.0, 5.0, 40.0, 40.0], "score": round(float(random.uniform(0, 0.8)), 2)})
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {"info": {}, "images": images, "annotations": annotations, "categories": [{"id": c, "name": str(c)} for c in (1, 2, 3)]}
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes([dict(r) for r in results]), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    stats = [float(x) for x in evaluation.stats]
    names = ["mAP", "mAP50", "mAP75", "mAPsmall", "mAPmedium", "mAPlarge", None, None, "mAR"]
    return {"images": images, "annotations": annotations, "results": results,
            "values": {name: value for name, value in zip(names, stats) if name}}


golden = {
    "made by": {"scikit-learn": sklearn.__version__, "jiwer": __import__("importlib.metadata").metadata.version("jiwer"),
                "pycocotools": __import__("importlib.metadata").metadata.version("pycocotools")},
    "ranking": [ranking(False), ranking(True)],
    "speech": speech(),
    "detection": detection(),
}
with open(os.path.join(PLACE, "units.json"), "w") as file:
    json.dump(golden, file)
