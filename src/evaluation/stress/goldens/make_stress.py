"""Gaussian blur by scipy: python make_stress.py > stress.json (numpy, scipy)."""
import json

import numpy
from scipy.ndimage import gaussian_filter

random = numpy.random.default_rng(1)
image = random.integers(0, 256, (2, 7, 9))
cases = []
for sigma in (0.4, 0.7, 1.0):
    # Radius ceil(3 sigma), and the last pixel beyond the edge.
    radius = int(numpy.ceil(3 * sigma))
    blurred = [gaussian_filter(channel.astype(float), sigma, mode="nearest", radius=radius).tolist() for channel in image]
    cases.append({"sigma": sigma, "blurred": blurred})
print(json.dumps({"image": image.tolist(), "cases": cases}))
