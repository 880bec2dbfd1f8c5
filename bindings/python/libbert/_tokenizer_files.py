# SPDX-License-Identifier: MIT
"""What Python has to know of a tokenizer's files: special tokens, added tokens, and the settings of
tokenizer_config.json.  The vocabulary itself is read by the library."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ._json_files import object_of_file, text_of_file

ATTRIBUTES = (
    "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token",
)  # fmt: skip
NO_LIMIT = int(1e30)  # the reference's `model_max_length` where there is none

_TYPES = ("input_ids", "token_type_ids", "attention_mask")
_PLAIN = ("input_ids", "attention_mask")
_LAST = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class AddedToken:
    """A token that is matched before the model sees the text."""

    content: str
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False
    normalized: bool = True
    special: bool = False

    def __str__(self) -> str:
        return self.content


def _roles(**tokens: str) -> dict[str, str]:
    return {f"{name}_token": token for name, token in tokens.items()}


_BERT = _roles(unk="[UNK]", sep="[SEP]", pad="[PAD]", cls="[CLS]", mask="[MASK]")
_ANGLE = _roles(
    bos="<s>", eos="</s>", sep="</s>", cls="<s>", unk="<unk>", pad="<pad>", mask="<mask>"
)
_ALBERT = _roles(
    bos="[CLS]", eos="[SEP]", unk="<unk>", sep="[SEP]", pad="<pad>", cls="[CLS]", mask="[MASK]"
)
_XLNET = _roles(
    bos="<s>", eos="</s>", unk="<unk>", sep="<sep>", pad="<pad>", cls="<cls>", mask="<mask>"
)
_ENDS = "<|endoftext|>"
# Of the reference's classes: the special tokens, and the inputs, that hold unless a file says
# otherwise.
CLASSES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "Bert": (_BERT, _TYPES),
    "Roberta": (_ANGLE, _PLAIN),
    "XLMRoberta": (_ANGLE, _PLAIN),
    "Camembert": (_ANGLE, _PLAIN),
    "Barthez": (_ANGLE, _PLAIN),
    "MPNet": ({**_ANGLE, "unk_token": "[UNK]"}, _PLAIN),
    "Luke": (_ANGLE, _PLAIN),
    "Albert": (_ALBERT, _PLAIN),
    "RemBert": (_ALBERT, _PLAIN),
    "FNet": (_ALBERT, ("input_ids", "token_type_ids")),
    "BigBird": ({**_ALBERT, "bos_token": "<s>", "eos_token": "</s>"}, _PLAIN),
    "Deberta": ({**_BERT, "bos_token": "[CLS]", "eos_token": "[SEP]"}, _LAST),
    "DebertaV2": ({**_BERT, "bos_token": "[CLS]", "eos_token": "[SEP]"}, _LAST),
    "RoFormer": (_BERT, _PLAIN),
    "Splinter": (_BERT, _PLAIN),
    "Funnel": (_XLNET, _PLAIN),
    "XLNet": (_XLNET, _PLAIN),
    "Herbert": (
        _roles(cls="<s>", unk="<unk>", pad="<pad>", mask="<mask>", sep="</s>"), _PLAIN,
    ),
    "Esm": (
        _roles(unk="<unk>", cls="<cls>", pad="<pad>", mask="<mask>", eos="<eos>"), _PLAIN,
    ),
    "BertGeneration": (
        _roles(bos="<s>", eos="</s>", unk="<unk>", pad="<pad>", sep="<::::>"), _PLAIN,
    ),
    "GPT2": (_roles(unk=_ENDS, bos=_ENDS, eos=_ENDS), _PLAIN),
}  # fmt: skip
_SAME = {
    "DistilBert": "Bert", "Electra": "Bert", "ConvBert": "Bert", "MobileBert": "Bert",
    "SqueezeBert": "Bert", "LayoutLM": "Bert", "DPRQuestionEncoder": "Bert",
    "DPRContextEncoder": "Bert", "Longformer": "Roberta", "XLMRobertaXL": "XLMRoberta",
}  # fmt: skip
# Classes of the types of models, where no tokenizer_class is said.
_BY_MODEL = {
    "bert": "Bert", "distilbert": "Bert", "electra": "Bert", "convbert": "Bert",
    "mobilebert": "Bert", "squeezebert": "Bert", "ernie": "Bert", "megatron-bert": "Bert",
    "nomic_bert": "Bert", "layoutlm": "Bert", "dpr": "Bert", "roberta": "Roberta",
    "longformer": "Roberta", "data2vec-text": "Roberta", "ibert": "Roberta", "mra": "Roberta",
    "roberta-prelayernorm": "Roberta", "xlm-roberta": "XLMRoberta", "xmod": "XLMRoberta",
    "gte": "XLMRoberta", "camembert": "Camembert", "mpnet": "MPNet", "luke": "Luke",
    "albert": "Albert", "yoso": "Albert", "rembert": "RemBert", "fnet": "FNet",
    "big_bird": "BigBird", "deberta": "Deberta", "deberta-v2": "DebertaV2",
    "roformer": "RoFormer", "splinter": "Splinter", "funnel": "Funnel", "xlnet": "XLNet",
    "herbert": "Herbert", "esm": "Esm", "bert-generation": "BertGeneration", "gpt2": "GPT2",
}  # fmt: skip
# Those whose tokenizer has no class, whatever its files say.
_GENERIC = ("modernbert",)
# Where nothing says what a special token is for: names that mean one thing everywhere.
_KNOWN: dict[str, tuple[str, ...]] = {
    "unk_token": ("[UNK]", "<unk>"),
    "sep_token": ("[SEP]", "</s>"),
    "pad_token": ("[PAD]", "<pad>"),
    "cls_token": ("[CLS]", "<s>"),
    "mask_token": ("[MASK]", "<mask>"),
}
# Those of a SentencePiece model without a class.
_PIECES: dict[str, tuple[str, ...]] = {
    "bos_token": ("<s>",), "eos_token": ("</s>",), "unk_token": ("<unk>",),
}  # fmt: skip


def head_of(text: str, wanted: set[str]) -> dict[str, Any]:
    """Values of some keys of a JSON object, read no further than the last of them: what is wanted
    of tokenizer.json stands before the vocabulary."""
    decoder = json.JSONDecoder()
    at = text.find("{") + 1
    found: dict[str, Any] = {}
    while len(found) < len(wanted):
        while at < len(text) and text[at] in " \t\r\n,":
            at += 1
        if at >= len(text) or text[at] == "}":
            break
        key, at = decoder.raw_decode(text, at)
        while text[at] in " \t\r\n:":
            at += 1
        value, at = decoder.raw_decode(text, at)
        if key in wanted:
            found[key] = value
    return found


def _content(token: Any) -> str | None:
    """The text of a token, which files have as a string or an object."""
    if isinstance(token, dict):
        token = token.get("content")
    return token if isinstance(token, str) else None


class Files:
    """The files beside a tokenizer, read when they are wanted.  `path` is a folder or a file."""

    def __init__(self, path: str) -> None:
        self.folder = path if os.path.isdir(path) else os.path.dirname(path)
        self.alone = None if os.path.isdir(path) else os.path.basename(path)

    def _text(self, name: str) -> str | None:
        if self.alone is not None and self.alone != name and name.endswith("tokenizer.json"):
            return None
        try:
            return text_of_file(os.path.join(self.folder, name))
        except FileNotFoundError:
            return None

    def _json(self, name: str) -> dict[str, Any]:
        if self.alone is not None:
            return {}  # a file alone is what it is
        return object_of_file(os.path.join(self.folder, name))

    @cached_property
    def config(self) -> dict[str, Any]:
        """tokenizer_config.json."""
        return self._json("tokenizer_config.json")

    def _tokenizer_text(self) -> str | None:
        name = self.alone or "tokenizer.json"
        return self._text(name) if name.endswith(".json") else None

    @cached_property
    def head(self) -> dict[str, Any]:
        """The part of tokenizer.json before its vocabulary; empty without one."""
        text = self._tokenizer_text()
        return {} if text is None else head_of(text, {"truncation", "padding", "added_tokens"})

    @cached_property
    def added_tokens(self) -> dict[int, AddedToken]:
        """Added tokens by their ids."""
        found = {}
        rows = self.head.get("added_tokens") or []
        decoder = self.config.get("added_tokens_decoder") or {}
        if not rows:
            rows = [{**token, "id": int(id)} for id, token in decoder.items()]
        for row in rows:
            fields = {k: v for k, v in row.items() if k in AddedToken.__dataclass_fields__}
            found[int(row["id"])] = AddedToken(**fields)
        if not rows:
            for token, id in self._json("added_tokens.json").items():
                found[int(id)] = AddedToken(token)
        return found

    def base_vocabulary(self) -> dict[str, int] | None:
        """Tokens and ids of the model, without those added; None where only the library can read
        them."""
        text = self._tokenizer_text()
        if text is not None:
            vocab = json.loads(text)["model"]["vocab"]
            if isinstance(vocab, dict):
                return vocab
            return {row if isinstance(row, str) else row[0]: i for i, row in enumerate(vocab)}
        text = self._text("vocab.json")
        if text is not None:
            found: dict[str, int] = json.loads(text)
            return found
        text = self._text(self.alone or "vocab.txt")
        if text is None:
            return None
        return {line.rstrip(): i for i, line in enumerate(text.split("\n")) if line}

    @property
    def class_name(self) -> str | None:
        """Class of the reference, such as "Bert"; None for one that brings no settings."""
        settings = self._json("config.json")
        model = settings.get("model_type")
        name = self.config.get("tokenizer_class") or settings.get("tokenizer_class")
        if model in _GENERIC:
            return None
        if isinstance(name, str):
            name = name.replace("TokenizerFast", "").replace("Tokenizer", "")
            return _SAME.get(name, name) if _SAME.get(name, name) in CLASSES else None
        if model is None and self.alone == "vocab.txt":
            return "Bert"
        return _BY_MODEL.get(model) if isinstance(model, str) else None

    def special_tokens(self, id_of: Callable[[str], int | None]) -> dict[str, str]:
        """The special tokens by their roles, such as "cls_token"; id_of() knows what there is."""
        name = self.class_name
        found = dict(CLASSES[name][0]) if name else {}
        for source in (self._json("special_tokens_map.json"), self.config):
            for role in ATTRIBUTES:
                if role in source:
                    token = _content(source[role])
                    if token is not None:
                        found[role] = token
        if not found:
            names = {str(token) for token in self.added_tokens.values()}
            for role, known in (_KNOWN if self.head else _PIECES).items():
                for token in known:
                    if token in names or (not self.head and id_of(token) is not None):
                        found.setdefault(role, token)
        return {role: found[role] for role in ATTRIBUTES if role in found}

    def extra_special_tokens(self) -> list[str]:
        """Special tokens without a role."""
        for source in (self.config, self._json("special_tokens_map.json")):
            for key in ("extra_special_tokens", "additional_special_tokens"):
                rows = source.get(key)
                if isinstance(rows, dict):
                    rows = list(rows.values())
                if rows:
                    return [token for token in map(_content, rows) if token is not None]
        return []

    def input_names(self) -> list[str]:
        """`model_input_names`."""
        said = self.config.get("model_input_names")
        if isinstance(said, list):
            return [str(name) for name in said]
        name = self.class_name
        return list(CLASSES[name][1] if name else _PLAIN)

    def max_length(self) -> int:
        """`model_max_length`; NO_LIMIT where none is said."""
        said = self.config.get("model_max_length", self.config.get("max_len"))
        return int(said) if isinstance(said, (int, float)) else NO_LIMIT

    def side(self, key: str) -> str:
        """`padding_side` or `truncation_side`."""
        default = "left" if key == "padding_side" and self.class_name == "XLNet" else "right"
        said = self.config.get(key, default)
        if said not in ("left", "right"):
            raise ValueError(f"tokenizer_config.json: {key} is {said!r}; it can be left, right")
        return str(said)


class MemoryFiles(Files):
    """A tokenizer.json out of memory."""

    def __init__(self, data: bytes) -> None:
        self.folder = ""
        self.alone = "tokenizer.json"
        self._data = data

    def _text(self, name: str) -> str | None:
        return self._data.decode() if name == "tokenizer.json" else None
