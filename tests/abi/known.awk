# SPDX-License-Identifier: MIT
# awk -f known.awk OLD NEW: the dump NEW as programs linked with OLD know it, so that abidiff can be
# strict about all that is left.  Out go enumerators that OLD lacks, and of structs that begin with their
# own `size` what lies past the old size.  (A field in the padding at the old end stays, and is a
# change: old programs leave anything there.)
function text(name) { # the value of an attribute of this line
    match($0, " " name "='[^']*'")
    return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)
}
/<class-decl .*size-in-bits=/ {
    name = text("name")
    bits = text("size-in-bits") + 0
    first = 1
    if (NR != FNR && name in grows && bits > grows[name]) {
        cut = grows[name]
        sub(/size-in-bits='[0-9]+'/, "size-in-bits='" cut "'")
    }
}
/<enum-decl / { name = text("name") }

NR == FNR {
    if (/<enumerator /) had[name, text("name")] = 1
    if (/<enum-decl /) enum[name] = 1
    if (/<var-decl / && first) {
        if (text("name") == "size") grows[name] = bits
        first = 0
    }
    next
}

/<\/class-decl>/ { cut = 0 }
cut && /<data-member / && text("layout-offset-in-bits") + 0 >= cut { skip = 1 }
/<enumerator / && name in enum && !((name, text("name")) in had) { next }
!skip { print }
/<\/data-member>/ { skip = 0 }
