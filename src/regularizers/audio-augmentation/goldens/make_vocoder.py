"""Time stretching by librosa's phase vocoder: python make_vocoder.py > vocoder.json (librosa 0.11.0, numpy 2.4.6)."""
import json
import librosa
import numpy as np

rng = np.random.default_rng(11)
rate, samples, fft = 8000, 1600, 256
t = np.arange(samples) / rate
waves = [
    0.4 * np.sin(2 * np.pi * 440 * t) + 0.2 * np.sin(2 * np.pi * 1210 * t),
    0.5 * np.sin(2 * np.pi * (300 + 900 * t) * t) * np.hanning(samples),
    0.1 * rng.normal(size=samples),
]
cases = []
for wave, speed in zip(waves, [0.8, 1.25, 1.1]):
    x = wave.astype(np.float32).astype(np.float64)
    d = librosa.stft(x, n_fft=fft, hop_length=fft // 4)
    stretched = librosa.istft(
        librosa.phase_vocoder(d, rate=speed, hop_length=fft // 4, n_fft=fft), hop_length=fft // 4, n_fft=fft)
    cases.append({"rate": speed, "x": [float(v) for v in x], "y": [round(float(v), 6) for v in stretched]})
print(json.dumps({"fft": fft, "cases": cases}))
