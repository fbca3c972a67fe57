"""Golden values of the search room, from scipy: python make.py > scipy.json"""

import json

from scipy.stats import qmc

print(json.dumps({"sobol": qmc.Sobol(64, scramble=False).random(16).tolist()}))
