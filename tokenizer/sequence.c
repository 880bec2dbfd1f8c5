/* SPDX-License-Identifier: MIT */
/*
 * sequence.c - one text through the stages.
 *
 * Added tokens are cut out first; what lies between goes through the stages in
 * stretches that end where no stage looks across, so that the buffers stay small
 * and in the cache whatever the length of the text.
 */
#include "tokenizer/scratch.h"

#include "lib/base/error.h"
#include "lib/base/utf8.h"
#include "tokenizer/unicode.h"

enum { SOME_WORDS = 256, AHEAD = 4 /* stretches */, ASK_BYTES = 65536 };

struct run {
    const bert_tokenizer *tok;
    struct bert__work *work;
    bert_text text;
    struct bert__sequence *sequence; /* one of these */
    struct bert__id_sink *sink;
    struct bert__token_finder *finder;
    uint64_t stop;             /* tokens after which the rest is not read; 0: read all */
    struct bert__watch *watch; /* may end it; NULL: nothing does */
    size_t base;               /* where the stretch begins in the text */
    size_t n_words;            /* before the stretch */
    bert_status status;        /* of the last tokens that the model passed on, or of `watch` */
    bert_error *err;
};

/* Or the watch ended it. */
static bert_status no_memory(const struct run *r)
{
    bert_status ended = bert__watch_ended(r->watch, r->err);

    if (ended != BERT_OK)
        return ended;
    return bert__alloc_fail(r->work->alloc, "tokenizing a text", r->err);
}

/* ---- Output --------------------------------------------------------------- */

static void sink_id(struct bert__id_sink *s, int32_t id)
{
    if (s->n < s->room)
        s->ids[s->n] = id;
    else if (s->left && s->room > 0)
        s->ids[s->n % s->room] = id;
    s->n++;
}

static bool sequence_room(struct bert__alloc *alloc, struct bert__sequence *s, size_t more)
{
    size_t need;

    return bert__size_add(s->n, more, &need)
           && bert__reserve(alloc, &s->ids, &s->ids_cap, need, sizeof *s->ids)
           && bert__reserve(alloc, &s->offsets, &s->offsets_cap, need, sizeof *s->offsets)
           && bert__reserve(alloc, &s->words, &s->words_cap, need, sizeof *s->words);
}

static void sequence_add(struct bert__sequence *s, int32_t id, size_t begin, size_t end,
                         size_t word)
{
    s->ids[s->n] = id;
    s->offsets[s->n].start = begin;
    s->offsets[s->n].end = end;
    s->words[s->n++] = (int32_t)word;
}

/* Position in the text behind the character at a place of the stretch. */
static size_t place_end(const struct run *r, size_t place)
{
    size_t at = r->base + place, len = 1;

    if ((unsigned char)r->text.data[at] >= 0x80)
        bert__utf8_next(r->text.data + at, r->text.size - at, &len);
    return at + len;
}

/* Offset of a token of the stretch. */
static bert_span source_span(const struct run *r, const struct bert__token *t)
{
    return (bert_span){r->base + r->work->piece.from[t->begin],
                       place_end(r, r->work->piece.from[t->end - 1])};
}

static void find_token(struct run *r)
{
    const struct bert__tokens *t = &r->work->tokens;
    struct bert__token_finder *f = r->finder;

    if (f->wanted >= f->n && f->wanted - f->n < t->n)
        f->found = source_span(r, &t->items[f->wanted - f->n]);
    if (f->wanted > f->n && f->wanted - f->n <= t->n)
        f->before = source_span(r, &t->items[f->wanted - f->n - 1]);
    f->n += t->n;
}

/* The same for an added token. */
static void find_added(struct bert__token_finder *f, size_t begin, size_t end)
{
    if (f->n == f->wanted)
        f->found = (bert_span){begin, end};
    if (f->n + 1 == f->wanted)
        f->before = (bert_span){begin, end};
    f->n++;
}

/* Tokens that have come. */
static uint64_t count(const struct run *r)
{
    return r->sequence != NULL ? r->sequence->n : r->sink != NULL ? r->sink->n : r->finder->n;
}

/* Are they all that are asked for? */
static bool is_enough(const struct run *r)
{
    return r->stop > 0 && count(r) >= r->stop;
}

