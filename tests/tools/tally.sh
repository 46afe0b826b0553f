#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/tally counts cases as they are, and a program that dies early does not look like a success.
set -eu
root=$1
. "$root/tests/lib/tap.sh"
log=$(mktemp)
trap 'rm -f "$log" "$log.said"' EXIT

# program NAME RESULT LINES: adds a program to the log, as Meson writes it.
program() {
    cat >>"$log" <<END
=================================== 1/9 ====================================
test:         $1
start time:   10:00:00
duration:     0.01s
result:       $2
command:      x
----------------------------------- stdout -----------------------------------
$3
END
}

# counts TITLE CODE LINES: the log gives this exit code and ends in these lines.
counts() {
    code=0
    "$root/tools/tally" "$log" >"$log.said" || code=$?
    if [ "$code" -eq "$2" ] && [ "$(cat "$log.said")" = "$3" ]; then
        ok "$1"
    else
        sed 's/^/# /' "$log.said"
        not_ok "$1"
    fi
    : >"$log"
}

program a 'exit status 0' '1..2
ok 1 - first
ok 2 - second'
program b 'exit status 0' 'no plan, no cases'
counts 'cases, and a program without any' 0 '3 passed, 0 failed, 0 skipped'

program a 'exit status 1' '1..2
not ok 1 - first
# 1 != 2
ok 2 - second'
counts 'a failed case' 1 'failed: a: first
1 passed, 1 failed, 0 skipped'

program a 'killed by signal 11 SIGSEGV' '1..3
ok 1 - first'
counts 'a crash' 1 'failed: a: killed by signal 11 SIGSEGV after 1 of 3 cases
1 passed, 1 failed, 0 skipped'

program a 'exit status 0' '1..3
ok 1 - first'
counts 'an early end that claims success' 1 'failed: a: exit status 0 after 1 of 3 cases
1 passed, 1 failed, 0 skipped'

program a 'exit status 1' '1..1
ok 1 - first'
counts 'a leak found at exit' 1 'failed: a: exit status 1 after 1 of 1 cases
1 passed, 1 failed, 0 skipped'

program a 'exit status 0' '1..2
the folder is not there
not ok 1 # SKIP first
ok 2 - second # SKIP no such tool'
program b 'exit status 77' 'no network here'
counts 'skipped cases say why' 0 'skipped: a: first: the folder is not there
skipped: a: second: no such tool
skipped: b: no network here
0 passed, 0 failed, 3 skipped'

counts 'no test at all is no success' 1 '0 passed, 0 failed, 0 skipped'
done_testing
