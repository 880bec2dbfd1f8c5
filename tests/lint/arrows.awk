# SPDX-License-Identifier: MIT
# Who may include whom (docs/design.md, "Folders").  Reads sources named from the
# root; prints each #include that points the wrong way, and exits 1 if there was one.

BEGIN {
    allow("include/",      "^bert")
    allow("lib/base/",     "^(bert/|lib/base/|config\\.h$)")
    allow("lib/arch/",     "^(lib/arch/|kernels/kernels\\.h$)")
    allow("lib/model/",    "^(bert/|lib/base/|lib/arch/|lib/model/)")
    allow("lib/backend/",  "^(bert/|lib/base/|lib/backend/|kernels/|config\\.h$)")
    allow("lib/graph/",    "^(bert/|lib/base/|lib/arch/|lib/model/|lib/backend/|lib/graph/)")
    allow("lib/head/",     "^(bert/|lib/base/|lib/model/|lib/graph/|lib/head/|tokenizer/unicode\\.h$)")
    allow("lib/serve/",    "^(bert/|lib/base/|lib/api/(options|place|session|slices)\\.h$|lib/serve/)")
    allow("lib/api/",      "^(bert|lib/|tokenizer/|kernels/|config\\.h$)")
    allow("tokenizer/",    "^(bert/|lib/base/|tokenizer/)")
    allow("kernels/blas/", "^(kernels/|config\\.h$)")
    allow("kernels/",      "^(kernels/|config\\.h$)")
    allow("examples/",     "^(bert|examples/)")
    allow("bindings/",     "^(bert|bindings/)")
    allow("tests/api/",    "^(bert|tests/api/)")
    allow("tests/installcheck/", "^bert")
    allow("tests/",        "")
}

function allow(folder, pattern) {
    order[++count] = folder
    may[folder] = pattern
}

function folder_of(file,    i) {
    for (i = 1; i <= count; i++)
        if (index(file, order[i]) == 1)
            return order[i]
    return ""
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    name = $0
    sub(/^[^"<]*["<]/, "", name)
    sub(/[">].*/, "", name)
    quoted = index($0, "\"") > 0
    if (!quoted && name !~ /^bert(\/|\.h)/)
        next # a system header
    folder = folder_of(FILENAME)
    if (quoted && name !~ /\// && folder ~ /^(examples|tests)\//)
        next # a program's own header, beside it
    if (folder == "")
        complain("is in no folder that the design knows")
    else if (quoted && name != "config.h" && name !~ /\//)
        complain("is not written from the root")
    else if (name !~ may[folder])
        complain("is not for " folder)
}

function complain(what) {
    printf "%s:%d: #include of %s %s\n", FILENAME, FNR, name, what
    bad = 1
}

END { exit bad }
