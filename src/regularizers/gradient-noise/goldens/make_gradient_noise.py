"""Deviations of the noise that optax.add_noise adds. Run: python make_gradient_noise.py > gradient-noise.json"""
import json
import jax
import jax.numpy as jnp
import numpy as np
import optax

STEPS = [1, 2, 3, 10, 30]
cases = []
for eta, gamma in [(0.01, 0.55), (0.3, 0.55), (1.0, 0.0), (0.3, 1.5)]:
    noise = optax.add_noise(eta, gamma, jax.random.key(3))
    zeros = jnp.zeros(1_000_000)
    state = noise.init(zeros)
    deviations = []
    for step in range(1, max(STEPS) + 1):
        added, state = noise.update(zeros, state)
        if step in STEPS:
            deviations.append(float(np.std(np.asarray(added, dtype=np.float64))))
    cases.append({"eta": eta, "gamma": gamma, "deviations": deviations})
print(json.dumps({"optax": optax.__version__, "numbers": 1_000_000, "steps": STEPS, "cases": cases}))
