#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the question-answering pipeline of transformers 4.57 answers; version 5 has none, so that
this runs in a Python of its own (tests/reference-venv.sh).

Reads {"folder", "runs": [{"records": [[question, context], ...], "top", "null", "max_answer",
"length", "stride"}, ...]} from standard input; prints, for each run, the list of each record's
answers, or the error.  Keys of a run but `records` may be missing.
"""

import json
import sys

import torch
from transformers import PreTrainedTokenizerFast, pipeline
import transformers


def load(folder):
    with open(folder + "/config.json", encoding="utf-8") as f:
        name = json.load(f)["architectures"][0]
    model = getattr(transformers, name).from_pretrained(
        folder, torch_dtype=torch.float32, attn_implementation="eager").eval()
    with open(folder + "/tokenizer_config.json", encoding="utf-8") as f:
        settings = json.load(f)
    keep = ["cls_token", "sep_token", "unk_token", "pad_token", "mask_token", "model_max_length"]
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=folder + "/tokenizer.json",
                                        **{k: settings[k] for k in keep if settings.get(k)})
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    if getattr(model.config, "type_vocab_size", 0) > 1:
        tokenizer.model_input_names.append("token_type_ids")
    return pipeline("question-answering", model=model, tokenizer=tokenizer, device="cpu")


def answer(pipe, question, context, run):
    options = {"top_k": run.get("top", 1), "handle_impossible_answer": run.get("null", True),
               "max_answer_len": run.get("max_answer", 15)}
    if run.get("length"):
        options["max_seq_len"] = run["length"]
    if run.get("stride") is not None:
        options["doc_stride"] = run["stride"]
    try:
        found = pipe(question=question, context=context, **options)
    except BaseException as e:  # a panic of the tokenizer is no Exception
        if isinstance(e, KeyboardInterrupt):
            raise
        return {"error": str(e).split("\n")[0]}
    return found if isinstance(found, list) else [found]


def main():
    asked = json.load(sys.stdin)
    torch.set_num_threads(1)
    pipe = load(asked["folder"])
    with torch.inference_mode():
        json.dump([[answer(pipe, q, c, run) for q, c in run["records"]] for run in asked["runs"]],
                  sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
