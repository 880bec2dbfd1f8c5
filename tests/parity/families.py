#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every family and head on random tiny checkpoints, against `transformers` (eager, fp32).

usage: families.py BERT [--only NAME] [--seeds 0:2] [--disguise]

BERT is the `bert` command.  Each class of a family is made from a random config, every
parameter drawn at random, saved by save_pretrained(), and answered by both sides for ids of
several lengths: hidden states, attentions where the reference gives them, pooler, logits.
Prints the worst difference, as a multiple of max(1, rms), for each class.  --disguise gives each
checkpoint a form as others on the hub have it: other element types, shards, old names, some tensors
without the prefix or with it, more tensors, keys of the config left out, others added.
"""

import argparse
import copy
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"

import numpy as np
import safetensors.torch
import torch
import transformers

import jina_bert

LIMIT = 3e-5
LENGTHS = [1, 2, 3, 17, 129]
HEADS = ["Model", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering",
         "ForMaskedLM", "ForPreTraining", "ForNextSentencePrediction", "ForMultipleChoice",
         "Encoder"]
ACTIVATIONS = ["gelu", "gelu_new", "relu", "silu", "gelu_pytorch_tanh", "quick_gelu", "tanh"]


def common(r):
    """BERT's.  A norm over very few values makes too much of rounding."""
    heads = r.choice([1, 2, 3, 4])
    size = r.choice([4, 7, 8, 13, 16, 16, 40, 67, 129] if heads > 2 else [8, 13, 16, 16, 67, 255])
    return dict(vocab_size=r.randrange(30, 90), hidden_size=heads * size,
                num_attention_heads=heads, num_hidden_layers=r.randrange(1, 4),
                intermediate_size=r.randrange(8, 90), max_position_embeddings=160,
                type_vocab_size=r.choice([1, 2, 3]), layer_norm_eps=r.choice([1e-12, 1e-5, 1e-3]),
                hidden_act=r.choice(ACTIVATIONS), pad_token_id=r.choice([0, 1, 3]))


def distilbert(r):
    c = common(r)
    return dict(vocab_size=c["vocab_size"], dim=c["hidden_size"], n_heads=c["num_attention_heads"],
                n_layers=c["num_hidden_layers"], hidden_dim=c["intermediate_size"],
                max_position_embeddings=160, activation=c["hidden_act"], pad_token_id=0)


def albert(r):
    c = common(r)
    layers = r.randrange(1, 6)
    return dict(c, num_hidden_layers=layers, num_hidden_groups=r.randrange(1, layers + 1),
                inner_group_num=r.choice([1, 2]), embedding_size=r.choice([8, 16, c["hidden_size"]]))


def electra(r):
    c = common(r)
    return dict(c, embedding_size=r.choice([8, c["hidden_size"]]))


def ernie(r):
    return dict(common(r), use_task_id=r.random() < 0.5)


def without_types(r):
    c = common(r)
    del c["type_vocab_size"]
    return c


def mpnet(r):
    return dict(without_types(r), relative_attention_num_buckets=r.choice([32, 32, 40]))


def modernbert(r):
    c = without_types(r)
    heads = c["num_attention_heads"]
    c.update(hidden_size=heads * r.choice([4, 8, 16, 26]), hidden_activation=c.pop("hidden_act"),
             norm_eps=c.pop("layer_norm_eps"), local_attention=r.choice([4, 7, 16, 128]),
             num_hidden_layers=r.randrange(1, 6), global_attn_every_n_layers=r.choice([1, 2, 3]),
             classifier_pooling=r.choice(["cls", "mean"]),
             classifier_activation=r.choice(ACTIVATIONS), bos_token_id=1, eos_token_id=2,
             cls_token_id=1, sep_token_id=2, pad_token_id=r.choice([0, 3]))
    for key in ["norm_bias", "attention_bias", "mlp_bias", "classifier_bias", "decoder_bias"]:
        c[key] = r.random() < 0.5
    return c


def rotary(r):
    c = common(r)
    c.update(hidden_size=c["num_attention_heads"] * r.choice([4, 8, 16, 26]))
    c["rope_parameters"] = {"rope_type": "default", "rope_theta": r.choice([1000.0, 20000.0])}
    if r.random() < 0.3:
        c["head_dim"] = r.choice([6, 8, 20])
    return c