/* A text that the last token shows in place of its id's. */
static bool add_surface(struct run *r, const char *data, size_t size)
{
    struct bert__sequence *s = r->sequence;
    struct bert__alloc *alloc = r->work->alloc;
    size_t need;

    if (!bert__size_add(s->surface_used, size, &need)
        || !bert__reserve(alloc, &s->surfaces, &s->surfaces_cap, s->n_surfaces + 1,
                          sizeof *s->surfaces)
        || !bert__reserve(alloc, &s->surface_text, &s->surface_cap, need, 1))
        return false;
    s->surfaces[s->n_surfaces].token = s->n - 1;
    s->surfaces[s->n_surfaces].at = s->surface_used;
    s->surfaces[s->n_surfaces++].size = size;
    memcpy(s->surface_text + s->surface_used, data, size);
    s->surface_used += size;
    return true;
}

/* An unknown piece shows what it was. */
static bool add_unknown(struct run *r, const struct bert__token *t)
{
    return t->id != r->tok->model.surface_id
           || add_surface(r, r->work->piece.bytes + t->begin, t->end - t->begin);
}

/* Hand on the tokens in work. */
static bert_status hand_on(struct run *r)
{
    const struct bert__tokens *t = &r->work->tokens;

    if (r->finder != NULL) {
        find_token(r);
    } else if (r->sink != NULL) {
        for (size_t i = 0; i < t->n; i++)
            sink_id(r->sink, t->items[i].id);
    } else {
        if (!sequence_room(r->work->alloc, r->sequence, t->n))
            return no_memory(r);
        for (size_t i = 0; i < t->n; i++) {
            bert_span span = source_span(r, &t->items[i]);

            sequence_add(r->sequence, t->items[i].id, span.start, span.end,
                         r->n_words + t->items[i].word);
            if (!add_unknown(r, &t->items[i]))
                return no_memory(r);
        }
    }
    r->work->tokens.n = 0;
    return BERT_OK;
}

static bool take_tokens(void *run)
{
    struct run *r = run;

    r->status = hand_on(r);
    return r->status == BERT_OK;
}

static bool ask(void *run)
{
    struct run *r = run;

    r->status = bert__watch_poll(r->watch, r->err);
    return r->status == BERT_OK;
}

/* The same, of all the words in work. */
static bert_status flush(struct run *r)
{
    bert_status status = hand_on(r);

    if (status != BERT_OK)
        return status;
    r->n_words += r->work->words.n;
    if (r->n_words > INT32_MAX)
        return bert__fail(r->err, BERT_ERANGE, "the text has more than %ld words", (long)INT32_MAX);
    return BERT_OK;
}

/* A token found as bytes of the text or of the piece; begin and end are the text's. */
static bert_status add_token(struct run *r, const struct bert__added_token *token, size_t begin,
                             size_t end, const char *data, size_t size)
{
    bert_text spelt;

    if (r->finder != NULL) {
        find_added(r->finder, begin, end);
        return BERT_OK;
    }
    if (r->sink != NULL) {
        sink_id(r->sink, token->id);
        r->n_words++;
        return BERT_OK;
    }
    if (!sequence_room(r->work->alloc, r->sequence, 1))
        return no_memory(r);
    sequence_add(r->sequence, token->id, begin, end, r->n_words++);
    spelt = bert__tokenizer_spelling(r->tok, token->id);
    if ((spelt.size != size || memcmp(spelt.data, data, size) != 0) && !add_surface(r, data, size))
        return no_memory(r);
    return BERT_OK;
}

/* ---- Stretches ------------------------------------------------------------ */

static bert_status run_words(struct run *r)
{
    bool done;

    r->work->tokens.n = 0;
    r->work->wanted = r->stop > 0 ? r->stop - count(r) : 0;
    r->work->take = take_tokens;
    r->work->ask = r->watch != NULL ? ask : NULL;
    r->work->taker = r;
    done = bert__token_model_run(&r->tok->model, r->work);
    r->work->take = NULL;
    r->work->ask = NULL;
    if (!done)
        return r->status != BERT_OK ? r->status : no_memory(r);
    return flush(r);
}

/* Some words at a time, until there are enough tokens. */
static bert_status run_some_words(struct run *r)
{
    struct bert__words *words = &r->work->words, all = *words;
    bert_status status = BERT_OK;

    for (size_t i = 0; i < all.n && status == BERT_OK && !is_enough(r); i += words->n) {
        words->items = all.items + i;
        words->n = all.n - i < SOME_WORDS ? all.n - i : SOME_WORDS;
        status = run_words(r);
    }
    *words = all;
    return status;
}

