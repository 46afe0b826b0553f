# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# For test scripts: `ok TITLE` and `not_ok TITLE` print a case each, `done_testing` the plan. `check TITLE
# COMMAND...` passes when the command succeeds; `skip TITLE REASON` says why a case was not tried.
cases=0 broken=0

ok() {
    cases=$((cases + 1))
    printf 'ok %d - %s\n' "$cases" "$1"
}

not_ok() {
    cases=$((cases + 1)) broken=$((broken + 1))
    printf 'not ok %d - %s\n' "$cases" "$1"
}

skip() {
    cases=$((cases + 1))
    printf 'ok %d - %s # SKIP %s\n' "$cases" "$1" "$2"
}

check() {
    title=$1
    shift
    if "$@"; then
        ok "$title"
    else
        not_ok "$title"
    fi
}

done_testing() {
    printf '1..%d\n' "$cases"
    exit "$((broken > 0))"
}
