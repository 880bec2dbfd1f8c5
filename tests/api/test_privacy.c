/* SPDX-License-Identifier: MIT */
/*
 * test_privacy.c - masking, against what tests/fixtures/make_privacy_fixtures.py's judges say of
 * tests/data/privacy.txt, and on bytes that nobody vouches for.  $BERT_PRIVACY_TEXTS names another
 * file of that form: then the figures of each kind are printed, with what was missed.
 */
#include "support.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST = 64 };

static const struct {
    uint32_t kind;
    const char *tag;
} kinds[] = {
    {BERT_MASK_EMAIL, "EMAIL"}, {BERT_MASK_PHONE, "PHONE"}, {BERT_MASK_CARD, "CARD"},
    {BERT_MASK_IBAN, "IBAN"},   {BERT_MASK_IP, "IP"},       {BERT_MASK_URL, "URL"},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

static bert_text view(const char *s)
{
    return (bert_text){s, strlen(s)};
}

/* Masked, NUL-terminated; free it. */
static char *masked(bert_text text, const bert_mask_options *options)
{
    bert_error err;
    size_t need, size;
    char *out;
    bert_status st = bert_mask(text, options, NULL, 0, &need, &err);

    assert_true(st == (need > 0 ? BERT_ERANGE : BERT_OK));
    out = malloc(need + 1);
    assert_non_null(out);
    test_ok(bert_mask(text, options, out, need, &size, &err), &err);
    assert_int_equal(size, need);
    out[need] = '\0';
    return out;
}

static void is_masked(const char *text, const char *want)
{
    char *got = masked(view(text), NULL);

    if (strcmp(got, want) != 0)
        fail_msg("<%s> becomes <%s>, not <%s>", text, got, want);
    free(got);
}

/* ---- By example ----------------------------------------------------------------------- */

static const char *const examples[][2] = {
    {"", ""},
    {"ada@example.org", "[EMAIL]"},
    {"Mail:ada@example.org.", "Mail:[EMAIL]."},
    {"<ada@example.org>,bob@example.net", "<[EMAIL]>,[EMAIL]"},
    {"email=ada@example.org&x=1", "email=[EMAIL]&x=1"},
    {"bounce+ada=home.example@list.example", "[EMAIL]"},
    {"请联系ada@example.org谢谢", "请联系[EMAIL]谢谢"},
    {"用户@例子.广告", "[EMAIL]"},
    {"ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ", "[EMAIL]"},
    {"\"ada l\"@example.org", "[EMAIL]"},
    {"ada@[192.0.2.1] ada@[IPv6:2001:db8::1]", "[EMAIL] [EMAIL]"},
    {"ada@localhost, @ada, ada@", "ada@localhost, @ada, ada@"},
    {"see https://a.example/b?c=d@e.example#f.", "see [URL]."},
    {"(http://a.example/x_(y)), [t](ftp://b.example)", "([URL]), [t]([URL])"},
    {"www.example.org/x, WWW.EXAMPLE.ORG", "[URL], [URL]"},
    {"见http://a.example。谢谢", "见[URL]。谢谢"},
    {"http://[2001:db8::1]:80/x", "[URL]"},
    {"http:// x ://y www. www", "http:// x ://y www. www"},
    {"10.0.0.1:80, 10.0.0.0/8, [::1]:80", "[IP]:80, [IP]/8, [IP]:80"},
    {"fe80::1%eth0 ::ffff:192.0.2.1 2001:DB8:0:0:0:0:0:1.", "[IP] [IP] [IP]."},
    {"from:10.0.0.1,to:10.0.0.2", "from:[IP],to:[IP]"},
    {"version 1.2.3.4, v1.2.3.4, 1.2.3.4-rc1, 1.2.3.4.5, 1.2.3.256",
     "version 1.2.3.4, v1.2.3.4, "
     "1.2.3.4-rc1, 1.2.3.4.5, 1.2.3.256"},
    {"12:30:45 std::a a:b ::", "12:30:45 std::a a:b ::"},
    {"4111 1111 1111 1111 12/27", "[CARD] 12/27"},
    {"4111-1111-1111-1111,378282246310005", "[CARD],[CARD]"},
    {"４１１１　１１１１　１１１１　１１１１", "[CARD]"},
    {"4111 1111 1111 1112, 41111111111111111", "4111 1111 1111 1112, 41111111111111111"},
    {"DE89 3704 0044 0532 0130 00 bitte", "[IBAN] bitte"},
    {"gb82west12345698765432, FR14-2004-1010-0505-0001-3M02-606", "[IBAN], [IBAN]"},
    {"DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"},
    {"+49 (0)30 123456-78", "[PHONE]"},
    {"(+44) 20 7946 0958, ext. 12; 0044 20 7946 0958", "[PHONE]; [PHONE]"},
    {"(212) 555-0123 / 212-555-0123", "[PHONE] / [PHONE]"},
    {"Tel.: 5550123, phone 601 234 567", "Tel.: [PHONE], phone [PHONE]"},
    {"5550123, 601 234 567, id=01701234567", "5550123, 601 234 567, id=01701234567"},
    {"电话13812345678。", "电话[PHONE]。"},
    {"tel ٠١٧٠١٢٣٤٥٦٧", "tel [PHONE]"},
    {"01.02.2024 08:15, 2024-01-31, 1.234.567,89", "01.02.2024 08:15, 2024-01-31, 1.234.567,89"},
    {"+49 30 123456 12.05.2024", "[PHONE] 12.05.2024"},
    {"Raum 12 0171 1234567", "Raum 12 [PHONE]"},
    {"[EMAIL] [PHONE:kdmagpblofhjcien] [CARD]", "[EMAIL] [PHONE:kdmagpblofhjcien] [CARD]"},
};

static void test_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++)
        is_masked(examples[i][0], examples[i][1]);
}

