/* SPDX-License-Identifier: MIT */
/* load_write.c - the stages of the reference's classes, in the words of tokenizer.json. */
#include "tokenizer/load_write.h"

#include <stdio.h>

/* ---- Values -------------------------------------------------------------------- */

static void put(struct bert__writer *w, const char *data, size_t n)
{
    size_t need;

    if (w->failed || !bert__size_add(w->size, n, &need)
        || !bert__reserve(w->alloc, &w->data, &w->cap, need, 1)) {
        w->failed = true;
        return;
    }
    memcpy(w->data + w->size, data, n);
    w->size = need;
}

void bert__write(struct bert__writer *w, const char *text)
{
    put(w, text, strlen(text));
}

void bert__write_string(struct bert__writer *w, bert_text text)
{
    bert__write(w, "\"");
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escape[8];

        if (c >= 0x20 && c != '"' && c != '\\') {
            put(w, text.data + i, 1);
            continue;
        }
        snprintf(escape, sizeof escape, "\\u%04x", c);
        bert__write(w, escape);
    }
    bert__write(w, "\"");
}

void bert__write_id(struct bert__writer *w, int32_t id)
{
    char text[16];

    snprintf(text, sizeof text, "%ld", (long)id);
    bert__write(w, text);
}

void bert__write_bool(struct bert__writer *w, bool value)
{
    bert__write(w, value ? "true" : "false");
}

void bert__write_base64(struct bert__writer *w, bert_text bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    bert__write(w, "\"");
    for (size_t i = 0; i < bytes.size; i += 3) {
        unsigned char b[3] = {0};
        char out[4];

        memcpy(b, bytes.data + i, bytes.size - i < 3 ? bytes.size - i : 3);
        out[0] = digits[b[0] >> 2];
        out[1] = digits[(b[0] & 3) << 4 | b[1] >> 4];
        out[2] = bytes.size - i > 1 ? digits[(b[1] & 15) << 2 | b[2] >> 6] : '=';
        out[3] = bytes.size - i > 2 ? digits[b[2] & 63] : '=';
        put(w, out, sizeof out);
    }
    bert__write(w, "\"");
}

/* ---- Stages -------------------------------------------------------------------- */

static void write_bert(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                   "\"handle_chinese_chars\":");
    bert__write_bool(w, s->chinese);
    bert__write(w, ",\"strip_accents\":");
    bert__write_bool(w, s->strip);
    bert__write(w, ",\"lowercase\":");
    bert__write_bool(w, s->lower);
    bert__write(w, "},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"
                   "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}}");
}

static void write_byte_level(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"model\":{\"type\":\"BPE\"},\"normalizer\":null,"
                   "\"pre_tokenizer\":{\"type\":\"ByteLevel\","
                   "\"add_prefix_space\":");
    bert__write_bool(w, s->add_prefix_space);
    bert__write(w, ",\"trim_offsets\":true,\"use_regex\":true},"
                   "\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                   "\"trim_offsets\":true,\"use_regex\":true}}");
}

static void write_precompiled(struct bert__writer *w, bert_text charsmap)
{
    bert__write(w, "{\"type\":\"Precompiled\",\"precompiled_charsmap\":");
    bert__write_base64(w, charsmap);
    bert__write(w, "}");
}

#define REPLACE(pattern, content)                                                                  \
    "{\"type\":\"Replace\",\"pattern\":" pattern ",\"content\":\"" content "\"}"

static void write_albert_normalizer(struct bert__writer *w, const struct bert__settings *s,
                                    bert_text charsmap)
{
    bert__write(w, "{\"type\":\"Sequence\",\"normalizers\":[" REPLACE(
                       "{\"String\":\"``\"}", "\\\"") "," REPLACE("{\"String\":\"''\"}", "\\\""));
    if (!s->keep_accents)
        bert__write(w, ",{\"type\":\"NFKD\"},{\"type\":\"StripAccents\"}");
    if (s->lower)
        bert__write(w, ",{\"type\":\"Lowercase\"}");
    if (charsmap.size > 0) {
        bert__write(w, ",");
        write_precompiled(w, charsmap);
    }
    bert__write(w, "]}");
}

/* This class passes the character map over. */
static void write_deberta_normalizer(struct bert__writer *w, const struct bert__settings *s)
{
    bert__write(w, "{\"type\":\"Sequence\",\"normalizers\":[");
    bert__write(w, s->lower ? "{\"type\":\"Lowercase\"}," : "");
    bert__write(w, REPLACE("{\"Regex\":\"\\\\s{2,}|[\\\\n\\\\r\\\\t]\"}",
                           " ") ",{\"type\":\"NFC\"},"
                                "{\"type\":\"Strip\",\"strip_left\":false,\"strip_right\":true}]}");
}

#define UNDERLINE "\\u2581"

static void write_metaspace(struct bert__writer *w, const char *scheme)
{
    bert__write(w, "{\"type\":\"Metaspace\",\"replacement\":\"" UNDERLINE "\","
                   "\"prepend_scheme\":\"");
    bert__write(w, scheme);
    bert__write(w, "\",\"split\":true}");
}

