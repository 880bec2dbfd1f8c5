#!/bin/sh
# SPDX-License-Identifier: MIT
# A PostgreSQL server for one test; sourced, in the root of the sources.  It listens on a unix socket
# in $tmp only, runs as an unprivileged user, and goes with $tmp at the end.
#   SERVER_PRELOAD   the runtime of a sanitizer, for the server
PG_CONFIG=${PG_CONFIG-pg_config}
bin=$("$PG_CONFIG" --bindir 2>/dev/null) || { echo 'skipped: no pg_config (Debian: postgresql-server-dev-15)'; exit 77; }
[ -e "$("$PG_CONFIG" --pgxs)" ] || { echo 'skipped: no PGXS (Debian: postgresql-server-dev-15)'; exit 77; }
[ -x "$bin/initdb" ] || { echo 'skipped: no server (Debian: postgresql-15)'; exit 77; }

as_user() { # the server refuses to run as root
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups "$@"
    else
        "$@"
    fi
}
if [ "$(id -u)" = 0 ] && ! as_user true 2>/dev/null; then
    echo 'skipped: as root it wants a user postgres, and setpriv'
    exit 77
fi

umask 022
tmp=$(mktemp -d)
chmod 755 "$tmp"
mkdir "$tmp/server" "$tmp/socket" "$tmp/models"
[ "$(id -u)" != 0 ] || chown postgres "$tmp/server" "$tmp/socket"
export PGHOST="$tmp/socket" PGUSER=postgres PGDATABASE=postgres PGOPTIONS='' PGPORT=5432 LC_ALL=C.UTF-8
unset PGSERVICE PGSSLMODE PGPASSFILE

place() { # folder, name: where the server's user can read it
    if as_user test -r "$1/config.json"; then
        ln -s "$1" "$tmp/models/$2"
    else
        cp -rL "$1" "$tmp/models/$2" && chmod -R a+rX "$tmp/models/$2"
    fi
}
stop_server() {
    [ ! -e "$tmp/server/data/postmaster.pid" ] || (cd "$tmp" && as_user "$bin/pg_ctl" -s -D "$tmp/server/data" -m immediate stop)
    rm -rf "$tmp"
}
trap stop_server EXIT
trap 'exit 1' HUP INT TERM

start_server() {
    (cd "$tmp" && as_user ${SERVER_PRELOAD:+env LD_PRELOAD="$SERVER_PRELOAD"} "$bin/pg_ctl" -s -w -t 120 -D "$tmp/server/data" -l "$tmp/server/log" start)
}
make_server() { # settings
    (cd "$tmp" && as_user "$bin/initdb" -N -A trust -U postgres -E UTF8 --locale=C.UTF-8 -D "$tmp/server/data" >"$tmp/initdb.log" 2>&1) || {
        cat "$tmp/initdb.log"
        exit 1
    }
    cat >>"$tmp/server/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$tmp/socket'
fsync = off
log_min_messages = log
$1
CONF
    start_server || { cat "$tmp/server/log"; exit 1; }
}
sql() { # SQL; both streams
    psql -X -q -A -t -v ON_ERROR_STOP=1 -v VERBOSITY=verbose 2>&1 <<SQL
$1
SQL
}