static void test_kinds(void **state)
{
    static const char text[] = "https://ada@b.example/, 10.0.0.1, +49 30 123456, ada@b.example";
    static const struct {
        uint32_t kinds;
        const char *want;
    } cases[] = {
        {BERT_MASK_EMAIL, "https://[EMAIL]/, 10.0.0.1, +49 30 123456, [EMAIL]"},
        {BERT_MASK_URL, "[URL], 10.0.0.1, +49 30 123456, ada@b.example"},
        {BERT_MASK_IP | BERT_MASK_PHONE, "https://ada@b.example/, [IP], [PHONE], ada@b.example"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bert_mask_options o = BERT_MASK_OPTIONS_INIT;
        char *got;

        o.kinds = cases[i].kinds;
        got = masked(view(text), &o);
        assert_string_equal(got, cases[i].want);
        free(got);
    }
}

/* ---- Pseudonyms ------------------------------------------------------------------------ */

static char *pseudonym(const char *text, const char *key)
{
    bert_mask_options o = BERT_MASK_OPTIONS_INIT;
    char *out;

    o.key = (const unsigned char *)key;
    out = masked(view(text), &o);
    for (size_t i = 0; out[i] != '\0'; i++)
        assert_true(strchr("[]:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop ", out[i]) != NULL);
    is_masked(out, out);
    return out;
}

static void test_pseudonyms(void **state)
{
    static const char *const same[][2] = {
        {"Ada@Example.org", "ada@example.ORG"},
        {"+49 30 123456", "+49-30-123456"},
        {"4111 1111 1111 1111", "4111111111111111"},
        {"DE89 3704 0044 0532 0130 00", "de89370400440532013000"},
        {"2001:db8:0:0::1", "[2001:DB8::0001]"},
        {"ada@example.org", "ａｄａ@example.org"},
    };
    static const char *const other[] = {"ada@example.org", "adb@example.org", "+49 30 123456",
                                        "+49 30 123457",   "10.0.0.1",        "10.0.0.2",
                                        "fe80::1%a",       "fe80::1%b",       "www.a.b"};
    const char key[] = "0123456789abcdef", key2[] = "0123456789abcdeg";

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        char *a = pseudonym(same[i][0], key), *b = pseudonym(same[i][1], key);
        char *c = pseudonym(same[i][0], key2);

        assert_string_equal(a, b);
        assert_string_not_equal(a, c);
        free(a);
        free(b);
        free(c);
    }
    for (size_t i = 1; i < sizeof other / sizeof other[0]; i++) {
        char *a = pseudonym(other[i - 1], key), *b = pseudonym(other[i], key);

        assert_string_not_equal(strchr(a, ':'), strchr(b, ':'));
        free(a);
        free(b);
    }
}

/* ---- What the judges say ---------------------------------------------------------------- */

/* Groups of figures: phone numbers in three. */
static const char groups[] = "ECIAUPQR";
enum { GROUPS = sizeof groups - 1 };

struct figures {
    unsigned there[GROUPS], found[GROUPS];
    unsigned spans[KINDS], right[KINDS]; /* that we find */
};

static size_t kind_of_group(char group)
{
    static const char *const order = "EPCIAU";

    return (size_t)(strchr(order, group == 'Q' || group == 'R' ? 'P' : group) - order);
}

