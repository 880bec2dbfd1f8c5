#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# %% [markdown]
# # A tour of libbert
#
# Search, similarity, clusters, entities, attention, and where the time goes.
#
#     python3 examples/python/tour.py [--model DIR] [--tagger DIR] [--out DIR] [--query TEXT]...
#
# runs all of it from a checkout with a build and `models/all-MiniLM-L6-v2` (`sh
# examples/fetch-model.sh`); editors that know `# %%` run it cell by cell, as a notebook. Numbers
# and texts go to the terminal, plots to DIR [`build/tour`] where matplotlib is there.

# %%
from __future__ import annotations

import argparse
import os
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

NOTEBOOK = "ipykernel" in sys.modules
if "__file__" in globals():
    ROOT = Path(__file__).resolve().parents[2]
else:  # a notebook, somewhere in the checkout
    here = Path.cwd()
    ROOT = next((p for p in (here, *here.parents) if (p / "bindings" / "python").is_dir()), here)
try:
    import libbert
except ModuleNotFoundError:  # not installed: that of the checkout
    sys.path.insert(0, str(ROOT / "bindings" / "python"))
    import libbert
import libbert.util  # noqa: E402

try:
    import matplotlib

    if not NOTEBOOK:
        matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

parser = argparse.ArgumentParser(description="A tour of libbert.")
parser.add_argument("-m", "--model", type=Path, default=ROOT / "models" / "all-MiniLM-L6-v2",
    metavar="DIR", help="an embedding model [models/all-MiniLM-L6-v2]")  # fmt: skip
parser.add_argument("--tagger", type=Path, metavar="DIR",
    help="a token classifier [models/entities, by `make task-models`]")  # fmt: skip
parser.add_argument("--collection", type=Path, default=ROOT / "examples" / "collection.txt",
    metavar="FILE", help="texts to search, one a line [examples/collection.txt]")  # fmt: skip
parser.add_argument("--query", action="append", metavar="TEXT", help="to search for; repeatable")
parser.add_argument("--out", type=Path, default=ROOT / "build" / "tour", metavar="DIR",
    help="where the plots go [build/tour]")  # fmt: skip
asked = parser.parse_args([] if NOTEBOOK else None)

COLOURED = NOTEBOOK or (sys.stdout.isatty() and "NO_COLOR" not in os.environ)
INK, QUIET, PALE = "#1f2933", "#7b8794", "#e4e7eb"
PALETTE = ["#2f6fb2", "#d9822b", "#3d9a5f", "#b83b5e", "#7a5cb8", "#8a6d3b", "#2a9d9d", "#c25ba6",
    "#6b7f1f", "#4a5568"]  # fmt: skip


