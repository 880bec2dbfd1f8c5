# SPDX-License-Identifier: MIT
"""Jina's second BERT in torch, from its published description: `transformers` has none.

ALiBi is added to the scores of every layer.  Two layouts of a layer: the general models' (gate
first in `gated_layers`) and the code model's (gate last in `up_gated_layer`, norms on queries,
keys and once more behind attention).
"""

import json
import math
import types

import safetensors.torch
import torch
from torch import nn
from torch.nn import functional as F

ACTIVATIONS = {"geglu": F.gelu, "reglu": F.relu}


def slopes(heads):
    """Those of the paper for 2^k heads; else every other one of the next 2^k are put behind."""
    if heads & (heads - 1) == 0:
        return [2 ** (-8 * (i + 1) / heads) for i in range(heads)]
    whole = 2 ** int(math.log2(heads))
    return slopes(whole) + slopes(2 * whole)[0::2][: heads - whole]


def tree(**parts):
    """Modules by dotted names."""
    root = nn.Module()
    for name, module in parts.items():
        root.add_module(name, module)
    return root


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        h, n, eps = c.hidden_size, c.intermediate_size, c.layer_norm_eps
        norm = lambda: nn.LayerNorm(h, eps=eps)
        own = dict(query=nn.Linear(h, h), key=nn.Linear(h, h), value=nn.Linear(h, h))
        if c.code_model:
            own |= dict(layer_norm_q=norm(), layer_norm_k=norm())
            self.layer_norm_1, self.layer_norm_2 = norm(), norm()
            self.mlp = tree(up_gated_layer=nn.Linear(h, 2 * n, bias=False), down_layer=nn.Linear(n, h))
        else:
            self.mlp = tree(gated_layers=nn.Linear(h, 2 * n, bias=False), wo=nn.Linear(n, h),
                            layernorm=norm())
        self.attention = tree(self=tree(**own),
                              output=tree(dense=nn.Linear(h, h), LayerNorm=norm()))
        self.c = c

    def forward(self, x):
        c, own, out = self.c, getattr(self.attention, "self"), self.attention.output
        q, k, v = own.query(x), own.key(x), own.value(x)
        if c.code_model:
            q, k = own.layer_norm_q(q), own.layer_norm_k(k)
        q, k, v = (t.unflatten(-1, (c.num_attention_heads, -1)).transpose(1, 2) for t in (q, k, v))
        places = torch.arange(x.shape[1])
        far = (places[:, None] - places[None]).abs()
        bias = -torch.tensor(slopes(c.num_attention_heads))[:, None, None] * far
        probs = torch.softmax(q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias, -1)
        y = out.LayerNorm(out.dense((probs @ v).transpose(1, 2).flatten(-2)) + x)
        act = ACTIVATIONS[c.feed_forward_type]
        if c.code_model:
            y = self.layer_norm_1(x + y)
            up, gate = self.mlp.up_gated_layer(y).chunk(2, -1)
            return self.layer_norm_2(y + self.mlp.down_layer(up * act(gate))), probs
        gate, up = self.mlp.gated_layers(y).chunk(2, -1)
        return self.mlp.layernorm(self.mlp.wo(act(gate) * up) + y), probs


class JinaBert(nn.Module):
    """With the head of BertFor... of the same name."""

    def __init__(self, c, head):
        super().__init__()
        h = c.hidden_size
        self.config, self.head = c, head
        body = dict(
            embeddings=tree(word_embeddings=nn.Embedding(c.vocab_size, h),
                            token_type_embeddings=nn.Embedding(c.type_vocab_size, h),
                            LayerNorm=nn.LayerNorm(h, eps=c.layer_norm_eps)),
            encoder=tree(layer=nn.ModuleList(Layer(c) for _ in range(c.num_hidden_layers))))
        if head in ("Model", "ForSequenceClassification", "ForMultipleChoice"):
            body["pooler"] = tree(dense=nn.Linear(h, h))
        self.bert = tree(**body)
        if head in ("ForSequenceClassification", "ForTokenClassification"):
            self.classifier = nn.Linear(h, c.num_labels)
        if head == "ForMultipleChoice":
            self.classifier = nn.Linear(h, 1)
        if head == "ForQuestionAnswering":
            self.qa_outputs = nn.Linear(h, 2)
        if head == "ForMaskedLM":
            self.cls = tree(predictions=tree(
                transform=tree(dense=nn.Linear(h, h), LayerNorm=nn.LayerNorm(h, eps=c.layer_norm_eps)),
                decoder=nn.Linear(h, c.vocab_size)))

    def forward(self, input_ids, token_type_ids=None, attention_mask=None, **_):
        if self.head == "ForMultipleChoice":
            input_ids = input_ids[0]
            token_type_ids = None if token_type_ids is None else token_type_ids[0]
        e = self.bert.embeddings
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        x = e.LayerNorm(e.word_embeddings(input_ids) + e.token_type_embeddings(token_type_ids))
        states, attentions = [x], []
        for layer in self.bert.encoder.layer:
            x, probs = layer(x)
            states.append(x)
            attentions.append(probs)
        return self.answer(x) | dict(hidden_states=tuple(states), attentions=tuple(attentions))

    def answer(self, x):
        pooled = lambda: torch.tanh(self.bert.pooler.dense(x[:, 0]))
        if self.head == "Model":
            return dict(last_hidden_state=x, pooler_output=pooled())
        if self.head in ("ForSequenceClassification", "ForMultipleChoice"):
            return dict(logits=self.classifier(pooled()))
        if self.head == "ForTokenClassification":
            return dict(logits=self.classifier(x))
        if self.head == "ForQuestionAnswering":
            start, end = self.qa_outputs(x).unbind(-1)
            return dict(start_logits=start, end_logits=end)
        p = self.cls.predictions
        return dict(logits=p.decoder(p.transform.LayerNorm(F.gelu(p.transform.dense(x)))))

    def save_pretrained(self, folder):
        c = {k: v for k, v in vars(self.config).items() if k != "code_model"}
        c |= dict(model_type="bert", architectures=["JinaBert" + self.head],
                  position_embedding_type="alibi",
                  auto_map={"AutoConfig": "jinaai/jina-bert--configuration_bert.JinaBertConfig"})
        if "num_labels" in c:
            c["id2label"] = {str(i): f"LABEL_{i}" for i in range(c.pop("num_labels"))}
        with open(f"{folder}/config.json", "w") as f:
            json.dump(c, f)
        state = self.state_dict()
        if self.head == "Model":
            state = {k.removeprefix("bert."): v for k, v in state.items()}
        safetensors.torch.save_file(state, f"{folder}/model.safetensors")


HEADS = ["Model", "ForSequenceClassification", "ForTokenClassification", "ForQuestionAnswering",
         "ForMaskedLM", "ForMultipleChoice"]


def config(**values):
    return types.SimpleNamespace(**values)
