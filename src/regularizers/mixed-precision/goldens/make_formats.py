"""Numbers rounded to bf16 and fp16 by PyTorch. Run: python make_formats.py > formats.json"""
import json
import numpy as np
import torch

rng = np.random.default_rng(5)
special = [0.0, 1.0, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-11, 1 + 3 * 2**-11, 65504.0, 65519.0, 65520.0, 1e6, -1e6, 6.2e-5, 5.9e-8, 2.9e-8, 3.1e-8, 2.0**-24, 1e-30, -3.3e38]
x = np.concatenate([np.array(special), rng.normal(size=200) * 10.0 ** rng.integers(-9, 6, size=200)]).astype(np.float32)
t = torch.tensor(x)
finite = lambda a: [v if np.isfinite(v) else ("inf" if v > 0 else "-inf") for v in a.tolist()]
print(json.dumps({"torch": torch.__version__, "x": x.tolist(), "bf16": finite(t.to(torch.bfloat16).float().numpy()), "fp16": finite(t.to(torch.float16).float().numpy())}))