static size_t place_of(uint32_t kind)
{
    size_t i = 0;

    while (kinds[i].kind != kind)
        i++;
    return i;
}

/* A line without its marks, what they mark, and of which group. */
static size_t read_line(const char *line, size_t size, char *text, size_t *text_size,
                        bert_span *spans, char *group)
{
    size_t n = 0;

    *text_size = 0;
    for (size_t i = 0; i < size; i++) {
        if (line[i] == 1) {
            assert_true(n < MOST);
            group[n] = line[++i];
            spans[n].start = *text_size;
        } else if (line[i] == 2) {
            spans[n++].end = *text_size;
        } else {
            text[(*text_size)++] = line[i];
        }
    }
    return n;
}

static void compare(const char *line, size_t size, struct figures *f, int show)
{
    char *text = malloc(size + 1), group[MOST];
    bert_span want[MOST];
    bert_mask_span got[MOST];
    size_t text_size, n = read_line(line, size, text, &text_size, want, group), m, hits = 0;
    bert_error err;

    test_ok(bert_mask_find((bert_text){text, text_size}, NULL, got, MOST, &m, &err), &err);
    for (size_t i = 0; i < n; i++) {
        size_t g = (size_t)(strchr(groups, group[i]) - groups), hit = 0;

        for (size_t k = 0; k < m; k++)
            hit += got[k].bytes.start == want[i].start && got[k].bytes.end == want[i].end
                   && place_of(got[k].kind) == kind_of_group(group[i]);
        f->there[g]++;
        f->found[g] += hit > 0;
        hits += hit > 0;
    }
    for (size_t k = 0; k < m; k++) {
        f->spans[place_of(got[k].kind)]++;
        for (size_t i = 0; i < n; i++)
            f->right[place_of(got[k].kind)] +=
                got[k].bytes.start == want[i].start && got[k].bytes.end == want[i].end;
    }
    if (show && (hits < n || m > n))
        print_message("%.*s\n", (int)size, line);
    free(text);
}

static void read_texts(const char *path, struct figures *f, int show)
{
    size_t size;
    char *data = test_read_file(path, &size);

    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < size;) {
        const char *end = memchr(data + i, '\n', size - i);
        size_t n = (size_t)(end - data) - i;

        compare(data + i, n, f, show);
        i += n + 1;
    }
    for (size_t g = 0; g < GROUPS; g++)
        print_message("%c: %u of %u found\n", groups[g], f->found[g], f->there[g]);
    for (size_t k = 0; k < KINDS; k++)
        print_message("%s: %u of %u right\n", kinds[k].tag, f->right[k], f->spans[k]);
    free(data);
}

static void test_judges(void **state)
{
    const char *other = getenv("BERT_PRIVACY_TEXTS");
    struct figures f;

    (void)state;
    if (other != NULL) {
        read_texts(other, &f, 1);
        return;
    }
    read_texts(test_path("tests/data/privacy.txt"), &f, 0);
    for (size_t g = 0; g < GROUPS; g++) {
        unsigned least = groups[g] == 'R'   ? 60
                         : groups[g] == 'Q' ? 97
                         : groups[g] == 'P' ? 99
                                            : 100;

        assert_true(f.there[g] > 20);
        assert_true(f.found[g] * 100 >= f.there[g] * least);
    }
    for (size_t k = 0; k < KINDS; k++)
        assert_true(f.right[k] * 100
                    >= f.spans[k] * (kinds[k].kind == BERT_MASK_PHONE ? 98u : 100u));
}

/* ---- Any bytes --------------------------------------------------------------------------- */

static const char *const pieces[] = {
    "@",
    ".",
    ":",
    "::",
    "/",
    "//",
    "-",
    " ",
    "0",
    "1",
    "12",
    "0171",
    "+49 ",
    "4111 ",
    "4111111111111111",
    "1111",
    "a",
    "com",
    "b.de",
    "x@y.z",
    "http",
    "www.",
    "10.0.0.1",
    "fe80::1",
    "[",
    "]",
    "(",
    ")",
    "\"",
    "=",
    "\xff",
    "\xEF\xBC",
    "\xEF\xBC\xA0",
    "\xEF\xBC\x91",
    "日本",
    "é",
    "\n",
    "tel ",
    "DE89370400440532013000",
    "GB82 WEST",
    "1234567",
    "%",
    ",",
    "x",
    "_",
    "[IP]",
    "[EMAIL",
    "version ",
    "\xe2\x80\x93",
};

