# SPDX-License-Identifier: MIT
"""Cases of the task commands of `bert` for one model with a head, for cli_compare.py: what the
pipelines of transformers and the CrossEncoder of sentence-transformers answer."""

import json

import numpy as np
import torch
import transformers
from sentence_transformers import CrossEncoder
from transformers import PreTrainedTokenizerFast, pipeline

TEXTS = ["", "a cat on a mat", "The quick brown fox jumps over the lazy dog!", "   ",
         "Élan vital, naïve café", "東京 ☃ zzz", "who wrote the first program for a machine ?",
         "prices rose again in the last quarter , said the bank ."]
PAIRS = [("a cat", "on a mat"), ("", "x"), ("who wrote the first program", ""),
         ("prices rose again in the last quarter", "Berlin Paris"), ("", "")]
LONG = " ".join(TEXTS * 12)


def number(value):
    return float(f"{float(np.float32(value)):.9g}")


class Model:
    """A checkpoint as `bert` sees it: its class by name, its tokenizer.json as it stands."""

    def __init__(self, folder, texts=None, pairs=None):
        self.folder = folder
        self.texts, self.pairs = texts or TEXTS, pairs or PAIRS
        config = json.loads((folder / "config.json").read_text())
        self.cls = getattr(transformers, config["architectures"][0])
        self.model = self.cls.from_pretrained(folder, dtype=torch.float32,
                                              attn_implementation="eager").eval()
        self.limit = self.longest()

    def longest(self):
        config = self.model.config
        n = getattr(config, "max_position_embeddings", None) or 512
        if config.model_type in ("roberta", "xlm-roberta", "camembert", "mpnet"):
            n -= config.pad_token_id + 1
        return min(n, self.tokenizer().model_max_length)

    def tokenizer(self, side="right"):
        settings = json.loads((self.folder / "tokenizer_config.json").read_text())
        keep = ["model_max_length", "cls_token", "sep_token", "unk_token", "pad_token",
                "mask_token", "bos_token", "eos_token"]
        more = {k: settings[k] for k in keep if settings.get(k)}
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(self.folder / "tokenizer.json"),
                                            truncation_side=side, **more)
        if getattr(self.model.config, "type_vocab_size", 0) > 1:  # as the family's own class
            tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
        return tokenizer


# ---- classify -----------------------------------------------------------------------

class Classify(Model):
    def pipe(self, side="right"):
        return pipeline("text-classification", model=self.model, tokenizer=self.tokenizer(side),
                        device="cpu")

    def records(self, inputs, side="right", limit=None, top_k=None, **options):
        """inputs: texts, or pairs."""
        pipe, records = self.pipe(side), []
        for index, one in enumerate(inputs):
            one = one if isinstance(one, str) else {"text": one[0], "text_pair": one[1]}
            found = pipe(one, top_k=top_k, truncation=True, max_length=limit or self.limit,
                         **options)
            found = found[0] if found and isinstance(found[0], list) else found
            records.append({"index": index, "labels": [
                {"label": f["label"], "score": number(f["score"])} for f in found]})
        return records

    def cases(self, case):
        plain, texts = ["classify", "--json"], self.texts + [LONG]
        keyed = [json.dumps({"text": a, "pair": b}, ensure_ascii=False) for a, b in self.pairs]
        mixed = [json.dumps({"text": "a cat"}), "{}", keyed[0], json.dumps({"text": LONG})]
        yield case("classify", plain, texts, self.records(texts))
        yield case("classify-top", plain + ["--top", "2"], texts, self.records(texts, top_k=2))
        for function in ["softmax", "sigmoid", "none"]:
            yield case(f"classify-{function}", plain + ["--function", function], texts,
                       self.records(texts, function_to_apply=function))
        for side in ["right", "left"]:
            cut = ["--truncation", side]
            yield case(f"classify-{side}", plain + cut, [LONG], self.records([LONG], side))
            yield case(f"classify-{side}-9", plain + cut + ["--max-length", "9"], texts,
                       self.records(texts, side, 9))
            pairs = self.pairs + [(LONG, "a cat"), ("a cat on a mat", LONG), (LONG, LONG)]
            yield case(f"classify-pair-{side}", plain + cut + ["--pair", "--max-length", "16"],
                       ["\t".join(p) for p in pairs], self.records(pairs, side, 16))
        yield case("classify-jsonl", plain + ["--jsonl"], keyed, self.records(self.pairs))
        expected = self.records(["a cat", "", self.pairs[0], LONG])
        expected[1] = {"index": 1, "error": {"code": "BERT_EINVAL"}}
        yield case("classify-mixed", plain + ["--jsonl"], mixed, expected)
        yield case("classify-none", plain + ["--truncation", "none"], ["a cat", LONG],
                   self.records(["a cat"]) + [{"index": 1, "error": {"code": "BERT_ERANGE"}}])


# ---- rerank --------------------------------------------------------------------------

class Rerank(Classify):
    """A model of one label: what CrossEncoder ranks."""

    QUERY = "who wrote the first program for a machine ?"

    def __init__(self, folder, texts=None, pairs=None):
        super().__init__(folder, texts, pairs)
        self.encoders = {}

    def encoder(self, side="right", limit=None):
        encoder = CrossEncoder(str(self.folder), device="cpu", max_length=limit or self.limit,
                               model_kwargs={"dtype": torch.float32, "attn_implementation": "eager"})
        names = encoder.tokenizer.model_input_names
        encoder[0].processor = self.tokenizer(side)  # tokenizer.json as it stands
        assert encoder.tokenizer.model_input_names == names or "distil" in str(self.cls).lower()
        encoder.max_seq_length = limit or self.limit
        return encoder

    def ranking(self, query, texts, encoder, top=None, **options):
        scores = [float(encoder.predict([(query, t)], **options)[0]) for t in texts]
        best = sorted(range(len(texts)), key=lambda i: -scores[i])[:top]
        return [{"index": i, "score": number(scores[i]), "text": texts[i]} for i in best]

    def cases(self, case):
        yield from super().cases(case)
        texts, encoder = self.texts + [LONG], self.encoder()
        for name, query in [("", self.QUERY), ("-empty", ""), ("-long", LONG)]:
            yield case(f"rerank{name}", ["rerank", "--json", "--query", query], texts,
                       self.ranking(query, texts, encoder))
        plain = ["rerank", "--json", "--query", self.QUERY]
        yield case("rerank-top", plain + ["--top", "3"], texts,
                   self.ranking(self.QUERY, texts, encoder, 3))
        yield case("rerank-raw", plain + ["--raw"], texts,
                   self.ranking(self.QUERY, texts, encoder, activation_fn=torch.nn.Identity()))
        for side in ["right", "left"]:
            yield case(f"rerank-{side}", plain + ["--truncation", side, "--max-length", "20"],
                       texts, self.ranking(self.QUERY, texts, self.encoder(side, 20)))
        yield case("rerank-none", plain + ["--truncation", "none"], [LONG, "a cat"],
                   [{"index": 0, "error": {"code": "BERT_ERANGE"}}]
                   + [{**r, "index": 1} for r in self.ranking(self.QUERY, ["a cat"], encoder)])


def cases(folder, case):
    """All cases of the model's own task; `case` makes one of (name, args, lines, expected)."""
    config = json.loads((folder / "config.json").read_text())
    name = config["architectures"][0]
    if name.endswith("ForSequenceClassification"):
        one = config.get("num_labels", len(config.get("id2label", "no"))) == 1
        return (Rerank if one else Classify)(folder).cases(case)
    raise SystemExit(f"{folder}: no task command for {name}")
