#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The examples do what they say, each as a process of its own on one file.
set -eu
root=$1 examples=$2
. "$root/tests/lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
store=sqlite:$work/well.db

# says TITLE WORDS FILE: the file holds these words.
says() {
    if grep -q "$2" "$3"; then
        ok "$1"
    else
        sed 's/^/# /' "$3"
        not_ok "$1"
    fi
}

"$examples/example-record" "$store" >"$work/first" 2>&1 || true
"$examples/example-record" "$store" >"$work/second" 2>&1 || true
says 'record: a step is recorded' '^recorded step-[0-9a-f-]*$' "$work/first"
check 'record: a second one is another' sh -c '! cmp -s "$0" "$1"' "$work/first" "$work/second"

step=$(sed 's/recorded //' "$work/first")
"$examples/example-follow" "$store" 100 >"$work/journal" 2>&1 || true
says 'follow: its creation' "created $step\$" "$work/journal"
says 'follow: its end' "succeeded $step\$" "$work/journal"

"$examples/example-usage" "$store" >"$work/usage" 2>&1 || true
# Twice 14 tokens at 0.15 and 7 at 0.60 dollars a million.
says 'usage: two steps, 42 tokens, what they cost' \
    '^gpt-4o-mini  *[0-9-]*  *2  *42  *0\.000012600  *0$' "$work/usage"

check 'a store that cannot be opened is an error' \
    sh -c '! "$0" "sqlite:$1/no/such/folder/well.db" 2>/dev/null' "$examples/example-record" "$work"
done_testing
