"""Affine maps of scipy.ndimage.affine_transform. Run: python make_affine.py > affine.json"""
import json
import numpy as np
import scipy
from scipy import ndimage

rng = np.random.default_rng(11)
out = {"scipy": scipy.__version__, "axes": [], "maps": []}


def transform(image, matrix, offset, border):
    if border == "zero":
        # One ring of zeros, so that a position just outside blends the border with zero instead of reading plain zero.
        return ndimage.affine_transform(
            np.pad(image, 1), matrix, offset=offset + 1,
            output_shape=image.shape, order=1, mode="constant", cval=0.0)
    mode = {"edge": "nearest", "mirror": "mirror"}[border]
    return ndimage.affine_transform(image, matrix, offset=offset, order=1, mode=mode)


# Along the axes: output pixel o reads the source at (o - centre) * zoom + centre + shift.
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
    offset = centre - matrix * centre + np.array(shift)
    moved = {border: transform(image, matrix, offset, border).tolist() for border in ["zero", "edge", "mirror"]}
    out["axes"].append({"image": image.tolist(), "shift": shift, "zoom": zoom, "moved": moved})

# In general: [y', x'] = [[yy, yx], [xy, xx]] @ ([y, x] - centre) + centre + [y0, x0].
for height, width, degrees, slant, zoom, shift in [
    (7, 7, 0, 0.0, (1.0, 1.0), (0.0, 0.0)),
    (7, 7, 90, 0.0, (1.0, 1.0), (0.0, 0.0)),
    (7, 5, 20, 0.0, (1.0, 1.0), (0.0, 0.0)),
    (6, 8, -33, 0.25, (1.1, -0.9), (0.7, -1.3)),
    (9, 4, 5, -0.1, (0.8, 1.2), (-0.25, 0.5)),
]:
    image = np.round(rng.normal(size=(height, width)), 3)
    centre = (np.array([height, width]) - 1) / 2
    a = np.deg2rad(degrees)
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    xy = turn @ np.array([[1, slant], [0, 1]]) @ np.diag(zoom)
    matrix = xy[::-1, ::-1]
    offset = centre - matrix @ centre + np.array(shift)
    moved = {border: transform(image, matrix, offset, border).tolist() for border in ["zero", "edge", "mirror"]}
    out["maps"].append({"image": image.tolist(), "matrix": xy.tolist(), "shift": shift, "moved": moved})
print(json.dumps(out))
