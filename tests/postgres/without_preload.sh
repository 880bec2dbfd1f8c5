# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2154
# A server that loads the module when a backend first wants it; sourced by extension.sh, last.
restart_with() { # settings in place of the module's; rc
    [ ! -e "$tmp/server/data/postmaster.pid" ] || (cd "$tmp" && as_user "$bin/pg_ctl" -s -m fast -D "$tmp/server/data" stop)
    sed -i '/^shared_preload_libraries\|^bert\./d' "$tmp/server/data/postgresql.conf"
    echo "$1" >>"$tmp/server/data/postgresql.conf"
    start_server >/dev/null 2>&1
}
restart_with "bert.model_directory = '$tmp/models'"
gives 'a module that comes late' 'false|t' "SELECT bert_info('m')->'preloaded', bert_embed('m', 'a') IS NOT NULL;"
# Of a setting made before the module came, by one who may not.
is 'it is refused, with a warning' 1 "$(sql "$(app "SET bert.model_directory = '$tmp/secret'; SELECT bert_version();")" |
    grep -c 'WARNING: .*permission denied to set parameter "bert.model_directory"')"
is 'and the directory stays' 1 "$(sql "$(app "SET bert.model_directory = '$tmp/secret'; SELECT bert_embed('c', 'a') IS NOT NULL;")" | grep -c '^t$')"
restart_with "bert.model_directory = '$tmp/models'
bert.preload_models = 'm'"
is 'preloading without the module is told' 1 "$(sql "SELECT bert_version();" | grep -c 'WARNING: .*has no effect')"
for names in nope broken '../secret/m' 'm, "'; do
    if restart_with "shared_preload_libraries = 'bert'
bert.model_directory = '$tmp/models'
bert.preload_models = '$names'"; then
        is "no start with $names" 'no start' 'a start'
    else
        passed=$((passed + 1))
    fi
done
is 'the log says why' 1 "$(grep -c 'FATAL: .*could not load model "broken"' "$tmp/server/log")"
restart_with "shared_preload_libraries = 'bert'
bert.model_directory = '$tmp/models'
bert.preload_models = 'm'"
gives 'and with good ones it starts' 'true' "SELECT bert_info('m')->'preloaded';"
