# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# need.sh - sourced by quickstart.sh and tests/run.sh: which Debian packages are
# missing, told by what they bring (a compiler from elsewhere is as good), and their
# installation.  POSIX sh.
#   PROGRAM     name for messages;  NO_INSTALL=1: refuse, and list what is missing

missing=''

die() {
    printf '%s: %s\n' "$PROGRAM" "$*" >&2
    exit 1
}

# need PACKAGE TEST...: note the package unless the command TEST succeeds.
need() {
    need_package=$1
    shift
    "$@" >/dev/null 2>&1 </dev/null || missing="$missing $need_package"
}

has() {
    command -v "$1"
}

has_header() { # header, with its prerequisites before it
    for header in "$@"; do printf '#include <%s>\n' "$header"; done | ${CC:-cc} -E -o /dev/null -
}

has_library() { # symbol, flags of the linker
    symbol=$1
    shift
    has_tmp=$(mktemp -d) || return 1
    printf 'char %s(void); int main(void) { return %s(); }\n' "$symbol" "$symbol" >"$has_tmp/a.c"
    ${CC:-cc} -w -fno-builtin -o "$has_tmp/a" "$has_tmp/a.c" "$@"
    set -- $?
    rm -rf "$has_tmp"
    return "$1"
}

has_compiler() { # CC may be several words, as "ccache gcc"
    ${CC:-cc} -E -x c /dev/null
}

need_compiler() {
    need gcc has_compiler
    need libc6-dev has_header stdlib.h
    need make has make
}

install_missing() {
    [ -n "$missing" ] || return 0
    [ "${NO_INSTALL-0}" = 0 ] || die "missing packages (nothing was installed):$missing"
    command -v apt-get >/dev/null 2>&1 ||
        die "no apt-get on this system; please install what these Debian packages hold:$missing"
    as_root=''
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null 2>&1 ||
            die "not root, and no sudo; as root: apt-get install$missing"
        as_root=sudo
    fi
    printf '%s: installing%s\n' "$PROGRAM" "$missing"
    need_log=$(mktemp)
    # Package lists may be absent (a fresh system) or old (404): then once more with new ones.
    # shellcheck disable=SC2086 # a list of words
    if ! apt_get install $missing && { ! apt_get update || ! apt_get install $missing; }; then
        tail -n 2 "$need_log" >&2
        rm -f "$need_log"
        die "apt-get could not install$missing (offline?); the reason is above"
    fi
    rm -f "$need_log"
    missing=''
}

apt_get() {
    # A new machine may be at its own updates: wait for them.
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=2 "$@" >"$need_log" 2>&1 </dev/null
}