def title(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m\n" if COLOURED else f"\n{text}\n{'=' * len(text)}\n")


def paint(text: str, colour: str, strength: float = 1.0) -> str:
    """A text on a colour (#rrggbb), mixed with white; plain where there is no terminal."""
    if not COLOURED:
        return text
    full = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    r, g, b = (round(255 - (255 - part) * strength) for part in full)
    ink = "255;255;255" if 0.3 * r + 0.59 * g + 0.11 * b < 140 else "0;0;0"
    return f"\033[48;2;{r};{g};{b}m\033[38;2;{ink}m{text}\033[0m"


def two_digits(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}".replace("0.", ".")


def cut(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" …")


def save(figure: Any, name: str) -> None:
    """Write a figure; a notebook shows it too."""
    asked.out.mkdir(parents=True, exist_ok=True)
    figure.savefig(asked.out / name, dpi=150, bbox_inches="tight", facecolor="white")
    if not NOTEBOOK:
        plt.close(figure)
    print(f"plot: {asked.out / name}")


if plt:
    plt.rcParams.update({
        "font.size": 10, "text.color": INK, "axes.labelcolor": INK, "xtick.color": INK,
        "ytick.color": INK, "axes.edgecolor": QUIET, "axes.titlelocation": "left",
        "axes.titleweight": "bold", "axes.titlesize": 11, "axes.spines.top": False,
        "axes.spines.right": False,
    })  # fmt: skip
else:
    print("no plots: matplotlib is not installed (pip install matplotlib, or python3-matplotlib)")

# %% [markdown]
# ## The model
# A model directory as the Hugging Face hub has it. A `Model` may be used by any number of threads.



# %%
def load(path: Path, hint: str, **options: Any) -> libbert.Model:
    """The model of a folder; where it can't be loaded, the end."""
    try:
        return libbert.Model(path, **options)
    except libbert.BertError as error:
        sys.exit(f"{error}\n{hint}")


model = load(asked.model, "sh examples/fetch-model.sh gets a model, --model DIR names another")
title(f"libbert {libbert.version()}, {asked.model.name}")
millions = model.parameters / 1e6
print(f"{model.architecture}, {model.layers} layers of {model.heads} heads, {millions:.1f} million "
    f"parameters, in {model.precision} on {model.cpu}")  # fmt: skip

# %% [markdown]
# ## Search
# Texts and queries become vectors; what is near in direction is near in meaning. No word has to
# be the same.

# %%
lines = [line for line in asked.collection.read_text("utf-8").splitlines() if line.strip()]
if len(lines) < 10:
    sys.exit(f"{asked.collection}: {len(lines)} lines; the tour needs 10")
queries = asked.query or [
    "how can I keep my plants alive while I am on holiday?",
    "the owner of my flat keeps the money I paid when I moved in",
    "my program crashes at random",
]
vectors = model.embed(lines, normalize=True)  # [lines, width]
found = libbert.util.semantic_search(model.embed(queries, normalize=True), vectors, top_k=5)

title(f"Search: {len(lines)} lines of {asked.collection.name}")
for query, hits in zip(queries, found):
    print(f"? {query}")
    for hit in hits[:3]:
        print(f"  {hit['score']:5.2f}  {lines[hit['corpus_id']]}")

if plt:
    figure, axes = plt.subplots(len(queries), 1, figsize=(10, 1.9 * len(queries)), squeeze=False,
        sharex=True, gridspec_kw={"hspace": 0.35})  # fmt: skip
    for ax, query, hits in zip(axes[:, 0], queries, found):
        scores = [hit["score"] for hit in hits]
        places = np.arange(len(hits))
        ax.barh(places, scores, color=[PALETTE[0], *["#a9c6e4"] * (len(hits) - 1)], height=0.72)
        for place, hit in zip(places, hits):
            ax.text(max(hit["score"], 0) + 0.012, place, cut(lines[hit["corpus_id"]], 92),
                va="center", fontsize=9)  # fmt: skip
        ax.set_yticks(places, [f"{score:.2f}" for score in scores])
        ax.invert_yaxis()
        ax.set_xlim(0, 1.9)
        ax.set_xticks([])
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title(f"“{query}”")
    save(figure, "search.png")

# %% [markdown]
# ## Similarity
# All pairs of some sentences. The first three of each four say the same in other words; the fourth
# shares words with them but means something else.

# %%
sentences = [
    "The bank raised its interest rates.",
    "Borrowing money has become more expensive.",
    "Loans cost more than they did last month.",
    "We had a picnic on the bank of the river.",
    "The cat sleeps on the sofa.",
    "A kitten is dozing on the couch.",
    "Our pet is taking a nap in the living room.",
    "The sofa is on sale this week.",
    "How do I reset my password?",
    "I can't log in any more.",
    "I forgot my login credentials.",
    "Never write your password on a note.",
]
unit = model.embed(sentences, normalize=True)
similarity = unit @ unit.T  # cosines, [sentences, sentences]

title("Similarity: the nearest sentence of each")
for i, row in enumerate(similarity - 2 * np.eye(len(sentences), dtype=np.float32)):
    print(f"  {row.max():5.2f}  {sentences[i]:44} {sentences[int(row.argmax())]}")

if plt:
    figure, ax = plt.subplots(figsize=(10, 7.2))
    ax.imshow(similarity, cmap="YlGnBu", vmin=0, vmax=1)
    for (i, j), value in np.ndenumerate(similarity):
        ax.text(j, i, two_digits(float(value)), ha="center", va="center", fontsize=8,
            color="white" if value > 0.55 else INK)  # fmt: skip
    for edge in (3.5, 7.5):
        ax.axhline(edge, color="white", linewidth=3)
        ax.axvline(edge, color="white", linewidth=3)
    ax.set_yticks(range(len(sentences)), [f"{s}  {i + 1}" for i, s in enumerate(sentences)])
    ax.set_xticks(range(len(sentences)), [str(i + 1) for i in range(len(sentences))])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title(f"Cosine similarity, {asked.model.name}")
    save(figure, "similarity.png")

# %% [markdown]
# ## Clusters
# k-means on the unit sphere finds topics of the collection without a label; t-SNE lays the vectors
# out in the plane, so that neighbours stay neighbours. Both get the ten directions in which the
# lines differ most, and are a few lines of numpy.


# %%
def principal(points: Any, width: int) -> Any:
    """The `width` largest principal components of points, as unit vectors [n, width]."""
    u, s, _ = np.linalg.svd(points - points.mean(0), full_matrices=False)
    parts = u[:, :width] * s[:width]
    return parts / np.maximum(np.linalg.norm(parts, axis=1, keepdims=True), 1e-9)


def k_means(points: Any, k: int, rounds: int = 50) -> tuple[Any, Any]:
    """Clusters [n] of unit vectors [n, width], and their centres [k, width]: the best start's."""
    best, kept = -np.inf, (np.zeros(len(points), int), points[:k])
    for start in range(min(len(points), 40)):
        chosen = [start]
        while len(chosen) < k:  # each next one is far from those before
            chosen.append(int((points @ points[chosen].T).max(1).argmin()))
        centres = points[chosen]
        for _ in range(rounds):
            nearest = (points @ centres.T).argmax(1)
            sums = np.stack([points[nearest == i].sum(0) for i in range(k)])
            centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
        score = float((points @ centres.T).max(1).sum())
        if score > best:
            best, kept = score, ((points @ centres.T).argmax(1), centres)
    return kept


def t_sne(points: Any, perplexity: float = 8.0, rounds: int = 600) -> Any:
    """Unit vectors [n, width] to places [n, 2] (van der Maaten and Hinton, 2008)."""
    n = len(points)
    far = 2 - 2 * points @ points.T
    np.fill_diagonal(far, np.inf)
    near = np.zeros((n, n))
    for i in range(n):  # the width at which a point has `perplexity` neighbours
        low, high = 1e-3, 1e4
        for _ in range(50):
            beta = np.sqrt(low * high)
            p = np.exp(-beta * (far[i] - far[i].min()))
            p /= p.sum()
            entropy = -(p[p > 0] * np.log(p[p > 0])).sum()
            low, high = (beta, high) if entropy > np.log(min(perplexity, n / 3)) else (low, beta)
        near[i] = p
    near = (near + near.T) / (2 * n)
    places = 0.01 * points[:, :2]
    speed = np.zeros_like(places)
    for step in range(rounds):
        delta = places[:, None] - places[None]
        weight = 1 / (1 + (delta**2).sum(2))
        np.fill_diagonal(weight, 0)
        pull = near * (4 if step < 100 else 1) - weight / weight.sum()
        slope = n * ((pull * weight)[..., None] * delta).sum(1)
        speed = (0.5 if step < 100 else 0.8) * speed - slope
        places = places + speed
    return places - places.mean(0)


n_clusters = 10
points = principal(vectors.astype(np.float64), 10)
clusters, centres = k_means(points, n_clusters)
order = np.argsort(-np.bincount(clusters, minlength=n_clusters), kind="stable")

title(f"Clusters: {n_clusters} topics")
names = []
for c in order:
    members = np.flatnonzero(clusters == c)
    members = members[np.argsort(-(points[members] @ centres[c]))]
    names.append(lines[members[0]] if len(members) else "")
    print(f"{len(members):3} lines, such as")
    for member in members[:3]:
        print(f"      {lines[member]}")

if plt:
    places = t_sne(points)
    figure, ax = plt.subplots(figsize=(10, 5.6))
    for i, c in enumerate(order):
        mine = places[clusters == c]
        ax.scatter(*mine.T, s=70, color=PALETTE[i % len(PALETTE)], edgecolor="white", linewidth=0.8,
            label=textwrap.fill(cut(names[i], 84), 50))  # fmt: skip
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=9,
        title="the line nearest to each centre", alignment="left", labelspacing=0.9)  # fmt: skip
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_title(f"{len(lines)} lines of {asked.collection.name}, {n_clusters} clusters")
    save(figure, "clusters.png")

