# SPDX-License-Identifier: MIT
"""One rival in a process of its own, which answers the commands of bench-encode.

usage: peer.py PEER FOLDER THREADS PRECISION
"""

import os
import sys
import time

import numpy as np

import checkpoints


class Missing(Exception):
    """The rival cannot take part; the text says why."""


# ---- Rivals: prepare(ids, mask) gives a function that runs the batch -----------------


def onnxruntime(folder, threads, precision, _kind):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    sessions = {}

    def open_session(masked):
        if masked not in sessions:
            path = checkpoints.onnx(folder, precision, masked)
            sessions[masked] = ort.InferenceSession(str(path), options,
                                                    providers=["CPUExecutionProvider"])
        return sessions[masked]

    def prepare(ids, mask):
        session = open_session(mask is not None)
        binding = session.io_binding()
        feed = {"ids": ids, "types": np.zeros_like(ids), **({} if mask is None else {"mask": mask})}
        for name, values in feed.items():
            value = ort.OrtValue.ortvalue_from_numpy(values.astype("i4"))
            binding.bind_ortvalue_input(name, value)
        binding.bind_output(session.get_outputs()[0].name, "cpu")

        def run():
            session.run_with_iobinding(binding)
            return lambda: binding.copy_outputs_to_cpu()[0]
        return run

    open_session(False)
    return f"onnxruntime {ort.__version__}", prepare


def bert_of_torch(folder, attention, dtype):
    import torch
    from transformers import BertModel

    torch.set_grad_enabled(False)
    return BertModel.from_pretrained(folder, attn_implementation=attention, dtype=dtype,
                                     add_pooling_layer=False).eval()


def torch(folder, threads, precision, attention):
    import torch as pt

    pt.set_num_threads(threads)
    model = bert_of_torch(folder, attention, {"fp32": pt.float32, "bf16": pt.bfloat16}[precision])

    def prepare(ids, mask):
        feed = {"input_ids": pt.from_numpy(ids)}
        if mask is not None:
            feed["attention_mask"] = pt.from_numpy(mask)

        def run():
            out = model(**feed).last_hidden_state
            return lambda: out.float().numpy()
        return run

    return f"torch {pt.__version__.split('+')[0]} {attention}", prepare


def convert(path, folder, int8):
    """The model as OpenVINO has it; int8 by nncf's preset for transformers."""
    import openvino as ov
    import torch as pt

    ids, mask = checkpoints.ids_of([128])
    example = {"input_ids": ids, "attention_mask": mask}
    model = ov.convert_model(bert_of_torch(folder, "sdpa", pt.float32), example_input={
        k: pt.from_numpy(v) for k, v in example.items()})
    if int8:
        import nncf

        samples = nncf.Dataset([{**example, "input_ids": (ids * k) % checkpoints.VOCAB}
                                for k in (1, 3, 5, 7)])
        model = nncf.quantize(model, samples, model_type=nncf.ModelType.TRANSFORMER, subset_size=4)
    ov.save_model(model, path, compress_to_fp16=False)


def openvino(folder, threads, precision, rest):
    import openvino as ov

    int8 = precision == "int8"
    path = checkpoints.kept(folder / f"openvino-{'int8' if int8 else 'fp32'}.xml",
                            lambda path: convert(path, folder, int8))
    hint = rest or ("bf16" if precision == "bf16" else "f32")
    compiled = ov.Core().compile_model(str(path), "CPU", {
        "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": hint})

    def prepare(ids, mask):
        request = compiled.create_infer_request()
        request.set_tensor("input_ids", ov.Tensor(ids))
        request.set_tensor("attention_mask", ov.Tensor(np.ones_like(ids) if mask is None else mask))

        def run():
            request.infer(share_outputs=True)
            return lambda: np.array(request.get_output_tensor(0).data, "f4")
        return run

    name = f"openvino {ov.__version__.split('-')[0]}"
    return name + (f", rest {rest}" if rest else ""), prepare


