# SPDX-License-Identifier: MIT
"""Cases of the task commands of `bert` for one model with a head, for cli_compare.py: what the
pipelines of transformers and the CrossEncoder of sentence-transformers answer."""

import inspect
import json

import numpy as np
import torch
import transformers
from safetensors import safe_open
from sentence_transformers import CrossEncoder
from transformers import AutoTokenizer, PreTrainedTokenizerFast, pipeline

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

    cls = None

    def __init__(self, folder, texts=None, pairs=None):
        self.folder = folder
        self.texts, self.pairs = texts or TEXTS, pairs or PAIRS
        config = json.loads((folder / "config.json").read_text())
        self.cls = self.cls or getattr(transformers, config["architectures"][0])
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
        keep = ["model_max_length", "clean_up_tokenization_spaces", "cls_token", "sep_token", "unk_token", "pad_token",
                "mask_token", "bos_token", "eos_token"]
        more = {k: settings[k] for k in keep if settings.get(k)}
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(self.folder / "tokenizer.json"),
                                            truncation_side=side, **more)
        if "token_type_ids" in inspect.signature(self.model.forward).parameters:
            try:
                own = AutoTokenizer.from_pretrained(self.folder)  # its class says what models are given
            except TypeError:  # ALBERT's class takes no WordPiece; it gives what all do
                return tokenizer
            tokenizer.model_input_names = own.model_input_names
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
        yield case("classify-specials", plain + ["--max-length", "2"], self.texts[:2],
                   self.records(self.texts[:2], limit=2))
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
        encoder[0].processor = self.tokenizer(side)  # tokenizer.json as it stands
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
        yield case("rerank-specials", plain + ["--max-length", "3"], texts[:2],
                   self.ranking(self.QUERY, texts[:2], self.encoder(limit=3)))
        yield case("rerank-none", plain + ["--truncation", "none"], [LONG, "a cat"],
                   [{"index": 0, "error": {"code": "BERT_ERANGE"}}]
                   + [{**r, "index": 1} for r in self.ranking(self.QUERY, ["a cat"], encoder)])


# ---- next ----------------------------------------------------------------------------

class Next(Model):
    def records(self, pairs, side="right", limit=None):
        tokenizer, records = self.tokenizer(side), []
        for index, (a, b) in enumerate(pairs):
            inputs = tokenizer(a, b, return_tensors="pt", truncation=True,
                               max_length=limit or self.limit)
            with torch.no_grad():
                out = self.model(**inputs)
            logits = getattr(out, "seq_relationship_logits", None)
            logits = (out.logits if logits is None else logits)[0]
            records.append({"index": index, "is_next": number(torch.softmax(logits, 0)[0]),
                            "logits": [number(x) for x in logits]})
        return records

    def cases(self, case):
        plain = ["next", "--json"]
        pairs = self.pairs + [(LONG, "a cat"), ("a cat on a mat", LONG), (LONG, LONG)]
        keyed = [json.dumps({"text": a, "pair": b}, ensure_ascii=False) for a, b in pairs]
        yield case("next", plain, ["\t".join(p) for p in pairs], self.records(pairs))
        yield case("next-jsonl", plain + ["--jsonl"], keyed, self.records(pairs))
        for side in ["right", "left"]:
            yield case(f"next-{side}", plain + ["--truncation", side, "--max-length", "17"],
                       ["\t".join(p) for p in pairs], self.records(pairs, side, 17))
        yield case("next-specials", plain + ["--max-length", "3"], ["\t".join(pairs[0])],
                   self.records(pairs[:1], limit=3))
        yield case("next-none", plain + ["--truncation", "none"], ["a cat", "a\t" + LONG],
                   [{"index": 0, "error": {"code": "BERT_EINVAL"}},
                    {"index": 1, "error": {"code": "BERT_ERANGE"}}])
        yield case("next-arguments", plain + list(self.pairs[0]), [],
                   self.records(self.pairs[:1]))


# ---- fill ----------------------------------------------------------------------------

