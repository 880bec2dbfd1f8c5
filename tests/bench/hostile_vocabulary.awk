# SPDX-License-Identifier: MIT
# hostile_vocabulary.awk - a tokenizer.json with a million tokens: awk -v model=MODEL -f ...
# MODEL is WordPiece (with words of up to 10^9 characters), BPE or Unigram.  Tokens are the
# printable characters and strings of letters, each made of two shorter ones.

function spell(i, n,    s) {
    for (s = ""; n > 0; n--) {
        s = substr(letters, i % 26 + 1, 1) s
        i = int(i / 26)
    }
    return s
}

function token(s) {
    gsub(/["\\]/, "\\\\&", s)
    if (model == "Unigram")
        printf "%s[\"%s\", %.6f]", count ? ",\n" : "", s, -10 - count / 1000000
    else
        printf "%s\"%s\": %d", count ? ",\n" : "", s, count
    count++
}

function strings(prefix, upto,    n, i, size) {
    for (n = 2; n <= 5 && count < upto; n++) {
        size = 26 ^ n
        for (i = 0; i < size && count < upto; i++)
            token(prefix spell(i, n))
    }
}

function merge(left, right) {
    printf "%s\"%s %s\"", merges++ ? ",\n" : "", left, right
}

BEGIN {
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    printf "{\"added_tokens\": [], \"normalizer\": %s, \"pre_tokenizer\": {\"type\": \"%s\"},\n", \
        model == "WordPiece" ? "{\"type\": \"BertNormalizer\", \"clean_text\": true," \
            "\"handle_chinese_chars\": true, \"strip_accents\": null, \"lowercase\": true}" : "null", \
        model == "WordPiece" ? "BertPreTokenizer" : "WhitespaceSplit"
    printf "\"post_processor\": null, \"decoder\": null, \"model\": {\"type\": \"%s\",\n", model
    if (model == "WordPiece")
        printf "\"unk_token\": \"[UNK]\", \"continuing_subword_prefix\": \"##\"," \
            "\"max_input_chars_per_word\": 1000000000,\n"
    else if (model == "BPE")
        printf "\"unk_token\": \"[UNK]\", \"fuse_unk\": true,\n"
    else
        printf "\"unk_id\": 0,\n"
    printf "\"vocab\": %s\n", model == "Unigram" ? "[" : "{"
    token("[UNK]")
    for (c = 33; c < 127; c++)
        token(sprintf("%c", c))
    if (model == "WordPiece") {
        for (c = 33; c < 127; c++)
            token("##" sprintf("%c", c))
        strings("", 500000)
        strings("##", 1000000)
    } else
        strings("", 1000000)
    print model == "Unigram" ? "]" : "}"
    if (model == "BPE") {
        print ", \"merges\": ["
        last = count - 95
        for (n = 2; n <= 5 && merges < last; n++) {
            half = n == 5 ? 4 : n == 4 ? 2 : n - 1
            size = 26 ^ n
            for (i = 0; i < size && merges < last; i++) {
                s = spell(i, n)
                merge(substr(s, 1, half), substr(s, half + 1))
            }
        }
        print "]"
    }
    print "}}"
}