/* Words and tokens of bytes [begin, end) of the piece. */
static bert_status run_piece(struct run *r, size_t begin, size_t end)
{
    if (!bert__pretokenize(&r->tok->pretokenizer, r->work, begin, end, r->base))
        return no_memory(r);
    if (!ask(r))
        return r->status;
    return r->stop > 0 ? run_some_words(r) : run_words(r);
}

/* The same, of a piece that is made of a part of the whole. */
static bert_status run_part(struct run *r, size_t begin, size_t end)
{
    const struct bert__layer *whole = &r->work->whole;
    struct bert__piece *p = &r->work->piece;

    p->size = 0;
    if (!bert__piece_room(p, end - begin))
        return no_memory(r);
    memcpy(p->bytes, whole->bytes + begin, end - begin);
    if (p->want_from)
        memcpy(p->from, whole->from + begin, (end - begin) * sizeof *p->from);
    p->size = end - begin;
    return run_piece(r, 0, p->size);
}

/* The same, with added tokens cut out of the piece.  If words are rewritten, each part
 * becomes a piece of its own. */
static bert_status run_splits(struct run *r)
{
    bool rewrites = bert__pretokenizer_rewrites(&r->tok->pretokenizer);
    struct bert__splitter splitter;
    struct bert__split split;
    bert_status status = BERT_OK;
    const uint32_t *from = r->work->piece.from;
    const char *bytes = r->work->piece.bytes;

    if (rewrites)
        bert__piece_set_aside(&r->work->piece, &r->work->whole);
    bert__splitter_init(&splitter, &r->tok->added.normalized, bytes,
                        rewrites ? r->work->whole.size : r->work->piece.size);
    while (status == BERT_OK && !is_enough(r) && bert__splitter_next(&splitter, &split)) {
        if (split.token == NULL)
            status = (rewrites ? run_part : run_piece)(r, split.begin, split.end);
        else if (r->sink != NULL)
            status = add_token(r, split.token, 0, 0, NULL, 0);
        else
            status = add_token(r, split.token, r->base + from[split.begin],
                               place_end(r, from[split.end - 1]), bytes + split.begin,
                               split.end - split.begin);
    }
    return status;
}

/* From begin to *stop, which moves to the end of it all if the text turns out to be one, or to the
 * beginning if that end isn't known. */
static bert_status run_stretch(struct run *r, size_t begin, size_t *stop, bert_span whole,
                               bool open)
{
    struct bert__piece *p = &r->work->piece;
    size_t end = *stop;

    if (end - begin > BERT__STRETCH_MAX)
        return bert__fail(r->err, BERT_ERANGE,
                          "%zu bytes of text without a place to part them; at most %zu are taken",
                          end - begin, BERT__STRETCH_MAX);
    r->base = begin;
    p->want_from = r->sink == NULL || (begin == 0 && r->tok->pretokenizer.asks_origin);
    p->watch = r->watch;
    p->continues = begin > whole.start;
    p->continued = end < whole.end;
    if (!bert__normalize(&r->tok->normalizer, r->text.data + begin, end - begin, p))
        return no_memory(r);
    if (!ask(r))
        return r->status;
    if (p->lags && p->continued) {
        *stop = open ? begin : whole.end;
        return open ? BERT_OK : run_stretch(r, begin, stop, whole, false);
    }
    if (bert__matcher_finds(&r->tok->added.normalized))
        return run_splits(r);
    return run_piece(r, 0, p->size);
}

static bool may_part(const struct run *r, size_t i)
{
    return bert__may_part_at(&r->tok->parting, r->text.data[i])
           && bert__may_part(&r->tok->parting, &r->tok->normalizer, &r->tok->pretokenizer,
                             r->text.data, i, r->text.size, &r->work->piece);
}

/* End of the stretch that begins at `begin`: about tok->stretch bytes, or more; r->status says
 * whether it was looked for to the end. */
static size_t stretch_end(struct run *r, size_t begin, size_t end)
{
    size_t wanted = r->tok->stretch, i;

    if (wanted == 0 || end - begin <= wanted)
        return end;
    for (i = begin + wanted; i > begin + wanted / 2; i--) {
        if (may_part(r, i))
            return i;
    }
    for (i = begin + wanted + 1; i < end; i++) {
        if (may_part(r, i) || (i % ASK_BYTES == 0 && !ask(r)))
            return i;
    }
    return end;
}

