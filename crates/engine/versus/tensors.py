"""Reads safetensors files: a length, a JSON header, and the numbers behind it."""

import json
import struct

import torch

KINDS = {"F32": torch.float32, "I64": torch.int64}


def read(path):
    """The tensors by name, and the metadata: words by word."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        kind = KINDS[entry["dtype"]]
        count = (end - start) // kind.itemsize
        tensors[name] = torch.frombuffer(data, dtype=kind, count=count, offset=start).reshape(entry["shape"])
    return tensors, metadata
