# SPDX-License-Identifier: MIT
"""A BERT encoder as an ONNX file of ONNX Runtime's fused operators, written without a library.

The fused form (EmbedLayerNormalization, Attention, SkipLayerNormalization, BiasGelu: one
node for what a plain export spells in dozens) is the runtime's best case; so are, for int8,
QAttention and DynamicQuantizeMatMul, whose weights have a scale for each column.
Field numbers are those of onnx.proto.
"""

import struct

import numpy as np

CONTRIB = "com.microsoft"
FLOAT, INT8, INT32 = 1, 3, 6
KINDS = {"float32": FLOAT, "int8": INT8}
ATTRIBUTE_FLOAT, ATTRIBUTE_INT = 1, 2


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def integer(field, value):
    return varint(field << 3) + varint(value)


def real(field, value):
    return varint(field << 3 | 5) + struct.pack("<f", value)


def message(field, data):
    return varint(field << 3 | 2) + varint(len(data)) + data


def string(field, text):
    return message(field, text.encode())


def tensor(name, values):
    dims = b"".join(integer(1, n) for n in values.shape)
    kind = integer(2, KINDS[values.dtype.name])
    return dims + kind + string(8, name) + message(9, values.tobytes())


def attribute(name, value):
    if isinstance(value, float):
        return string(1, name) + real(2, value) + integer(20, ATTRIBUTE_FLOAT)
    return string(1, name) + integer(3, value) + integer(20, ATTRIBUTE_INT)


def value_info(name, kind, dims):
    shape = b"".join(message(1, string(2, d) if isinstance(d, str) else integer(1, d))
                     for d in dims)
    return string(1, name) + message(2, message(1, integer(1, kind) + message(2, shape)))


class Graph:
    def __init__(self):
        self.nodes, self.tensors = [], []

    def weight(self, name, values, kind="<f4"):
        self.tensors.append(tensor(name, np.ascontiguousarray(values, kind)))
        return name

    def quantized(self, name, values):
        """[k][n] as int8 with a scale for each column: the names of values, scales and zeros."""
        scales = np.maximum(abs(values).max(axis=0), 1e-30) / 127
        self.weight(name, np.rint(values / scales), "i1")
        self.weight(name + ".scale", scales)
        self.weight(name + ".zero", np.zeros(values.shape[1]), "i1")
        return name, name + ".scale", name + ".zero"

    def node(self, op, inputs, output, domain=CONTRIB, more_outputs=(), **attributes):
        data = b"".join(string(1, i) for i in inputs)
        data += b"".join(string(2, o) for o in (output, *more_outputs))
        data += string(3, output + "_node") + string(4, op)
        data += b"".join(message(5, attribute(k, v)) for k, v in attributes.items())
        self.nodes.append(data + (string(7, domain) if domain else b""))
        return output

    def write(self, path, inputs, output):
        data = b"".join(message(1, n) for n in self.nodes) + string(2, "bert")
        data += b"".join(message(5, t) for t in self.tensors)
        data += b"".join(message(11, i) for i in inputs) + message(12, output)
        opset = string(1, "") + integer(2, 17)
        contrib = string(1, CONTRIB) + integer(2, 1)
        with open(path, "wb") as f:
            f.write(integer(1, 8) + message(7, data) + message(8, opset) + message(8, contrib))


def matmul(g, x, name, values, output, int8):
    """x by the [k][n] values."""
    if not int8:
        return g.node("MatMul", [x, g.weight(name, values)], output, domain="")
    return g.node("DynamicQuantizeMatMul", [x, *g.quantized(name, values)], output)


def attention(g, x, name, values, bias, mask, heads, int8):
    if not int8:
        inputs = [x, g.weight(name, values), bias, *([mask] if mask else [])]
        return g.node("Attention", inputs, name + ".out", num_heads=heads)
    small, scale, zero = (name + part for part in (".x", ".x_scale", ".x_zero"))
    g.node("DynamicQuantizeLinear", [x], small, domain="", more_outputs=[scale, zero])
    weight, weight_scale, weight_zero = g.quantized(name, values)
    return g.node("QAttention", [small, weight, bias, scale, weight_scale, mask, zero, weight_zero],
                  name + ".out", num_heads=heads)


def layer(g, x, w, prefix, heads, eps, mask, int8):
    """One encoder layer; `w` maps the checkpoint's names to arrays."""

    def get(name):
        return w[prefix + name]

    def product(inputs, name, output):
        return matmul(g, inputs, prefix + name, get(name + ".weight").T, prefix + output, int8)

    def add_norm(inputs, skip, dense, norm, output):
        constants = [g.weight(prefix + norm + part, get(norm + part))
                     for part in (".weight", ".bias")]
        constants.append(g.weight(prefix + dense + ".bias", get(dense + ".bias")))
        return g.node("SkipLayerNormalization", [inputs, skip, *constants], prefix + output,
                      epsilon=eps)

    parts = ["attention.self." + n for n in ("query", "key", "value")]
    bias = g.weight(prefix + "qkv.bias", np.concatenate([get(p + ".bias") for p in parts]))
    qkv = np.concatenate([get(p + ".weight") for p in parts]).T
    attended = attention(g, x, prefix + "qkv", qkv, bias, mask, heads, int8)
    projected = product(attended, "attention.output.dense", "projected")
    hidden = add_norm(projected, x, "attention.output.dense", "attention.output.LayerNorm",
                      "hidden")
    up = product(hidden, "intermediate.dense", "up")
    up_bias = g.weight(prefix + "up.bias", get("intermediate.dense.bias"))
    act = g.node("BiasGelu", [up, up_bias], prefix + "act")
    down = product(act, "output.dense", "down")
    return add_norm(down, hidden, "output.dense", "output.LayerNorm", "out")


def write_bert(path, weights, layers, heads, eps, kind="fp32", masked=False):
    """`weights`: the tensors of a BERT checkpoint without prefix, as numpy arrays.  `kind`:
    "fp32" or "int8" (embeddings stay float).  With `masked` there is a third input, the mask
    of padded batches."""
    g = Graph()
    names = ["embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
             "embeddings.token_type_embeddings.weight", "embeddings.LayerNorm.weight",
             "embeddings.LayerNorm.bias"]
    tables = [g.weight(n, weights[n]) for n in names]
    feeds = ["ids", "types", *(["mask"] if masked else [])]
    x = g.node("EmbedLayerNormalization", [*feeds[:2], *tables, *feeds[2:]], "embedded",
               more_outputs=["mask_index"], epsilon=eps)
    for i in range(layers):
        x = layer(g, x, weights, f"encoder.layer.{i}.", heads, eps,
                  "mask_index" if masked else "", kind == "int8")
    inputs = [value_info(n, INT32, ["batch", "length"]) for n in feeds]
    hidden = weights[names[0]].shape[1]
    g.write(path, inputs, value_info(x, FLOAT, ["batch", "length", hidden]))
