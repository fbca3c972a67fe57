"""Small files written by the formats' own tools, and what they hold. Run in this folder: python make_goldens.py

numpy writes .npy / .npz, Python's wave module and struct write .wav, scipy resamples, Pillow writes images, pandas (with
pyarrow) writes Parquet, CSV and JSON lines. expected.json holds the values that a reader must find.
"""

import io
import json
import math
import struct
import sys
import wave
import zipfile

import numpy as np
import pandas as pd
import PIL
import pyarrow
import scipy
import scipy.signal
from numpy.lib import format as npy_format
from PIL import Image

rng = np.random.default_rng(7)
expected = {
    "versions": {
        "python": sys.version.split()[0],
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "pyarrow": pyarrow.__version__,
        "scipy": scipy.__version__,
        "pillow": PIL.__version__,
    }
}

# --- npy: every element type, both byte orders, both element orders, header versions 1 to 3
arrays = {
    "i1": np.array([-128, 0, 127], "i1"),
    "u2_big": np.array([0, 1, 65535], ">u2"),
    "i4": np.array([-(2**31), 7, 2**31 - 1], "<i4"),
    "i8": np.array([-5, 2**53 - 1], "<i8"),
    "i8_wide": np.array([2**53 + 1, 2**60 + 3], "<i8"),
    "f2": np.array([1.5, -0.333251953125, 65504, 6e-8, np.inf], "f2"),
    "f4_big": np.array([1.5, np.nan, -2.25], ">f4"),
    "f8": np.array([0.1, -1e300], "<f8"),
    "bool": np.array([True, False, True]),
    "unicode": np.array(["caf\u00e9", "", "\U0001f600"]),
    "bytes": np.array([b"ab", b"c"]),
    "fortran": np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4)),
    "matrix": np.arange(6, dtype="f8").reshape(3, 2),
}
expected["npy"] = {}
for name, array in arrays.items():
    np.save(f"{name}.npy", array, allow_pickle=False)
    flat = array.reshape(-1)
    expected["npy"][name] = {
        "shape": list(array.shape),
        "values": [str(v) for v in flat.tolist()]
        if array.dtype.kind in "iu" and array.dtype.itemsize == 8
        else [v.decode() for v in flat.tolist()]
        if array.dtype.kind == "S"
        else [None if isinstance(v, float) and not math.isfinite(v) else v for v in flat.tolist()],
    }
for version in [(2, 0), (3, 0)]:
    with open(f"version{version[0]}.npy", "wb") as f:
        npy_format.write_array(f, np.arange(4, dtype="<i4"), version=version)
np.save("pickled.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
np.save("structured.npy", np.zeros(2, dtype=[("a", "f4"), ("b", "i4")]))
np.save("complex.npy", np.zeros(2, dtype="c8"))

# --- npz: parts, compressed and not; channels last
images = rng.integers(0, 256, (4, 5, 3, 3), dtype="u1")
labels = np.array([[1], [0], [2], [1]], dtype="u1")
np.savez_compressed(
    "parts.npz",
    train_images=images[:3],
    train_labels=labels[:3],
    test_images=images[3:],
    test_labels=labels[3:],
)
np.savez("plain.npz", x=rng.normal(size=(4, 3)).astype("f4"), y=np.array([0.5, 1.5, -2, 0]))
expected["parts"] = {
    "image": np.transpose(images, (0, 3, 1, 2)).reshape(-1).tolist(),
    "label": labels[:, 0].tolist(),
}
# A zip64 archive of unknown sizes, as a stream writes it.
with zipfile.ZipFile("zip64.npz", "w", zipfile.ZIP_DEFLATED) as z:
    with z.open("a.npy", "w", force_zip64=True) as f:
        buffer = io.BytesIO()
        np.save(buffer, np.arange(3, dtype="f8"))
        f.write(buffer.getvalue())


# --- wav
def write_wav(path, width, channels, frames, rate=8000):
    with wave.open(path, "wb") as w:
        w.setnchannels(channels)
        w.setsampwidth(width)
        w.setframerate(rate)
        w.writeframes(frames)


tone = (0.5 * np.sin(np.arange(64) * 0.2)).astype("f8")
expected["wav"] = {}
write_wav("pcm8.wav", 1, 1, (np.round(tone * 127) + 128).astype("u1").tobytes())
expected["wav"]["pcm8"] = (np.round(tone * 127) / 128).tolist()
write_wav("pcm16.wav", 2, 1, np.round(tone * 32767).astype("<i2").tobytes())
expected["wav"]["pcm16"] = (np.round(tone * 32767) / 32768).tolist()
codes = np.round(tone * (2**23 - 1)).astype("i4")
write_wav("pcm24.wav", 3, 1, b"".join(struct.pack("<i", c)[:3] for c in codes.tolist()))
expected["wav"]["pcm24"] = (codes / 2**23).tolist()
codes = np.round(tone * (2**31 - 1)).astype("i8").astype("<i4")
write_wav("pcm32.wav", 4, 1, codes.tobytes())
expected["wav"]["pcm32"] = (codes / 2**31).tolist()
stereo = np.stack([np.round(tone * 32767), np.round(-0.5 * tone * 32767)], axis=1).astype("<i2")
write_wav("stereo.wav", 2, 2, stereo.tobytes())
expected["wav"]["stereo"] = (stereo.mean(axis=1) / 32768).tolist()
data = tone.astype("<f4").tobytes()
# WAVE_FORMAT_EXTENSIBLE holding 32-bit floats, a LIST chunk of odd length before the samples.
guid = struct.pack("<H", 3) + bytes.fromhex("000000001000800000aa00389b71")
fmt = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 8000, 32000, 4, 32, 22, 32, 4) + guid
extra = b"LIST" + struct.pack("<I", 5) + b"INFO!" + b"\0"
body = b"WAVE" + b"fmt " + struct.pack("<I", len(fmt)) + fmt + extra + b"data" + struct.pack("<I", len(data)) + data
with open("float32.wav", "wb") as f:
    f.write(b"RIFF" + struct.pack("<I", len(body)) + body)
