# torch_data.py: a packed data set (worker/data/dataset.h) as PyTorch sees it, standardised by the
# statistics that the file names.
import json
import struct

import torch

TYPES = {"U8": torch.uint8, "F32": torch.float32, "F64": torch.float64, "U32": torch.int32}


def tensors(path):
    """All tensors of a safetensors file by name."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    length = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8:8 + length])
    found = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        first, end = (8 + length + offset for offset in entry["data_offsets"])
        if first == end:
            continue
        part = torch.frombuffer(content[first:end], dtype=TYPES[entry["dtype"]])
        found[name] = part.reshape(entry["shape"])
    return found


class Data:
    def __init__(self, stored):
        mean, deviation = stored["statistics"].tolist()
        self.inputs = ((stored["inputs"].double() - mean) / deviation).float()
        self.labels = stored["labels"].long()
        self.train = stored["parts"].tolist()[0]
        self.classes = int(self.labels.max()) + 1

    def part(self, name):
        """Inputs and labels of the part to learn from, or to be tested on."""
        here = slice(0, self.train) if name == "train" else slice(self.train, None)
        return self.inputs[here], self.labels[here]


def read(path):
    return Data(tensors(path))