def llama(folder, threads, _precision, kind):
    import llama_cpp

    model = llama_cpp.Llama(str(checkpoints.gguf(folder, kind)), embedding=True, n_threads=threads,
                            n_threads_batch=threads, n_ctx=16384, n_batch=16384, n_ubatch=16384,
                            verbose=False)

    def prepare(ids, mask):
        lengths = [ids.shape[1]] * len(ids) if mask is None else mask.sum(axis=1)
        rows = [[int(i) for i in row[:n]] for row, n in zip(ids, lengths)]

        def run():
            model._batch.reset()
            for number, row in enumerate(rows):
                model._batch.add_sequence(row, number, False)
            model._ctx.decode(model._batch)
            return lambda: None
        return run

    return f"llama.cpp {llama_cpp.__version__} {kind}", prepare


def sentence_transformers(folder, threads, precision, _kind):
    """Texts only: has no prepare()."""
    import sentence_transformers as st
    import torch as pt

    pt.set_num_threads(threads)
    dtype = {"fp32": pt.float32, "bf16": pt.bfloat16}[precision]
    model = st.SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": dtype})

    def embed(texts, batch):
        if batch == 1:
            for t in texts:
                model.encode(t, show_progress_bar=False)
        else:
            model.encode(texts, batch_size=batch, show_progress_bar=False)

    return f"sentence-transformers {st.__version__}", embed


PEERS = {"onnxruntime": onnxruntime, "torch": torch, "openvino": openvino, "llama": llama,
         "sentence-transformers": sentence_transformers}


def load(peer, folder, threads, precision):
    """`peer` may have a kind behind a colon: torch:sdpa."""
    name, _, kind = peer.partition(":")
    try:
        return PEERS[name](folder, threads, precision, kind)
    except ImportError as e:
        raise Missing(f"no module {e.name}") from e


# ---- Commands ---------------------------------------------------------------------------


class Worker:
    def __init__(self, prepare):
        self.prepare = prepare
        self.made = {}  # what was prepared for a command, by its arguments
        self.lengths, self.texts = [], []

    def uniform(self, length, batch):
        key = length, batch
        if key not in self.made:
            self.made[key] = self.prepare(checkpoints.ids_of([length] * batch)[0], None)
        return self.made[key]

    def ragged(self, batch):
        """Padded batches, in the order of the lengths."""
        runs = []
        for i in range(0, len(self.lengths), batch):
            ids, mask = checkpoints.ids_of(self.lengths[i:i + batch])
            runs.append(self.prepare(ids, mask))
        return lambda: [run() for run in runs]

    def job(self, command, words):
        numbers = [int(w) for w in words[:-1]]
        if command == "time":
            return self.uniform(*numbers)
        if command == "embed":
            return lambda: self.prepare(self.texts, *numbers)
        key = command, tuple(self.lengths), *numbers
        if key not in self.made:
            self.made[key] = self.ragged(*numbers)
        return self.made[key]

    def answer(self, command, words):
        if command == "dump":
            *shape, path = words
            self.uniform(*map(int, shape))()().astype("<f4").tofile(path)
            return "ok"
        if command in ("lengths", "texts"):
            with open(" ".join(words), encoding="utf-8") as f:
                lines = f.read().splitlines()
            setattr(self, command, [int(x) for x in lines] if command == "lengths" else lines)
            return "ok"
        run, took = self.job(command, words), []
        for _ in range(int(words[-1])):
            start = time.perf_counter()
            run()
            took.append((time.perf_counter() - start) * 1e3)
        return " ".join(map(str, took))


def main():
    import pathlib

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    peer, folder, threads, precision = sys.argv[1:]
    try:
        name, prepare = load(peer, pathlib.Path(folder), int(threads), precision)
    except Missing as e:
        print("none", e, file=answers, flush=True)
        return
    print(name, file=answers, flush=True)
    worker = Worker(prepare)
    for line in sys.stdin:
        command, *words = line.split()
        print(worker.answer(command, words), file=answers, flush=True)


if __name__ == "__main__":
    main()
