"""Shifts, zooms and mirrors of scipy.ndimage.affine_transform. Run: python make_affine.py > affine.json"""
import json
import numpy as np
import scipy
from scipy import ndimage

rng = np.random.default_rng(11)
out = {"scipy": scipy.__version__, "cases": []}
for height, width, shift, zoom in [
    (6, 5, (0.0, 0.0), (1.0, 1.0)),
    (6, 5, (1.0, -2.0), (1.0, 1.0)),
    (6, 5, (0.3, -0.75), (1.0, 1.0)),
    (7, 7, (0.0, 0.0), (1.1, 1.1)),
    (7, 4, (0.4, 0.2), (0.85, 0.85)),
    (5, 6, (0.0, 0.0), (1.0, -1.0)),
    (5, 6, (-0.6, 0.5), (-1.2, 0.9)),
    (8, 8, (3.5, 0.0), (1.0, -1.05)),
]:
    image = np.round(rng.normal(size=(height, width)), 3)
    centre = (np.array([height, width]) - 1) / 2
    matrix = np.array(zoom)
    # Output pixel o reads the source at (o - centre) * zoom + centre + shift; outside is zero.
    offset = centre - matrix * centre + np.array(shift)
    # One ring of zeros, so that a position just outside blends the border with zero instead of reading plain zero.
    padded = np.pad(image, 1)
    moved = ndimage.affine_transform(padded, matrix, offset=offset + 1, output_shape=image.shape, order=1, mode="constant", cval=0.0)
    out["cases"].append({"image": image.tolist(), "shift": shift, "zoom": zoom, "moved": moved.tolist()})
print(json.dumps(out))
