# SPDX-License-Identifier: MIT
"""What the token-classification pipeline of transformers answers."""

import torch
from transformers import pipeline
from transformers.pipelines.token_classification import AggregationStrategy

STRATEGIES = ["simple", "none", "first", "average", "max"]


def tagger(model, tokenizer):
    return pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")


def tag(pipe, text, strategy="simple", length=None, stride=None):
    """Entities of a text, by windows; also with `none`, where the pipeline refuses them."""
    length = length or pipe.tokenizer.model_max_length
    stride = min(length // 2, 128) if stride is None else stride
    before = pipe.tokenizer.model_max_length
    pipe.tokenizer.model_max_length = length
    pipe._preprocess_params = {"is_split_into_words": False, "tokenizer_params": {
        "return_overflowing_tokens": True, "padding": True, "stride": stride}}
    pipe._postprocess_params = {"aggregation_strategy": AggregationStrategy(strategy)}
    with torch.inference_mode():
        found = pipe(text)
    pipe.tokenizer.model_max_length = before
    return [{"entity": e.get("entity_group", e.get("entity")), "score": float(e["score"]),
             "start": e["start"], "end": e["end"], "text": text[e["start"]:e["end"]]}
            for e in found]
