#!/bin/sh
# SPDX-License-Identifier: MIT
# Programs linked with the library of libbert.abi run with this one, says abidiff (docs/abi.md); and it
# would say so if they didn't: dumps with one change each are judged as the policy has it.
set -eu
abi=$S/tests/abi
base=$abi/libbert.abi
skip() { printf 'abidiff: %s: not compared\n' "$*"; exit 77; }
command -v abidiff >/dev/null && command -v abidw >/dev/null || skip 'not there (Debian: abigail-tools)'
# Compilers describe the same types in different ways: the baseline is gcc's, of one architecture.
case $($CC ${CPPFLAGS-} -dM -E -x c /dev/null) in
*__clang__*) skip 'the library is built by clang' ;;
*__x86_64__*) ;;
*) skip 'the baseline is of x86-64' ;;
esac
case ${CFLAGS-} in *-fsanitize*) skip 'the library is instrumented' ;; esac
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LC_ALL=C
sh "$abi/dump.sh" "$B/out/libbert.so" >"$tmp/now"
grep -q '<function-decl ' "$tmp/now" || skip 'the library has no debug information (-g)'
if grep -n "'[^']*/include/\|path='\(/\|\.\|srcdir\)" "$tmp/now"; then echo 'a path of this machine'; exit 1; fi

# ---- This library ----------------------------------------------------------------
sh "$abi/compare.sh" "$base" "$tmp/now" >"$tmp/report" 2>&1 || {
    head -n 60 "$tmp/report"
    echo 'abidiff: programs that are linked with an older libbert.so break; see docs/abi.md'
    exit 1
}

# ---- Changes ---------------------------------------------------------------------
judged=0
seed() { # breaks|holds, new|old: which side has it, what, program for awk
    awk "$4"'{ print }' "$base" >"$tmp/seed"
    ! cmp -s "$base" "$tmp/seed" || { echo "abidiff: $3: changes nothing"; exit 1; }
    old=$base new=$tmp/seed
    [ "$2" = new ] || { old=$tmp/seed new=$base; }
    said=holds
    sh "$abi/compare.sh" "$old" "$new" >"$tmp/report" 2>&1 || said=breaks
    # An abidiff that fails for another reason gives no report.
    [ $said = holds ] || grep -q 'changes summary' "$tmp/report" || said='no answer'
    [ "$said" = "$1" ] || {
        head -n 40 "$tmp/report"
        echo "abidiff: $3: $said, by the policy: $1"
        exit 1
    }
    judged=$((judged + 1))
}
within() { # kind, name, program: for the lines of that declaration
    printf '%s' "/<$1 name='$2'/ { on = 1 } on { $3 } /<\\/$1>/ { on = 0 } "
}
without() { # name of a struct, its size in bits, the offset of its last field, its size without that
    within class-decl "$1" "sub(/size-in-bits='$2'/, \"size-in-bits='${4-$3}'\"); if (/offset-in-bits='$3'/) cut = 1"
    printf '%s' "cut { if (/<\\/data-member>/) cut = 0; next } "
}
as_float=$(sed -n "s/.*<type-decl name='float' .*id='\([^']*\)'.*/\1/p" "$base")
retype="sub(/type-id='[^']*'/, \"type-id='$as_float'\")"
swap='if (/.pooling./) sub(/pooling/, "normalize"); else sub(/.normalize./, "'"'pooling'"'"); '
no_version="/<elf-symbol name='bert_version'/ { next } /<function-decl name='bert_version'/ { cut = 1 } \
    cut { if (/<\\/function-decl>/) cut = 0; next } "
grown=$(without bert_embed_options 384 320)

seed holds old 'a new function' "$no_version"
seed breaks new 'a function less' "$no_version"
seed breaks new 'another version of a symbol' "/<elf-symbol name='bert_embed'/ { sub(/LIBBERT_0.1/, \"LIBBERT_0.2\") } "
seed breaks new 'another soname' '{ sub(/libbert.so.0/, "libbert.so.1") } '
seed breaks new 'a parameter less' "$(within function-decl bert_embed 'if (/<parameter/) { on = 0; next }')"
seed breaks new 'a parameter of another type' "$(within function-decl bert_embed "if (/<parameter/) { $retype; on = 0 }")"
seed breaks new 'a result of another type' "$(within function-decl bert_embed "if (/<return/) $retype")"
seed holds old 'options that grew at their end' "$grown"
seed breaks new 'options that lost their last field' "$grown"
seed breaks old 'options that grew inside' \
    "$(within class-decl bert_tag_options "sub(/size-in-bits='192'/, \"size-in-bits='160'\"); if (/offset-in-bits='96'/) cut = 1; \
        sub(/offset-in-bits='128'/, \"offset-in-bits='96'\"); sub(/offset-in-bits='160'/, \"offset-in-bits='128'\")") cut { if (/<\\/data-member>/) cut = 0; next } "
seed breaks old 'a field in the padding at the end' "$(without bert_tag_options 192 160 192)"
seed breaks new 'fields that changed places' "$(within class-decl bert_embed_options "$swap")"
seed breaks old 'so, and a new one at the end' "$(within class-decl bert_embed_options "$swap") $grown"
seed breaks new 'a field of another type' "$(within class-decl bert_embed_options "if (/'stride'/) $retype")"
seed breaks new 'a field of another name' "$(within class-decl bert_embed_options "sub(/'stride'/, \"'strides'\")")"
seed breaks old 'a result without a size that grew' "$(without bert_entity 384 256)"
seed holds old 'a new status' '/<enumerator name=.BERT_EINTERNAL./ { next } '
seed breaks new 'a status less' '/<enumerator name=.BERT_EINTERNAL./ { next } '
seed breaks new 'another number of a status' "/<enumerator name='BERT_EINVAL'/ { sub(/'-1'/, \"'-20'\") } "
echo "abidiff: nothing breaks; $judged changes judged by the policy"
