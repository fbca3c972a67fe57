"""Small PyTorch networks by both of its exporters, with a free batch size, and what PyTorch answers without some units.

    python make_exports.py        writes exports.json (needs torch, onnx, onnxscript)

Of every attention the second head, of every recurrent layer the second hidden unit of both directions has weights of 0 in
`without`: the answers of a network that has lost them.
"""

import base64
import copy
import json
import logging
import pathlib
import tempfile
import warnings
import zlib

import onnx
import torch
from torch import nn

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
torch.manual_seed(0)
WIDTH, HEADS, HIDDEN, STEPS = 8, 4, 6, 5


class Encoder(nn.Module):
    """nn.TransformerEncoder: one product for query, key and value."""

    def __init__(self, batch_first=True):
        super().__init__()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 12, batch_first=batch_first, dropout=0.0)
        self.layers = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(WIDTH, 3)
        self.batch_first = batch_first

    def forward(self, x):
        if self.batch_first:
            return self.head(self.layers(x).mean(1))
        return self.head(self.layers(x.transpose(0, 1)).mean(0))


class Decoder(nn.Module):
    """Cross attention: queries of one sequence, keys and values of another in one product."""

    def __init__(self):
        super().__init__()
        self.memory = nn.Linear(WIDTH, WIDTH)
        self.layer = nn.TransformerDecoderLayer(WIDTH, HEADS, 12, batch_first=True, dropout=0.0)
        self.head = nn.Linear(WIDTH, 3)

    def forward(self, x):
        return self.head(self.layer(x, self.memory(x)).mean(1))


class Packed(nn.Module):
    """Attention as timm and Hugging Face write it; `parts` tells how query, key and value come out of their product."""

    def __init__(self, parts, fused=False):
        super().__init__()
        self.parts, self.fused = parts, fused
        self.qkv, self.out, self.head = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 3)

    def forward(self, x):
        batch, steps, _ = x.shape
        if self.parts == "unbind":
            q, k, v = self.qkv(x).reshape(batch, steps, 3, HEADS, -1).permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q, k, v = (y.view(batch, steps, HEADS, -1).transpose(1, 2) for y in self.qkv(x).chunk(3, -1))
        if self.fused:
            y = nn.functional.scaled_dot_product_attention(q, k, v)
        else:
            y = (q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5).softmax(-1) @ v
        return self.head(self.out(y.transpose(1, 2).reshape(batch, steps, -1)).mean(1))


class Recurrent(nn.Module):
    """Two layers in both directions, or one; answers from all steps, or from the last states."""

    def __init__(self, kind, both=True, last=False):
        super().__init__()
        self.layers = kind(WIDTH, HIDDEN, 2 if both else 1, batch_first=True, bidirectional=both)
        self.head = nn.Linear(HIDDEN * (2 if both else 1), 3)
        self.last = last

    def forward(self, x):
        y, state = self.layers(x)
        if not self.last:
            return self.head(y.mean(1))
        state = state[0] if isinstance(state, tuple) else state
        return self.head(torch.cat([state[-2], state[-1]], -1) if self.layers.bidirectional else state[-1])


NETWORKS = {
    "TransformerEncoder": Encoder(),
    "TransformerEncoder, steps first": Encoder(batch_first=False),
    "TransformerDecoder": Decoder(),
    "qkv unbound": Packed("unbind"),
    "qkv unbound, fused": Packed("unbind", fused=True),
    "qkv in chunks": Packed("chunk"),
    "LSTM": Recurrent(nn.LSTM, both=False),
    "LSTM, stacked, both directions": Recurrent(nn.LSTM),
    "GRU, stacked, both directions, last states": Recurrent(nn.GRU, last=True),
    "RNN": Recurrent(nn.RNN, both=False, last=True),
}


@torch.no_grad()
def silence(network):
    """Sets the weights of the second head of attentions, and of the second unit of recurrent layers, to 0."""
    for module in network.modules():
        if isinstance(module, nn.MultiheadAttention):
            products = [module.in_proj_weight, module.in_proj_bias]
        elif isinstance(module, Packed):
            products = [module.qkv.weight, module.qkv.bias]
        elif isinstance(module, nn.RNNBase):
            for weight in module.parameters():
                weight.view(-1, HIDDEN, *weight.shape[1:])[:, 1] = 0
            continue
        else:
            continue
        for weight in products:
            weight.view(3, HEADS, WIDTH // HEADS, -1)[:, 1] = 0


def export(network, x, dynamo):
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.onnx"
        if dynamo:
            how = {"dynamic_shapes": ({0: torch.export.Dim("n")},), "external_data": False}
        else:
            how = {"dynamic_axes": {"x": {0: "n"}}, "opset_version": 17}
        torch.onnx.export(
            network, (x,), path, input_names=["x"], output_names=["y"], dynamo=dynamo, verbose=False, **how
        )
        model = onnx.load(path)
    # Where each node comes from in the source is most of the file.
    del model.graph.value_info[:]
    for each in [model.graph, *model.graph.node]:
        each.doc_string = ""
        del each.metadata_props[:]
    return base64.b64encode(zlib.compress(model.SerializeToString(), 9)).decode()


cases = []
for name, network in NETWORKS.items():
    network.eval()
    for parameter in network.parameters():
        nn.init.normal_(parameter, 0, 0.4)
    x = (torch.randn(3, STEPS, WIDTH) * 100).round() / 100
    silent = copy.deepcopy(network)
    silence(silent)
    with torch.no_grad():
        without, whole = silent(x), network(x)
    assert (without - whole).abs().max() > 0.01, name
    for exporter in ["TorchScript", "dynamo"]:
        # Exported with another batch size than that of the rows.
        model = export(network, torch.randn(2, STEPS, WIDTH), exporter == "dynamo")
        cases.append(
            {
                "name": f"{name} ({exporter})",
                "model": model,
                "x": {"shape": list(x.shape), "data": [round(v, 2) for v in x.flatten().tolist()]},
                "without": without.flatten().tolist(),
            }
        )
path = pathlib.Path(__file__).with_name("exports.json")
path.write_text(json.dumps({"torch": torch.__version__, "cases": cases}, indent=1) + "\n")