# %% [markdown]
# ## Entities
# A token classifier names parts of a text, with their offsets in characters.

# %%
tagger_path = asked.tagger or ROOT / "models" / "entities"
fixture = ROOT / "tests" / "data" / "models" / "task" / "tag"
learned = bool(asked.tagger) or tagger_path.is_dir()
tagger = load(tagger_path if learned else fixture, "--tagger DIR names another model")
notes = [
    "Marie Curie was born in Warsaw and worked at the University of Paris with Pierre Curie.",
    "The Beatles recorded at Abbey Road Studios in London before they toured the United States.",
    "In 1998 Google was founded by Larry Page and Sergey Brin in Menlo Park, California.",
]
tagged = tagger.tag(notes)
labels = list(dict.fromkeys(entity.label for entities in tagged for entity in entities))
colours = {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(sorted(labels))}

title(f"Entities: {(tagger_path if learned else fixture).name}")
if not learned:
    print("models/entities is not there (make task-models makes it; --tagger DIR names another):\n"
        "these are answers of a tiny test model that has learnt nothing\n")  # fmt: skip
for note, entities in zip(notes, tagged):
    shown, at = "", 0
    for entity in entities:
        mark = f" {entity.text} {entity.label} " if COLOURED else f"[{entity.text}]{entity.label}"
        shown += note[at : entity.start] + paint(mark, colours[entity.label])
        at = entity.end
    print(f"  {shown}{note[at:]}")