static size_t random_text(uint64_t *random, char *out, size_t most)
{
    size_t n = 0;

    for (uint32_t left = test_random(random, 14); left > 0; left--) {
        const char *piece = pieces[test_random(random, sizeof pieces / sizeof pieces[0])];
        size_t size = strlen(piece);

        if (test_random(random, 8) == 0) {
            out[n++] = (char)test_random(random, 256);
        } else if (n + size + 1 < most) {
            memcpy(out + n, piece, size);
            n += size;
        }
    }
    return n;
}

static void check_spans(bert_text text, const bert_mask_options *options)
{
    bert_mask_span got[256];
    bert_error err;
    size_t n, from = 0;

    test_ok(bert_mask_find(text, options, got, 256, &n, &err), &err);
    for (size_t i = 0; i < n; i++) {
        assert_true(got[i].bytes.start >= from && got[i].bytes.start < got[i].bytes.end);
        assert_true(got[i].bytes.end <= text.size);
        assert_true(options->kinds == 0 || (got[i].kind & options->kinds) != 0);
        from = got[i].bytes.end;
    }
}

/* In memory of its own size, so that a read past its end shows. */
static void check_bytes(const char *data, size_t n, const bert_mask_options *options)
{
    char *exact = malloc(n > 0 ? n : 1), *once, *twice;

    assert_non_null(exact);
    memcpy(exact, data, n);
    check_spans((bert_text){exact, n}, options);
    once = masked((bert_text){exact, n}, options);
    if (memchr(exact, '\0', n) == NULL) {
        twice = masked(view(once), options);
        if (strcmp(once, twice) != 0)
            fail_msg("<%.*s>\nbecomes <%s>\nand then <%s>", (int)n, exact, once, twice);
        free(twice);
    }
    free(once);
    free(exact);
}

static void test_any_bytes(void **state)
{
    const char *rounds = getenv("BERT_PRIVACY_ROUNDS");
    uint64_t random = 12345;
    char text[512];

    (void)state;
    for (long i = rounds != NULL ? atol(rounds) : 60000; i > 0; i--) {
        bert_mask_options o = BERT_MASK_OPTIONS_INIT;
        size_t n = random_text(&random, text, sizeof text);

        o.kinds = test_random(&random, 2) == 0 ? 0 : test_random(&random, 64);
        o.key = test_random(&random, 4) == 0 ? (const unsigned char *)"0123456789abcdef" : NULL;
        check_bytes(text, n, &o);
    }
}

/* ---- Time --------------------------------------------------------------------------------- */

static double seconds(const char *unit, size_t size)
{
    size_t unit_size = strlen(unit), count;
    char *text = malloc(size);
    struct timespec a, b;
    bert_error err;

    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % unit_size];
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
    bert_mask_find((bert_text){text, size}, NULL, NULL, 0, &count, &err);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
    free(text);
    return (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Eight times the text takes about eight times as long, whatever it holds: 64 times would be
 * quadratic.  $BERT_PRIVACY_BYTES: of the larger text. */
static void test_linear(void **state)
{
    static const char *const units[] = {
        "@",
        ".",
        "1",
        ":",
        "a",
        "a@",
        "@.",
        "a.",
        "\"@",
        "://",
        "w",
        "www.",
        "a://",
        "1.",
        "1 ",
        "1.1.1.1:",
        "::",
        "[",
        "(",
        "+",
        "+1",
        "0",
        "00 ",
        "012 ",
        "0 12 ",
        "111 ",
        "DE89",
        "DE ",
        "a=",
        "[::",
        "1-",
        "123-",
        "\xEF",
        "日",
        "http://(",
        "http://[",
        "1:",
        "f",
        "f:",
        "a@a.",
        "a@b.c ",
        "a@bb.cc ",
        "10.0.0.1 ",
        "+49 30 123456 ",
        "４",
        " ",
        "tel 1234567 ",
        "4111 1111 1111 1111 ",
        "http://a/ ",
        ")",
        "10.0.0.1:",
        ".10.0.0.1.",
    };
    const char *bytes = getenv("BERT_PRIVACY_BYTES");
    size_t size = bytes != NULL ? (size_t)atol(bytes) : 1 << 20;

    (void)state;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double few = seconds(units[i], size / 8), many = seconds(units[i], size);

        if (bytes != NULL)
            print_message("<%s>: %.1f ns a byte\n", units[i], many / (double)size * 1e9);
        if (many > 0.05 && many > 24 * few)
            fail_msg("<%s>: %.3f s, of an eighth of it %.3f s", units[i], many, few);
    }
}

/* ---- Entities ----------------------------------------------------------------------------- */

