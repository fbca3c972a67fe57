"""Content version and row hashes of a small table, computed from their description with Python's integers.

Run: python make_versions.py > versions.json
"""

import hashlib
import json
import math
import struct

M1, M2, M3, WORD = 0x85EBCA6B, 0xC2B2AE35, 0x9E3779B1, 0xFFFFFFFF
MISSING = (0x6D697373, 0x7FF80001)

columns = [
    {"name": "x", "kind": "number", "type": "float", "values": [1.5, math.nan, -2.25, 0.1]},
    {"name": "id", "kind": "number", "type": "integer", "values": [1, 2, 3, 16777217]},
    {"name": "c", "kind": "category", "values": ["b", None, "a", "7"]},
    {"name": "t", "kind": "text", "values": ["\u00e9t\u00e9", "", "z", "0.5"]},
]


def version():
    signature = [{k: c[k] for k in ("name", "kind", "type") if k in c} for c in columns]
    header = json.dumps({"rows": 4, "columns": signature}, separators=(",", ":"), ensure_ascii=False)
    sha = hashlib.sha256((header + "\n").encode())
    for c in columns:
        values = c["values"]
        if c["kind"] == "number":
            sha.update(struct.pack("<4d", *values))
        elif c["kind"] == "category":
            entries = sorted({v for v in values if v is not None})
            sha.update((json.dumps(entries, separators=(",", ":"), ensure_ascii=False) + "\n").encode())
            sha.update(struct.pack("<4i", *[-1 if v is None else entries.index(v) for v in values]))
        else:
            sha.update(struct.pack("<4i", *[len(v.encode("utf-16-le")) // 2 for v in values]))
            sha.update("".join(values).encode())
    return "dv-" + sha.hexdigest()[:16]


def mix(low, high, seed):
    a, b = low ^ seed[0], high ^ seed[1]
    for _ in range(3):
        a = ((a ^ (a >> 16)) * M1) & WORD
        b = ((b ^ (b >> 15)) * M2) & WORD
        a = (a + ((b << 13 | b >> 19) & WORD)) & WORD
        b ^= (a << 17 | a >> 15) & WORD
    return a ^ (a >> 16), b ^ (b >> 15)


def hash_text(text):
    data = text.encode("utf-16-le")
    units = struct.unpack(f"<{len(data) // 2}H", data)
    a, b = len(units), M3
    for unit in units:
        a = ((a ^ unit) * M1) & WORD
        a ^= a >> 13
        b = ((((b << 5 | b >> 27) & WORD) + (a ^ unit)) * M2) & WORD
    return mix(a, b, (M2, M1))


def hash_number(value, seed):
    if math.isnan(value):
        return mix(*MISSING, seed)
    whole = value == int(value) and abs(value) < 2**53
    exact = float(value) if whole else struct.unpack("<f", struct.pack("<f", value))[0]
    return mix(*struct.unpack("<2I", struct.pack("<d", exact + 0.0)), seed)


def hash_value(value, seed):
    if value is None or value == "":
        return mix(*MISSING, seed)
    if not isinstance(value, str):
        return hash_number(value, seed)
    # Shortest decimal forms that occur in this table.
    if value in ("7", "0.5"):
        return hash_number(float(value), seed)
    return mix(*hash_text(value), seed)


def row_hash(row):
    total = 0
    for c in columns:
        low, high = hash_value(c["values"][row], hash_text(c["name"]))
        total = (total + (high << 32 | low)) & (2**64 - 1)
    low, high = mix(total & WORD, total >> 32, (M3, M1))
    return f"{high << 32 | low:016x}"


print(json.dumps({"version": version(), "rows": [row_hash(r) for r in range(4)]}))