def draw_entities(ax: Any, note: str, entities: Any, top: float, columns: int = 62) -> float:
    """Write a text in a grid of characters, its entities on colours; the line below."""
    at, starts = 0, []
    for line in textwrap.wrap(note, columns):
        at = note.index(line, at)
        starts.append((at, at + len(line)))
        at += len(line)
    for row, (start, end) in enumerate(starts):
        y = top + 2.2 * row
        free = 0  # where the line has room for a label
        for column, character in enumerate(note[start:end]):
            ax.text(column, y, character, family="monospace", fontsize=12, ha="left", va="center")
        for entity in entities:
            left, right = max(entity.start, start), min(entity.end, end)
            if left < right:
                colour = colours[entity.label]
                corner, width = (left - start - 0.15, y - 0.62), right - left + 0.2
                ax.add_patch(plt.Rectangle(corner, width, 1.24, facecolor=colour, alpha=0.28))
                if left == entity.start and left - start >= free:
                    ax.text(left - start, y + 1.0, entity.label, fontsize=7.5, color=colour,
                        ha="left", va="center", weight="bold")  # fmt: skip
                    free = left - start + len(entity.label)
    return top + 2.2 * len(starts) + 0.9


if plt:
    figure, ax = plt.subplots(figsize=(9, 4.2))
    below = 0.0
    for note, entities in zip(notes, tagged):
        below = draw_entities(ax, note, entities, below)
    ax.set_xlim(-1, 63)
    ax.set_ylim(below, -1.2)
    ax.axis("off")
    ax.set_title("Entities" if learned else "Entities of a test model that has learnt nothing")
    save(figure, "entities.png")

# %% [markdown]
# ## Attention
# `Model.explain` follows attention through all layers (attention rollout): how much of each token
# is in what the vector is made of. Below it, the attention of each layer as the model has it,
# by `Encoder` with `output_attentions`.

# %%
sentence = "The landlord kept my deposit although the flat was perfectly clean."
relevance = model.explain(sentence)
tokens = [str(model.tokenizer.token(int(i))) for i in relevance.ids]
words = relevance.sequences >= 0  # not [CLS] and [SEP]
share = np.where(words, relevance.scores, 0)
share = share / max(float(share.sum()), 1e-9)
attentions = libbert.Encoder(model)(relevance.ids[None], output_attentions=True).attentions
layers = np.stack([layer[0].mean(0) for layer in attentions])  # mean of the heads

title("Attention: what the vector of a sentence is made of")
strongest = max(float(share.max()), 1e-9)
print(" ".join(paint(f" {t} ", PALETTE[0], float(s) / strongest) for t, s in zip(tokens, share)))
print()
for i in np.argsort(-share, kind="stable")[:5]:
    print(f"  {tokens[i]:16} {share[i]:6.1%}")
special = 1 - float(relevance.scores[words].sum())
print(f"  {special:.0%} of the relevance is of special tokens, which is not counted above")

if plt:
    figure, ax = plt.subplots(figsize=(10, 2.6))
    kept = np.flatnonzero(words)
    strength = share[kept] / strongest
    ax.bar(range(len(kept)), share[kept] * 100, width=0.78,
        color=plt.get_cmap("Blues")(0.25 + 0.6 * strength))  # fmt: skip
    for column, part in enumerate(share[kept]):
        ax.text(column, part * 100, f"{part:.0%}", ha="center", va="bottom", fontsize=9)
    ax.set_xticks(range(len(kept)), [tokens[i] for i in kept], fontsize=9.5)
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
    ax.tick_params(length=0)
    ax.set_title("Relevance of each token, by attention rollout")
    save(figure, "relevance.png")

    panels = min(len(layers), 6)
    chosen = np.linspace(0, len(layers) - 1, panels).round().astype(int)
    columns = min(panels, 3)
    rows = -(-panels // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
        figsize=(3.7 * columns + 0.8, 3.9 * rows))  # fmt: skip
    for ax in axes.flat[panels:]:
        ax.axis("off")
    for ax, layer in zip(axes.flat, chosen.tolist()):
        # Roots, or special tokens would leave all else white.
        image = ax.imshow(np.sqrt(layers[layer]), cmap="magma_r", vmin=0, vmax=1)
        ax.set_xticks(range(len(tokens)), tokens, rotation=90, fontsize=8)
        ax.set_yticks(range(len(tokens)), tokens, fontsize=8)
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set_title(f"layer {layer + 1}")
    bar = figure.colorbar(image, ax=axes, shrink=0.5, ticks=np.sqrt([0, 0.05, 0.2, 0.5, 1]))
    bar.ax.set_yticklabels(["0", ".05", ".2", ".5", "1"])
    bar.outline.set_visible(False)
    figure.suptitle("Attention of each token (row) to each token (column), mean of the heads",
        x=0.01, ha="left", weight="bold", fontsize=11)  # fmt: skip
    save(figure, "attention.png")