static void test_entities(void **state)
{
    static const char text[] = "a cat at the bank sat on ada@example.org and prices rose";
    bert_model *model = test_load(test_path("tests/data/models/task/tag"), NULL);
    bert_session *session = test_session(model, 1);
    bert_entities *found;
    const bert_entity *list;
    const char *label;
    char out[512], want[512];
    bert_text one = view(text);
    bert_error err;
    size_t size, n;

    (void)state;
    test_ok(bert_tag(session, &one, 1, NULL, &found, &err), &err);
    n = bert_entities_count(found, 0);
    list = bert_entities_list(found, 0);
    assert_true(n > 0);
    test_ok(bert_mask_entities(one, found, 0, NULL, 0, NULL, out, sizeof out, &size, &err), &err);
    out[size] = '\0';
    print_message("%s\n", out);
    assert_null(strstr(out, "example"));
    for (size_t i = 0; i < n; i++) {
        snprintf(want, sizeof want, "%.*s", (int)(list[i].bytes.end - list[i].bytes.start),
                 text + list[i].bytes.start);
        if (strlen(want) > 3)
            assert_null(strstr(out, want));
    }
    label = "no such label";
    test_ok(bert_mask_entities(one, found, 0, &label, 1, NULL, out, sizeof out, &size, &err), &err);
    out[size] = '\0';
    assert_string_equal(out, "a cat at the bank sat on [EMAIL] and prices rose");
    label = list[0].label;
    test_ok(bert_mask_entities(one, found, 0, &label, 1, NULL, out, sizeof out, &size, &err), &err);
    assert_true(size != strlen("a cat at the bank sat on [EMAIL] and prices rose")
                || memcmp(out, "a cat at the bank sat on [EMAIL] and prices rose", size) != 0);
    test_error(bert_mask_entities((bert_text){text, 1}, found, 0, NULL, 0, NULL, out, sizeof out,
                                  &size, &err),
               &err, BERT_EINVAL, "of 1 bytes", NULL);
    test_error(bert_mask_entities(one, found, 1, NULL, 0, NULL, out, sizeof out, &size, &err), &err,
               BERT_EINVAL, "record is 1", NULL);
    test_error(bert_mask_entities(one, NULL, 0, NULL, 0, NULL, out, sizeof out, &size, &err), &err,
               BERT_EINVAL, "entities is NULL", NULL);
    test_error(bert_mask_entities(one, found, 0, NULL, 2, NULL, out, sizeof out, &size, &err), &err,
               BERT_EINVAL, "labels is NULL", NULL);
    bert_entities_free(found);
    bert_session_destroy(session);
    bert_model_unref(model);
}

/* ---- Refusals ------------------------------------------------------------------------------ */

static void test_refusals(void **state)
{
    bert_mask_options o = BERT_MASK_OPTIONS_INIT;
    bert_mask_span spans[1];
    bert_text text = view("ada@example.org ada@example.org");
    bert_error err;
    char out[8] = "";
    size_t n;

    (void)state;
    test_error(bert_mask(text, NULL, out, sizeof out, &n, &err), &err, BERT_ERANGE, "takes 15",
               NULL);
    assert_int_equal(n, 15);
    assert_memory_equal(out, "[EMAIL] ", 8);
    test_error(bert_mask_find(text, NULL, spans, 1, &n, &err), &err, BERT_ERANGE, "there are 2",
               NULL);
    assert_int_equal(n, 2);
    assert_int_equal(spans[0].bytes.end, 15);
    test_error(bert_mask(text, NULL, NULL, 8, &n, &err), &err, BERT_EINVAL, "out is NULL", NULL);
    test_error(bert_mask(text, NULL, out, 8, NULL, &err), &err, BERT_EINVAL, "out_size is NULL",
               NULL);
    test_error(bert_mask_find(text, NULL, spans, 1, NULL, &err), &err, BERT_EINVAL, "count is NULL",
               NULL);
    test_error(bert_mask((bert_text){NULL, 1}, NULL, out, 8, &n, &err), &err, BERT_EINVAL,
               "text.data is NULL", NULL);
    o.kinds = 64;
    test_error(bert_mask(text, &o, out, 8, &n, &err), &err, BERT_EINVAL, "0x40", NULL);
    o.kinds = 0;
    o.size = 0;
    test_error(bert_mask(text, &o, out, 8, &n, &err), &err, BERT_EINVAL, "size", NULL);
    test_ok(bert_mask((bert_text){NULL, 0}, NULL, NULL, 0, &n, NULL), &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),   cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_pseudonyms), cmocka_unit_test(test_judges),
        cmocka_unit_test(test_any_bytes),  cmocka_unit_test(test_linear),
        cmocka_unit_test(test_entities),   cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
