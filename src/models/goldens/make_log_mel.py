"""Log-mel spectrograms by librosa: python make_log_mel.py > log-mel.json (librosa 0.11.0, numpy 2.4.6).

feature.melspectrogram (power 2, Hann window, zeros beside the recording where centred), then power_to_db (ref 1,
amin 1e-10, top_db = range). torchaudio's MelScale is htk with norm None.
"""
import json
import librosa
import numpy as np

rng = np.random.default_rng(5)
cases = []
for rate, samples, fft, hop, mels, low, high, scale, area, center, top in [
    (8000, 900, 256, 128, 20, 0, None, "slaney", "one", True, 80),
    (8000, 900, 256, 100, 20, 100, 3500, "htk", "none", False, 80),
    (16000, 1200, 400, 160, 23, 0, None, "htk", "one", True, 30),
    (16000, 700, 512, 256, 40, 60, 7600, "slaney", "none", True, 200),
]:
    t = np.arange(samples) / rate
    sweep = np.sin(2 * np.pi * (200 + 1500 * t * rate / samples) * t) * np.exp(-3 * t * rate / samples)
    x = (0.3 * sweep + 0.001 * rng.normal(size=samples)).astype(np.float32)
    x[: samples // 4] = 0
    power = librosa.feature.melspectrogram(
        y=x.astype(np.float64), sr=rate, n_fft=fft, hop_length=hop, n_mels=mels, fmin=low, fmax=high or rate / 2,
        htk=scale == "htk", norm="slaney" if area == "one" else None, center=center, pad_mode="constant", power=2.0)
    db = librosa.power_to_db(power, ref=1.0, amin=1e-10, top_db=top)
    options = {"type": "log-mel", "fft": fft, "hop": hop, "mels": mels, "low": low, "scale": scale, "area": area,
               "center": center, "range": top}
    if high:
        options["high"] = high
    cases.append({"rate": rate, "options": options, "x": [float(v) for v in x], "frames": db.shape[1],
                  "y": [round(float(v), 5) for v in db.T.flatten()]})
print(json.dumps({"cases": cases}))