static void write_pieces(struct bert__writer *w, const struct bert__family *family,
                         const struct bert__settings *s, bert_text charsmap)
{
    bool deberta = family->id == BERT__FAMILY_DEBERTA_V2;
    const char *scheme = s->add_prefix_space ? "always" : deberta ? "first" : "never";

    bert__write(w, "{\"normalizer\":");
    if (deberta)
        write_deberta_normalizer(w, s);
    else if (family->id == BERT__FAMILY_ALBERT)
        write_albert_normalizer(w, s, charsmap);
    else if (charsmap.size > 0)
        write_precompiled(w, charsmap);
    else
        bert__write(w, "null");
    bert__write(w, ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
    if (!deberta)
        bert__write(w, "{\"type\":\"WhitespaceSplit\"},");
    else if (s->split_by_punct)
        bert__write(w, "{\"type\":\"Punctuation\",\"behavior\":\"Isolated\"},");
    write_metaspace(w, scheme);
    bert__write(w, "]},\"decoder\":");
    write_metaspace(w, scheme);
    bert__write(w, "}");
}

/* A SentencePiece model of no class. */
static void write_plain(struct bert__writer *w, bert_text charsmap, bool byte_fallback)
{
    bert__write(w, "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[");
    if (charsmap.size > 0) {
        write_precompiled(w, charsmap);
        bert__write(w, ",");
    }
    bert__write(w, REPLACE("{\"String\":\" \"}",
                           UNDERLINE) "]},\"pre_tokenizer\":null,"
                                      "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" REPLACE(
                                          "{\"String\":\"" UNDERLINE "\"}", " "));
    if (byte_fallback)
        bert__write(w, ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}");
    bert__write(w, "]}}");
}

void bert__write_stages(struct bert__writer *w, const struct bert__family *family,
                        const struct bert__settings *s, bert_text charsmap, bool byte_fallback)
{
    if (family->id <= BERT__FAMILY_MPNET)
        write_bert(w, s);
    else if (family->merges != NULL)
        write_byte_level(w, s);
    else if (family->id == BERT__FAMILY_SPM)
        write_plain(w, charsmap, byte_fallback);
    else
        write_pieces(w, family, s, charsmap);
}

/* ---- Post-processors ------------------------------------------------------------- */

static void write_pair(struct bert__writer *w, const struct bert__special *special)
{
    bert__write(w, "[");
    bert__write_string(w, special->text);
    bert__write(w, ",");
    bert__write_id(w, special->id);
    bert__write(w, "]");
}

static void write_roberta(struct bert__writer *w, const struct bert__special *first,
                          const struct bert__special *last, bool trim, bool prefix)
{
    bert__write(w, "{\"type\":\"RobertaProcessing\",\"sep\":");
    write_pair(w, last);
    bert__write(w, ",\"cls\":");
    write_pair(w, first);
    bert__write(w, ",\"trim_offsets\":");
    bert__write_bool(w, trim);
    bert__write(w, ",\"add_prefix_space\":");
    bert__write_bool(w, prefix);
    bert__write(w, "}");
}

static void write_special(struct bert__writer *w, const struct bert__special *special, int type_id)
{
    bert__write(w, "{\"SpecialToken\":{\"id\":");
    bert__write_string(w, special->text);
    bert__write(w, type_id ? ",\"type_id\":1}}" : ",\"type_id\":0}}");
}

static void write_entry(struct bert__writer *w, const struct bert__special *special)
{
    bert__write_string(w, special->text);
    bert__write(w, ":{\"id\":");
    bert__write_string(w, special->text);
    bert__write(w, ",\"ids\":[");
    bert__write_id(w, special->id);
    bert__write(w, "],\"tokens\":[");
    bert__write_string(w, special->text);
    bert__write(w, "]}");
}

/* first A last, and first A last [last] B last. */
static void write_template(struct bert__writer *w, const struct bert__special *first,
                           const struct bert__special *last, bool twice)
{
    static const char a[] = ",{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},";
    int second = twice ? 0 : 1;

    bert__write(w, "{\"type\":\"TemplateProcessing\",\"single\":[");
    write_special(w, first, 0);
    bert__write(w, a);
    write_special(w, last, 0);
    bert__write(w, "],\"pair\":[");
    write_special(w, first, 0);
    bert__write(w, a);
    write_special(w, last, 0);
    bert__write(w, ",");
    if (twice) {
        write_special(w, last, 0);
        bert__write(w, ",");
    }
    bert__write(w, second ? "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}},"
                          : "{\"Sequence\":{\"id\":\"B\",\"type_id\":0}},");
    write_special(w, last, second);
    bert__write(w, "],\"special_tokens\":{");
    write_entry(w, first);
    if (first->text.size != last->text.size
        || memcmp(first->text.data, last->text.data, first->text.size) != 0) {
        bert__write(w, ",");
        write_entry(w, last);
    }
    bert__write(w, "}}");
}

void bert__write_post(struct bert__writer *w, const struct bert__family *family,
                      const struct bert__settings *s, const struct bert__special *first,
                      const struct bert__special *last)
{
    switch (family->id) {
    case BERT__FAMILY_MPNET:
        write_roberta(w, first, last, true, false);
        break;
    case BERT__FAMILY_ROBERTA:
        write_roberta(w, first, last, s->trim_offsets, s->add_prefix_space);
        break;
    case BERT__FAMILY_BERT:
    case BERT__FAMILY_ALBERT:
    case BERT__FAMILY_DEBERTA_V2:
        write_template(w, first, last, false);
        break;
    case BERT__FAMILY_DEBERTA:
    case BERT__FAMILY_XLMR:
    case BERT__FAMILY_CAMEMBERT:
        write_template(w, first, last, true);
        break;
    case BERT__FAMILY_GPT2:
    case BERT__FAMILY_SPM:
    case BERT__FAMILY_COUNT:
        bert__write(w, "null");
        break;
    }
}
