# SPDX-License-Identifier: MIT
"""A BERT encoder as a GGUF file for llama.cpp, written without a library."""

import struct

import numpy as np

TYPES = {"f32": 0, "q8_0": 8, "bf16": 30}
UINT32, FLOAT32, BOOL, STRING, ARRAY, INT32 = 4, 6, 7, 8, 9, 5
NAMES = {"attention.self.query": "attn_q", "attention.self.key": "attn_k",
         "attention.self.value": "attn_v", "attention.output.dense": "attn_output",
         "attention.output.LayerNorm": "attn_output_norm", "intermediate.dense": "ffn_up",
         "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
TABLES = {"embeddings.word_embeddings": "token_embd",
          "embeddings.position_embeddings": "position_embd",
          "embeddings.token_type_embeddings": "token_types",
          "embeddings.LayerNorm": "token_embd_norm"}


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def field(key, kind, value):
    head = text(key)
    if kind == STRING:
        return head + struct.pack("<I", STRING) + text(value)
    return head + struct.pack("<I", kind) + struct.pack({UINT32: "<I", FLOAT32: "<f",
                                                         BOOL: "<?"}[kind], value)


def strings(key, values):
    return (text(key) + struct.pack("<IIQ", ARRAY, STRING, len(values))
            + b"".join(map(text, values)))


def integers(key, values):
    return (text(key) + struct.pack("<IIQ", ARRAY, INT32, len(values))
            + struct.pack(f"<{len(values)}i", *values))


def metadata(weights, layers, heads, eps):
    vocab, hidden = weights["embeddings.word_embeddings.weight"].shape
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words += [f"\u2581t{i}" for i in range(vocab - len(words))]
    inner = weights["encoder.layer.0.intermediate.dense.bias"].shape[0]
    positions = weights["embeddings.position_embeddings.weight"].shape[0]
    numbers = {"block_count": layers, "context_length": positions, "embedding_length": hidden,
               "feed_forward_length": inner, "attention.head_count": heads, "pooling_type": 1}
    tokens = {"token_type_count": 2, "padding_token_id": 0, "unknown_token_id": 1,
              "cls_token_id": 2, "seperator_token_id": 3, "mask_token_id": 4}
    fields = [field("general.architecture", STRING, "bert"), field("general.name", STRING, "bert")]
    fields += [field("bert." + k, UINT32, v) for k, v in numbers.items()]
    fields += [field("bert.attention.layer_norm_epsilon", FLOAT32, eps),
               field("bert.attention.causal", BOOL, False),
               field("tokenizer.ggml.model", STRING, "bert"),
               field("tokenizer.ggml.pre", STRING, "jina-v2-en"),
               strings("tokenizer.ggml.tokens", words),
               integers("tokenizer.ggml.token_type", [1] * vocab)]
    fields += [field("tokenizer.ggml." + k, UINT32, v) for k, v in tokens.items()]
    return fields


def encode(values, kind):
    values = np.ascontiguousarray(values, "<f4")
    if kind == "f32":
        return values.tobytes()
    if kind == "bf16":
        bits = values.view("<u4")
        return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2").tobytes()
    blocks = values.reshape(-1, 32)
    scales = abs(blocks).max(axis=1, keepdims=True) / 127
    whole = np.rint(blocks / np.maximum(scales, 1e-30)).astype("i1")
    return np.concatenate([scales.astype("<f2").view("i1"), whole], axis=1).tobytes()


def rename(name):
    stem, part = name.rsplit(".", 1)
    if stem in TABLES:
        return f"{TABLES[stem]}.{part}"
    number, inner = stem.removeprefix("encoder.layer.").split(".", 1)
    return f"blk.{number}.{NAMES[inner]}.{part}"


def write_bert(path, weights, layers, heads, eps, kind):
    """`weights` as for onnx_graph.write_bert(); matrices of the layers are stored as `kind`."""
    infos, blobs, offset = [], [], 0
    for name, values in weights.items():
        matrix = values.ndim == 2 and name.startswith("encoder.")
        data = encode(values, kind if matrix else "f32")
        infos.append(text(rename(name)) + struct.pack("<I", values.ndim)
                     + struct.pack(f"<{values.ndim}Q", *values.shape[::-1])
                     + struct.pack("<IQ", TYPES[kind if matrix else "f32"], offset))
        blobs.append(data + b"\0" * (-len(data) % 32))
        offset += len(blobs[-1])
    fields = metadata(weights, layers, heads, eps)
    head = struct.pack("<IIQQ", 0x46554747, 3, len(infos), len(fields))
    head += b"".join(fields) + b"".join(infos)
    with open(path, "wb") as f:
        f.write(head + b"\0" * (-len(head) % 32))
        f.writelines(blobs)