# %% [markdown]
# ## Where the time goes
# An `Engine` measures each request: the tokenizer (and all else that is not the encoder) and the
# encoder itself, here in each precision and for texts of several lengths, always as many tokens in
# all.


# %%
class Timing(NamedTuple):
    """Microseconds a token of one precision at one length."""

    precision: str
    tokens: int
    tokenizer: float
    encoder: float


def make_texts(n: int, tokens: int) -> list[str]:
    """Texts of so many tokens, all different: equal ones are computed once."""
    words = " ".join(lines).split()
    words *= -(-tokens // len(words))  # a word is a token at least
    texts = [" ".join(words[i:] + words[:i]) for i in range(0, 7 * n, 7)]
    return [text[: model.tokenizer.cut(text, tokens)] for text in texts]


def measure(engine: libbert.Engine, precision: str, length: int, runs: int = 7) -> Timing:
    """The best of some requests of BATCH tokens: the rest waited for others' work."""
    texts = make_texts(max(1, BATCH // length), length - 2)  # [CLS] and [SEP] come to them
    infos = []
    for _ in range(runs + 1):  # the first one warms up
        job = engine.submit("embed", texts, model=precision)
        job.wait()
        infos.append(job.info())
    tokenizer = min(i.tokenize_ns / i.batch_tokens for i in infos[1:])
    encoder = min(i.compute_ns / i.batch_tokens for i in infos[1:])
    return Timing(precision, length, tokenizer / 1e3, encoder / 1e3)


BATCH = 512
lengths = [n for n in (8, 32, 128, 256, 512) if n <= model.max_length] or [model.max_length]
timings: list[Timing] = []
with libbert.Engine(batch_tokens=4 * BATCH) as engine:
    for precision in ("fp32", "bf16", "int8"):
        with libbert.Model(asked.model, precision=precision) as one:
            engine.add_model(precision, one)  # which keeps it
        timings += [measure(engine, precision, length) for length in lengths]
    metrics = engine.metrics()

title(f"Where the time goes, on {model.cpu}")
print("             tokens of    microseconds a token    tokens")
print("  precision     a text    tokenizer    encoder    a second")
for t in timings:
    rate = 1e6 / (t.tokenizer + t.encoder)
    print(f"  {t.precision:9} {t.tokens:10} {t.tokenizer:12.2f} {t.encoder:10.2f} {rate:11,.0f}")
busy = metrics.tokenize_ns.sum + metrics.compute_ns.sum
print(f"\n  the engine's metrics: {metrics.texts:,} texts, {metrics.tokens:,} tokens, "
    f"{metrics.batches} batches; {metrics.tokenize_ns.sum / busy:.1%} of the time was the "
    "tokenizer's")  # fmt: skip

if plt:
    figure, ax = plt.subplots(figsize=(9, 4.6))
    for p, precision in enumerate(("fp32", "bf16", "int8")):
        mine = [t for t in timings if t.precision == precision]
        across = [t.tokens for t in mine]
        ax.plot(across, [t.encoder for t in mine], "o-", color=PALETTE[p], linewidth=2)
        ax.plot(across, [t.tokenizer for t in mine], "s:", color=PALETTE[p], linewidth=2)
    for p, precision in enumerate(("fp32", "bf16", "int8")):
        ax.plot([], [], color=PALETTE[p], linewidth=5, label=precision)
    ax.plot([], [], "o-", color=QUIET, label="encoder")
    ax.plot([], [], "s:", color=QUIET, label="tokenizer and the rest")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(lengths, [str(n) for n in lengths])
    ax.yaxis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color=PALE)
    ax.set_axisbelow(True)
    ax.set_xlabel("tokens of a text")
    ax.set_ylabel("microseconds a token")
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
    ax.set_title(f"Where the time goes: {asked.model.name} on {model.cpu}")
    save(figure, "time.png")