/* Text between two added tokens, from *begin on, which moves to where it was not read further: if
 * the text may go on, the last stretch waits for what follows. */
static bert_status run_span(struct run *r, bert_span whole, bool open, size_t *begin)
{
    bert_status status = BERT_OK;

    while (status == BERT_OK && *begin < whole.end && !is_enough(r)) {
        size_t end;

        if (!ask(r))
            return r->status;
        end = stretch_end(r, *begin, whole.end);
        if (r->status != BERT_OK)
            return r->status;
        if (open && end == whole.end)
            break;
        status = run_stretch(r, *begin, &end, whole, open);
        if (end == *begin)
            break;
        *begin = end;
    }
    return status;
}

/* Added tokens are looked for a little ahead only: much of the text may not be wanted. */
static bert_status run_text(struct run *r)
{
    struct bert__splitter splitter;
    struct bert__split split = {0};
    bert_status status = BERT_OK;
    size_t ahead = r->tok->stretch > 0 ? r->tok->stretch * AHEAD : SIZE_MAX, bytes = ahead;
    size_t start = 0; /* of the plain text */

    if (r->text.size == 0)
        return BERT_OK; /* and its pointer may be NULL */
    bert__splitter_init(&splitter, &r->tok->added.raw, r->text.data, r->text.size);
    bert__splitter_look_on(&splitter, 0, bytes);
    while (status == BERT_OK && !is_enough(r) && bert__splitter_next(&splitter, &split)) {
        size_t at = split.begin;

        if (split.token != NULL) {
            status = add_token(r, split.token, split.begin, split.end, r->text.data + split.begin,
                               split.end - split.begin);
            start = at = split.end;
        } else {
            status = run_span(r, (bert_span){start, split.end}, split.open, &at);
            start = split.open ? start : split.end;
        }
        bytes = split.open && at == split.begin && bytes < SIZE_MAX / 2 ? bytes * 2 : ahead;
        bert__splitter_look_on(&splitter, split.open ? at : splitter.done, bytes);
    }
    return status;
}

void bert__sequence_clear(struct bert__sequence *s)
{
    s->n = 0;
    s->n_surfaces = 0;
    s->surface_used = 0;
}

bert_status bert__tokenize_sequence(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                                    bert_text text, uint64_t stop, struct bert__sequence *out,
                                    bert_error *err)
{
    struct run r = {.tok = tok,
                    .work = &scratch->work,
                    .text = text,
                    .sequence = out,
                    .stop = stop,
                    .watch = scratch->watch,
                    .err = err};

    return run_text(&r);
}

bert_status bert__find_token(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                             bert_text text, struct bert__token_finder *out, bert_error *err)
{
    struct run r = {.tok = tok,
                    .work = &scratch->work,
                    .text = text,
                    .finder = out,
                    .stop = out->wanted < UINT64_MAX ? out->wanted + 1 : 0,
                    .err = err};

    out->n = 0;
    return run_text(&r);
}

/* Turn a ring of ids so that the oldest comes first. */
static void straighten(struct bert__id_sink *s)
{
    size_t first = s->n > s->room && s->room > 0 ? (size_t)(s->n % s->room) : 0;
    size_t ends[3][2] = {{0, first}, {first, s->room}, {0, s->room}};

    if (!s->left || first == 0)
        return;
    for (int k = 0; k < 3; k++) { /* a rotation is three reversals */
        for (size_t i = ends[k][0], j = ends[k][1]; i + 1 < j; i++) {
            int32_t id = s->ids[i];

            s->ids[i] = s->ids[--j];
            s->ids[j] = id;
        }
    }
}

bert_status bert__tokenize_sink(const bert_tokenizer *tok, struct bert__token_scratch *scratch,
                                bert_text text, struct bert__id_sink *out, bert_error *err)
{
    struct run r = {.tok = tok,
                    .work = &scratch->work,
                    .text = text,
                    .sink = out,
                    .stop = out->stop,
                    .watch = scratch->watch,
                    .err = err};
    bert_status status;

    out->n = 0;
    status = run_text(&r);
    straighten(out);
    return status;
}