class Fill(Model):
    MASKED = ["a # on a mat", "#", "  #  ", "# #", "the # of a machine , said the # . # !",
              "who wrote the first program for a # ? it ' s # n't", "Élan # vital [SEP] 東京"]

    def __init__(self, folder, texts=None, pairs=None):
        super().__init__(folder, texts, pairs)
        mask = self.tokenizer().mask_token
        self.texts = texts or [t.replace("#", mask) for t in self.MASKED]
        self.long = f"{mask} {LONG} {mask}"

    def records(self, texts, side="right", limit=None, **options):
        tokenizer, records = self.tokenizer(side), []
        pipe = pipeline("fill-mask", model=self.model, tokenizer=tokenizer, device="cpu")
        for index, text in enumerate(texts):
            found = pipe(text, tokenizer_kwargs=dict(truncation=True,
                                                     max_length=limit or self.limit), **options)
            found = found if isinstance(found[0], list) else [found]
            records.append({"index": index, "masks": [
                [{"token": f["token_str"], "id": f["token"], "score": number(f["score"]),
                  "text": f["sequence"]} for f in best] for best in found]})
        return records

    def cases(self, case):
        plain, texts = ["fill", "--json"], self.texts
        mask = self.tokenizer().mask_token
        targets = ["cat", "mat", "unheard", "", "cat", "the"]
        yield case("fill", plain, texts, self.records(texts))
        yield case("fill-top", plain + ["--top", "9"], texts[:2], self.records(texts[:2], top_k=9))
        yield case("fill-targets", plain + ["--targets", ",".join(targets)], texts,
                   self.records(texts, targets=targets))
        yield case("fill-targets-top", plain + ["--top", "2", "--targets", "cat,mat,on"], texts,
                   self.records(texts, top_k=2, targets=["cat", "mat", "on"]))
        for side in ["right", "left"]:
            long = [self.long, "a " + self.long]
            yield case(f"fill-{side}", plain + ["--truncation", side], long,
                       self.records(long, side))
        expected = self.records(texts[:1] * 3)
        expected[1] = {"index": 1, "error": {"code": "BERT_EINVAL"}}
        yield case("fill-no-mask", plain, [texts[0], "a cat", texts[0]], expected)
        yield case("fill-none", plain + ["--truncation", "none"], [texts[0], self.long],
                   expected[:1] + [{"index": 1, "error": {"code": "BERT_ERANGE"}}])
        yield case("fill-cut-mask", plain + ["--max-length", "8"], [LONG + mask],
                   [{"index": 0, "error": {"code": "BERT_EINVAL"}}])


class NextBesideFill(Next):
    """What pre-training left in the file of a masked LM."""

    cls = transformers.BertForNextSentencePrediction


def fill_cases(folder, case):
    yield from Fill(folder).cases(case)
    with safe_open(folder / "model.safetensors", "pt") as f:
        if "cls.seq_relationship.weight" in f.keys():
            yield from NextBesideFill(folder).cases(case)


# ---- choose ----------------------------------------------------------------------------

class Choose(Model):
    """The class for multiple choice, given all pairs of a prompt and its choices as one batch."""

    CHOICES = [("a cat", ["on a mat", "prices rose again", "Berlin"]), ("", ["", "x"]),
               ("who wrote the first program for a machine ?", ["the bank .", ""]),
               ("prices rose", ["東京 ☃ zzz"]), ("Élan vital", ["naïve café", "the", "the"]),
               ("a cat on a mat", [LONG, "a dog", LONG + " . the end"]), (LONG, ["a cat", LONG])]

    def logits(self, prompt, choices, side="right", limit=None):
        inputs = self.tokenizer(side)([prompt] * len(choices), choices, return_tensors="pt",
                                      padding=True, truncation=True,
                                      max_length=limit or self.limit)
        with torch.no_grad():
            return self.model(**{k: v[None] for k, v in inputs.items()}).logits[0]

    def records(self, questions, **options):
        records = []
        for index, (prompt, choices) in enumerate(questions):
            logits = self.logits(prompt, choices, **options)
            best = int(logits.argmax())
            records.append({"index": index, "choice": best, "text": choices[best],
                            "scores": [number(x) for x in torch.softmax(logits, 0)],
                            "logits": [number(x) for x in logits]})
        return records

    def cases(self, case):
        plain, questions = ["choose", "--json"], self.CHOICES
        lines = ["\t".join([p, *c]) for p, c in questions]
        keyed = [json.dumps({"text": p, "choices": c}, ensure_ascii=False) for p, c in questions]
        yield case("choose", plain, lines, self.records(questions))
        yield case("choose-jsonl", plain + ["--jsonl"], keyed, self.records(questions))
        for side in ["right", "left"]:
            yield case(f"choose-{side}", plain + ["--truncation", side, "--max-length", "11"],
                       lines, self.records(questions, side=side, limit=11))
        expected = self.records(questions[:4])
        for i in [1, 2]:
            expected[i] = {"index": i, "error": {"code": "BERT_EINVAL"}}
        yield case("choose-errors", plain + ["--jsonl"],
                   [keyed[0], json.dumps({"text": "a", "choices": []}),
                    json.dumps({"text": "a", "choices": ["b", 1]}), keyed[3]], expected)
        yield case("choose-none", plain + ["--truncation", "none"], [lines[0], lines[5], "a cat"],
                   self.records(questions[:1]) + [{"index": 1, "error": {"code": "BERT_ERANGE"}},
                                                  {"index": 2, "error": {"code": "BERT_EINVAL"}}])
        prompt, choices = questions[0]
        yield case("choose-arguments", plain + [prompt, *choices], [], self.records(questions[:1]))


def cases(folder, case):
    """All cases of the model's own task; `case` makes one of (name, args, lines, expected)."""
    config = json.loads((folder / "config.json").read_text())
    name = config["architectures"][0]
    if name.endswith("ForSequenceClassification"):
        one = config.get("num_labels", len(config.get("id2label", "no"))) == 1
        return (Rerank if one else Classify)(folder).cases(case)
    if name.endswith("ForMaskedLM"):
        return fill_cases(folder, case)
    if name.endswith("ForMultipleChoice"):
        return Choose(folder).cases(case)
    if name.endswith(("ForNextSentencePrediction", "ForPreTraining")):
        return Next(folder).cases(case)
    raise SystemExit(f"{folder}: no task command for {name}")