expected["wav"]["float32"] = tone.astype("f4").astype("f8").tolist()

# --- resampling
signal = rng.normal(size=50).astype("f4")
expected["resample"] = {"signal": signal.astype("f8").tolist(), "cases": []}
for source, target in [(8000, 16000), (16000, 8000), (44100, 16000), (8000, 11025)]:
    divisor = math.gcd(source, target)
    result = scipy.signal.resample_poly(signal.astype("f8"), target // divisor, source // divisor)
    expected["resample"]["cases"].append({"from": source, "to": target, "values": result.tolist()})

# --- images (lossless)
rgb = rng.integers(0, 256, (4, 6, 3), dtype="u1")
grey = rng.integers(0, 256, (4, 6), dtype="u1")
rgba = np.concatenate([rgb, rng.integers(0, 256, (4, 6, 1), dtype="u1")], axis=2)
Image.fromarray(rgb).save("rgb.png")
Image.fromarray(grey).save("grey.png")
Image.fromarray(rgba).save("rgba.png")
Image.fromarray(rgb).save("rgb.webp", lossless=True)
Image.fromarray(grey).save("grey.jpg", quality=90)
exif = Image.Exif()
exif[0x0112] = 6  # to be turned by 90 degrees clockwise
Image.fromarray(rgb).save("turned.png", exif=exif)
expected["images"] = {
    "rgb": np.transpose(rgb, (2, 0, 1)).reshape(-1).tolist(),
    "grey": grey.reshape(-1).tolist(),
    "turned": np.transpose(np.rot90(rgb, -1), (2, 0, 1)).reshape(-1).tolist(),
    "greyJpeg": np.asarray(Image.open("grey.jpg")).reshape(-1).tolist(),
}

# --- tables
frame = pd.DataFrame(
    {
        "whole": pd.array([1, None, 3, -4], dtype="Int64"),
        "wide": np.array([2**60 + 1, 2**60 + 2, 3, 4], dtype="i8"),
        "single": np.array([0.5, 1.25, np.nan, -3], dtype="f4"),
        "double": [0.1, np.nan, 1e-12, 1e9],
        "flag": pd.array([True, False, None, True], dtype="boolean"),
        "city": pd.Categorical(["Rome", "Oslo", None, "Rome"]),
        "when": pd.to_datetime(["2020-01-01 12:30:00.250", "1969-12-31", None, "2038-01-20"], format="ISO8601"),
        "zoned": pd.to_datetime(["2020-01-01 12:00+02:00"] * 4, utc=True),
        "vector": [[1.0, 2.5], [3.0, 4.0], [-1.0, 0.0], [0.0, 0.5]],
    }
)
frame["decimal"] = pd.Series([1.25, -2.5, 0.75, 10.0]).astype(pd.ArrowDtype(pyarrow.decimal128(8, 2)))
frame.to_parquet("table.parquet", index=False)
frame.drop(columns=["vector", "decimal", "wide"]).to_csv("table.csv", index=False)
frame.drop(columns=["decimal"]).to_json("table.jsonl", orient="records", lines=True, date_format="iso", double_precision=15)


def epoch(column):
    return [None if pd.isna(v) else v.timestamp() * 1000 for v in frame[column]]


expected["table"] = {
    "whole": [1, None, 3, -4],
    "wide": [str(v) for v in frame["wide"].tolist()],
    "single": [0.5, 1.25, None, -3],
    "double": [0.1, None, 1e-12, 1e9],
    "flag": [1, 0, None, 1],
    "city": ["Rome", "Oslo", None, "Rome"],
    "when": epoch("when"),
    "zoned": epoch("zoned"),
    "vector": [1.0, 2.5, 3.0, 4.0, -1.0, 0.0, 0.0, 0.5],
    "decimal": [1.25, -2.5, 0.75, 10.0],
}

with open("expected.json", "w") as f:
    json.dump(expected, f)
