/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "bindings/sqlite/json.h"

struct reader {
    char *start;
    char *at;
    char *end;
    const char *wrong; /* what was expected, or is not taken */
};

static bool is(const struct reader *r, char c)
{
    return r->at < r->end && *r->at == c;
}

static bool refuse(struct reader *r, const char *wrong)
{
    r->wrong = wrong;
    return false;
}

static void skip_space(struct reader *r)
{
    while (is(r, ' ') || is(r, '\t') || is(r, '\n') || is(r, '\r'))
        r->at++;
}

static bool expect(struct reader *r, char c, const char *wrong)
{
    if (!is(r, c))
        return refuse(r, wrong);
    r->at++;
    return true;
}

/* Four hexadecimal digits at the reader's place. */
static bool read_hex(struct reader *r, uint32_t *out)
{
    *out = 0;
    if (r->end - r->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = *r->at++;
        uint32_t digit;

        if (c >= '0' && c <= '9')
            digit = (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            digit = (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
        *out = *out << 4 | digit;
    }
    return true;
}

static char *put_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
        return to;
    }
    if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (c & 0x3f));
    return to;
}

/* What follows "\u"; *to moves on. */
static bool read_unicode(struct reader *r, char **to)
{
    uint32_t c, low;
    char *after;

    if (!read_hex(r, &c))
        return refuse(r, "four hexadecimal digits");
    after = r->at;
    if (c >= 0xd800 && c <= 0xdbff && r->end - r->at >= 6 && after[0] == '\\' && after[1] == 'u') {
        r->at += 2;
        if (read_hex(r, &low) && low >= 0xdc00 && low <= 0xdfff)
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        else
            r->at = after;
    }
    if (c >= 0xd800 && c <= 0xdfff)
        c = 0xfffd;
    *to = put_utf8(*to, c);
    return true;
}

static bool read_escape(struct reader *r, char **to)
{
    static const char from[] = "\"\\/bfnrt", into[] = "\"\\/\b\f\n\r\t";
    const char *which;
    char c;

    if (r->at == r->end)
        return refuse(r, "the end of a string");
    c = *r->at++;
    if (c == 'u')
        return read_unicode(r, to);
    which = c != 0 ? strchr(from, c) : NULL;
    if (which == NULL)
        return refuse(r, "an escape sequence");
    *(*to)++ = into[which - from];
    return true;
}

/* Unescaped in place: no escape is shorter than what it stands for. */
static bool read_string(struct reader *r, const char **text, uint32_t *size)
{
    char *to;

    if (!expect(r, '"', "a string"))
        return false;
    to = r->at;
    *text = to;
    while (r->at < r->end && *r->at != '"') {
        if ((unsigned char)*r->at < 0x20)
            return refuse(r, "no control character in a string");
        if (*r->at == '\\') {
            r->at++;
            if (!read_escape(r, &to))
                return false;
        } else {
            *to++ = *r->at++;
        }
    }
    *size = (uint32_t)(to - *text);
    return expect(r, '"', "the end of a string");
}

static size_t skip_digits(struct reader *r)
{
    char *from = r->at;

    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return (size_t)(r->at - from);
}

static bool read_number(struct reader *r, struct bert__sql_item *item)
{
    char *from = r->at;

    if (is(r, '-'))
        r->at++;
    if (is(r, '0'))
        r->at++;
    else if (skip_digits(r) == 0)
        return refuse(r, "a string, a number or null");
    if (is(r, '.')) {
        r->at++;
        if (skip_digits(r) == 0)
            return refuse(r, "a digit");
    }
    if (is(r, 'e') || is(r, 'E')) {
        r->at++;
        if (is(r, '+') || is(r, '-'))
            r->at++;
        if (skip_digits(r) == 0)
            return refuse(r, "a digit");
    }
    item->type = BERT__SQL_JSON_NUMBER;
    item->text = from;
    item->size = (uint32_t)(r->at - from);
    return true;
}

static bool read_item(struct reader *r, struct bert__sql_item *item)
{
    item->text = NULL;
    item->size = 0;
    if (is(r, '"')) {
        item->type = BERT__SQL_JSON_STRING;
        return read_string(r, &item->text, &item->size);
    }
    if (r->end - r->at >= 4 && memcmp(r->at, "null", 4) == 0) {
        item->type = BERT__SQL_JSON_NULL;
        r->at += 4;
        return true;
    }
    return read_number(r, item);
}

static bool read_member(struct reader *r, bool object, struct bert__sql_item *item)
{
    item->key = NULL;
    item->key_size = 0;
    skip_space(r);
    if (object) {
        if (!read_string(r, &item->key, &item->key_size))
            return false;
        skip_space(r);
        if (!expect(r, ':', "\":\""))
            return false;
        skip_space(r);
    }
    if (!read_item(r, item))
        return false;
    skip_space(r);
    return true;
}

/* Room for one more; false: no memory. */
static bool grow(struct bert__sql_items *items, size_t *capacity)
{
    void *bigger;

    if (items->count < *capacity)
        return true;
    *capacity = *capacity > 0 ? 2 * *capacity : 16;
    bigger = sqlite3_realloc64(items->items, (sqlite3_uint64)*capacity * sizeof(*items->items));
    if (bigger == NULL)
        return false;
    items->items = bigger;
    return true;
}

/* True without `wrong`: read.  False without: no memory. */
static bool read_all(struct reader *r, struct bert__sql_items *out)
{
    size_t capacity = 0;
    bool object;
    char last;

    skip_space(r);
    object = is(r, '{');
    if (!object && !is(r, '['))
        return refuse(r, "an array or an object");
    r->at++;
    last = object ? '}' : ']';
    skip_space(r);
    if (is(r, last)) {
        r->at++;
    } else {
        for (;;) {
            if (!grow(out, &capacity) || !read_member(r, object, &out->items[out->count]))
                return false;
            out->count++;
            if (!is(r, ','))
                break;
            r->at++;
        }
        if (!expect(r, last, object ? "\",\" or \"}\"" : "\",\" or \"]\""))
            return false;
    }
    skip_space(r);
    return r->at == r->end || refuse(r, "nothing more");
}

int bert__sql_items_read(struct bert__sql_items *out, bert_text json, const char *function,
                         const char *what, struct bert__sql_error *error)
{
    struct reader r = {NULL, NULL, NULL, NULL};
    unsigned long long at, item;

    memset(out, 0, sizeof(*out));
    out->bytes = sqlite3_malloc64((sqlite3_uint64)json.size + 1);
    if (out->bytes == NULL)
        return bert__sql_no_memory(error);
    memcpy(out->bytes, json.data, json.size);
    r.start = r.at = out->bytes;
    r.end = out->bytes + json.size;
    if (read_all(&r, out))
        return SQLITE_OK;
    at = (unsigned long long)(r.at - r.start);
    item = (unsigned long long)out->count;
    bert__sql_items_free(out);
    if (r.wrong == NULL)
        return bert__sql_no_memory(error);
    return bert__sql_fail(error, "%s: the JSON of %s wants %s at byte %llu (item %llu)", function,
                          what, r.wrong, at, item);
}

void bert__sql_items_free(struct bert__sql_items *items)
{
    sqlite3_free(items->items);
    sqlite3_free(items->bytes);
    memset(items, 0, sizeof(*items));
}