def gte(r):
    return dict(rotary(r), type_vocab_size=r.choice([0, 1, 2]))


def eurobert(r):
    c = rotary(r)
    del c["type_vocab_size"]
    heads = c["num_attention_heads"]
    c.update(num_key_value_heads=r.choice([n for n in (1, 2, 3, 4) if heads % n == 0]),
             rms_norm_eps=c.pop("layer_norm_eps"), attention_bias=r.random() < 0.5,
             mlp_bias=r.random() < 0.5, classifier_pooling=r.choice(["bos", "mean", "late"]),
             bos_token_id=1, eos_token_id=2, mask_token_id=3, tie_word_embeddings=r.random() < 0.5)
    if r.random() < 0.5:
        c["head_dim"] = r.choice([6, 8, 20])
    return c


def roformer(r):
    c = common(r)
    c.update(hidden_size=c["num_attention_heads"] * r.choice([4, 8, 16, 26]),
             rotary_value=r.random() < 0.3, embedding_size=r.choice([8, c["hidden_size"]]))
    return c


def rembert(r):
    return dict(common(r), input_embedding_size=r.choice([8, 12]),
                output_embedding_size=r.choice([8, 40]))


def luke(r):
    return dict(common(r), entity_vocab_size=7, entity_emb_size=r.choice([4, 8]),
                use_entity_aware_attention=r.random() < 0.5)


def ibert(r):
    return dict(common(r), hidden_act="gelu")


def esm(r):
    c = without_types(r)
    c.pop("hidden_act")
    c.update(hidden_size=c["num_attention_heads"] * r.choice([4, 8, 16, 26]),
             position_embedding_type=r.choice(["absolute", "rotary"]), mask_token_id=5,
             emb_layer_norm_before=r.random() < 0.5, token_dropout=r.random() < 0.6,
             pad_token_id=r.choice([0, 1, 3]), rope_theta=r.choice([1000.0, 10000.0]))
    return c


def deberta(r):
    c = common(r)
    terms = r.choice([["c2p"], ["p2c"], ["c2p", "p2c"], ["p2c", "c2p"], []])
    c.update(type_vocab_size=r.choice([0, 2]), relative_attention=r.random() < 0.85,
             pos_att_type="|".join(terms) if terms and r.random() < 0.5 else terms,
             max_relative_positions=r.choice([-1, 20, 160]),
             position_biased_input=r.random() < 0.5, legacy=r.random() < 0.5,
             pooler_hidden_act=r.choice(ACTIVATIONS))
    if c["legacy"] and r.random() < 0.3:  # else the decoder is as wide as the embeddings
        c["embedding_size"] = r.choice([8, 24])
    return c


def deberta_v2(r):
    c = deberta(r)
    if r.random() < 0.6:
        c.update(position_buckets=r.choice([4, 16, 32]), max_relative_positions=-1)
    if r.random() < 0.5:
        c["share_att_key"] = True
    if r.random() < 0.5:
        c["norm_rel_ebd"] = "layer_norm"
    if r.random() < 0.5:
        c.update(conv_kernel_size=r.choice([1, 3, 5]))
        if r.random() < 0.5:
            c["conv_act"] = r.choice(ACTIVATIONS)
        if r.random() < 0.5:
            c["conv_groups"] = c["num_attention_heads"]
    return c


def jina(r):
    c = dict(common(r), feed_forward_type=r.choice(["geglu", "reglu"]), hidden_act="gelu",
             code_model=r.random() < 0.5)
    heads = r.choice([1, 2, 3, 4, 5, 6, 12])
    return dict(c, num_attention_heads=heads, hidden_size=heads * r.choice([3, 4, 8]))


def squeezebert(r):
    c = common(r)
    heads = r.choice([2, 4])
    c.update(num_attention_heads=heads, hidden_size=heads * r.choice([6, 12, 20]),
             intermediate_size=r.choice([24, 60, 72]))
    c["embedding_size"] = c["hidden_size"]
    for key in ["q", "k", "v", "post_attention", "intermediate", "output"]:
        if r.random() < 0.8:
            c[key + "_groups"] = r.choice([1, 2, 4])
    return c


def nystromformer(r):
    c = dict(common(r), num_landmarks=64, segment_means_seq_len=64,
             conv_kernel_size=r.choice([1, 3, 9, 65]))
    if r.random() < 0.7:
        c.update(num_landmarks=r.choice([1, 2, 5, 8, 16, 33]),
                 segment_means_seq_len=r.choice([33, 34, 47, 64, 129, 160]))
    return c


def convbert(r):
    c = common(r)
    heads, ratio = r.choice([1, 2, 3, 4, 6]), r.choice([1, 2, 2, 3, 8])
    left = max(1, heads // ratio)
    c.update(num_attention_heads=heads, head_ratio=ratio,
             hidden_size=2 * left * r.choice([2, 4, 6, 7, 8, 16, 40]),
             conv_kernel_size=r.choice([1, 3, 5, 9, 9, 21]), num_groups=1)
    c["embedding_size"] = r.choice([8, c["hidden_size"]])
    if r.random() < 0.5:
        c["num_groups"] = r.choice([n for n in (2, 3, 4) if c["hidden_size"] % n == 0] or [1])
        c["intermediate_size"] = c["num_groups"] * r.randrange(3, 20)
    for key, values in [("summary_type", ["last", "first", "mean", "cls_index"]),
                        ("summary_use_proj", [True, False])]:
        if r.random() < 0.5:
            c[key] = r.choice(values)
    if c.get("summary_use_proj") and r.random() < 0.7:
        c["summary_activation"] = r.choice(ACTIVATIONS)
    return c


def mobilebert(r):
    c = common(r)
    heads = c["num_attention_heads"]
    c.update(hidden_size=heads * r.choice([8, 12, 16]), use_bottleneck=r.random() < 0.8,
             intra_bottleneck_size=heads * r.choice([4, 7, 12, 20]),
             use_bottleneck_attention=r.random() < 0.4, trigram_input=r.random() < 0.7,
             key_query_shared_bottleneck=r.random() < 0.7,
             num_feedforward_networks=r.choice([1, 2, 4]),
             normalization_type=r.choice(["no_norm", "layer_norm"]),
             classifier_activation=r.random() < 0.7)
    c["embedding_size"] = r.choice([4, 8, c["hidden_size"]])
    if not c["use_bottleneck_attention"] and not c["key_query_shared_bottleneck"]:
        c["intra_bottleneck_size"] = c["hidden_size"]  # else queries can't read what they get
    return c


FAMILIES = {
    "Bert": common, "DistilBert": distilbert, "Roberta": common, "XLMRoberta": common,
    "Camembert": common, "Electra": electra, "Albert": albert, "Ernie": ernie,
    "Data2VecText": common, "BertGeneration": without_types, "MegatronBert": common,
    "RobertaPreLayerNorm": common, "XLMRobertaXL": common, "MPNet": mpnet,
    "ModernBert": modernbert, "NomicBert": rotary, "Gte": gte, "JinaEmbeddingsV3": rotary,
    "EuroBert": eurobert, "RoFormer": roformer, "RemBert": rembert, "Luke": luke, "IBert": ibert,
    "Esm": esm, "Deberta": deberta, "DebertaV2": deberta_v2, "JinaBert": jina,
    "SqueezeBert": squeezebert, "Nystromformer": nystromformer, "ConvBert": convbert,
    "MobileBert": mobilebert,
}


def randomise(model, seed):
    gen = torch.Generator().manual_seed(seed)
    # without norms values grow from layer to layer
    size = 0.7 if getattr(model.config, "normalization_type", "") == "no_norm" else 1.3
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=gen)
            if "embed_positions" in name:  # sines and cosines, of RoFormer
                p.mul_(0.7 + 0.6 * torch.rand(p.shape, generator=gen))
            elif p.ndim == 1 and name.endswith("weight"):  # norms
                p.copy_(0.6 + torch.rand(p.shape, generator=gen))
            elif p.ndim == 1:
                p.copy_(0.4 * noise)
            elif "embeddings" in name:
                p.copy_(noise)
            else:
                p.copy_(size * noise / p.shape[1] ** 0.5)
        for name, p in model.named_buffers():
            if name.endswith("inv_freq"):  # ESM's, which are saved
                p.mul_(0.5 + torch.rand(p.shape, generator=gen))


def make(family, head, seed, folder, disguised=False):
    r = random.Random(f"{family}{seed}")
    if family == "JinaBert":
        config = jina_bert.config(**jina(r), num_labels=r.randrange(1, 6))
        model = jina_bert.JinaBert(config, head).eval()
        randomise(model, seed)
        model.save_pretrained(folder)
        return model, r
    config = getattr(transformers, family + "Config")(**FAMILIES[family](r))
    if head in ("ForSequenceClassification", "ForTokenClassification"):
        config.num_labels = r.randrange(1, 6)
    cls = getattr(transformers, family + head)
    model = cls(config)
    randomise(model, seed)
    model.save_pretrained(folder)
    if disguised:
        disguise(model, folder, r)
    return cls.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval(), r


def lengths(config):
    """Those that the reference takes: with landmarks, what they cover."""
    marks = getattr(config, "num_landmarks", 0)
    if marks and marks != config.segment_means_seq_len:
        return [config.segment_means_seq_len // marks * marks] * 2
    return LENGTHS + [longest(config)]


def longest(config):
    places = getattr(config, "max_position_embeddings", 160)
    after = ("roberta", "camembert", "data2vec", "mpnet", "luke", "ibert", "esm", "xlm")
    if getattr(config, "model_type", "").startswith(after) and getattr(
            config, "position_embedding_type", "") != "rotary":
        return places - (1 if config.model_type == "mpnet" else config.pad_token_id) - 1
    return places


EXTRA_KEYS = {"torch_dtype": "float16", "dtype": "bfloat16", "use_cache": True,
              "gradient_checkpointing": False, "transformers_version": "4.6.0.dev0",
              "output_past": True, "pruned_heads": {}, "position_embedding_type": "absolute",
              "chunk_size_feed_forward": 1, "directionality": "bidi"}


def rename(name, prefix, heads, r):
    """As older files, or those of the base model alone, call it."""
    for new, old in [("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")]:
        if name.endswith(new) and r.random() < 0.5:
            name = name.removesuffix(new) + old
    if name.startswith(prefix) and r.random() < 0.3:
        return name.removeprefix(prefix)
    if not name.startswith(prefix) and not heads and r.random() < 0.3:
        return prefix + name
    return name


def write_shards(tensors, folder, r):
    """In one file, or in several that an index names."""
    count = r.choice([1, 1, 2, 3])
    if count == 1:
        return safetensors.torch.save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "model.safetensors").unlink()
    where = {name: r.randrange(count) for name in tensors}
    files = [f"model-{i + 1:05}-of-{count:05}.safetensors" for i in range(count)]
    for i, file in enumerate(files):
        part = {k: v for k, v in tensors.items() if where[k] == i}
        if part:
            safetensors.torch.save_file(part, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": {k: files[i] for k, i in where.items()}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def disguise(model, folder, r):
    folder = pathlib.Path(folder)
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    prefix, heads = model.base_model_prefix + ".", any(
        k.startswith(model.base_model_prefix + ".") for k in tensors)
    dtype = r.choice([torch.float32, torch.float64, torch.float16, torch.bfloat16])
    tensors = {rename(k, prefix, heads, r): v.to(dtype) if v.is_floating_point() else v
               for k, v in tensors.items()}
    tensors |= {"embeddings.position_ids": torch.arange(7)[None], "unused.weight": torch.ones(2, 2)}
    write_shards(tensors, folder, r)
    config = json.loads((folder / "config.json").read_text())
    plain = type(model.config)().to_dict()
    for key in list(config):
        if key in plain and plain[key] == config[key] and key not in ("model_type", "architectures"):
            if r.random() < 0.7:
                del config[key]
    if "position_embedding_type" in plain or "gte" in config["model_type"]:
        EXTRA_KEYS.pop("position_embedding_type", None)
    config |= {k: v for k, v in EXTRA_KEYS.items() if r.random() < 0.4}
    (folder / "config.json").write_text(json.dumps(config))


def records(config, r, types):
    padding = getattr(config, "pad_token_id", None)
    for n in lengths(config):
        ids = [r.randrange(config.vocab_size) for _ in range(n)]
        if padding is not None and n in (17, 129):
            ids[5] = padding
        record = {"input_ids": ids}
        if types and r.random() < 0.7:
            record["token_type_ids"] = [r.randrange(config.type_vocab_size) for _ in range(n)]
        yield record


def reference(model, record):
    choice = type(model).__name__.endswith("MultipleChoice")
    choice = choice or getattr(model, "head", "") == "ForMultipleChoice"
    given = {k: torch.tensor(v)[None] for k, v in record.items()}
    given["attention_mask"] = torch.ones_like(given["input_ids"])
    if choice:
        given = {k: v[None] for k, v in given.items()}
    with torch.inference_mode():
        out = model(**given, output_hidden_states=True, output_attentions=True)
    values = {}
    for key, value in out.items():
        if isinstance(value, tuple):
            if value and key in ("hidden_states", "attentions"):
                values[key] = torch.stack([v[0] for v in value])
                if key == "attentions" and "SqueezeBert" in type(model).__name__:
                    values[key] = values[key].softmax(-1)  # it gives the scores
                values[key] = values[key].numpy()
        elif isinstance(value, torch.Tensor):
            values[key] = value[0].numpy()
    return values


def compare(name, have, want):
    have = np.array(have, dtype=np.float32)
    if have.shape != want.shape:
        return f"{name} has the shape {have.shape}, expected {want.shape}"
    if np.isnan(want).any():  # ESM divides by 0 where all is masked
        return 0.0
    off = np.abs(have - want).max() / max(1, np.sqrt((want**2).mean()))
    return float(off)


def excused(model, record, key, have, want):
    """Random weights can make much of rounding: is it no farther, by much, from what the reference
    gives in float64 than the reference itself is?"""
    exact = reference(copy.deepcopy(model).double(), record)[key]
    return compare(key, have, exact) <= max(LIMIT, 3 * compare(key, want, exact))


def check(bert, family, head, seed, disguised=False):
    with tempfile.TemporaryDirectory() as folder:
        model, r = make(family, head, seed, folder, disguised)
        types = "token_type_ids" in getattr(model, "forward").__code__.co_varnames
        types = types and getattr(model.config, "type_vocab_size", 0) > 0
        given = list(records(model.config, r, types))
        run = subprocess.run([bert, "forward", "--model", folder, "--json", "--jsonl",
                              "--hidden-states", "--attentions"], capture_output=True, text=True,
                             input="".join(json.dumps(g) + "\n" for g in given))
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    if run.returncode != 0 or len(lines) != len(given):
        return run.stderr.strip()[:300] + run.stdout[:200]
    worst = 0
    for record, line in zip(given, lines):
        want = reference(model, record)
        if set(line) - {"index"} != set(want):
            return f"gives {sorted(line)}, expected {sorted(want)}"
        for key in want:
            off = compare(key, line[key], want[key])
            if isinstance(off, str):
                return off
            if not off <= LIMIT and not excused(model, record, key, line[key], want[key]):
                return f"{key} of {len(record['input_ids'])} tokens is off by {off:.2e}"
            worst = max(worst, off)
    return worst


def exists(family, head):
    if family == "JinaBert":
        return head in jina_bert.HEADS
    return hasattr(transformers, family + head)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bert")
    parser.add_argument("--only", default="")
    parser.add_argument("--seeds", default="0:2")
    parser.add_argument("--disguise", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    transformers.utils.logging.disable_progress_bar()
    first, last = map(int, args.seeds.split(":"))
    failed = compared = 0
    for family in FAMILIES:
        for head in HEADS:
            if args.only.lower() not in (family + head).lower() or not exists(family, head):
                continue
            if family != "BertGeneration" and head == "Encoder":
                continue
            compared += 1
            results = [check(args.bert, family, head, seed, args.disguise) for seed in range(first, last)]
            wrong = [x for x in results if isinstance(x, str)]
            failed += len(wrong)
            print(f"{family + head:45}", wrong[0] if wrong else f"{max(results):.1e}", flush=True)
    if compared == 0:
        sys.exit(f"no class is named {args.only}")
    print(f"{compared} classes, {failed} wrong")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
