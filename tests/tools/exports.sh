#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shared library exports the functions that the public headers declare with SW_API, and nothing else.
set -eu
root=$1 build=$2 library=$3
. "$root/tests/lib/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

nm -D --defined-only "$library" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort >"$work/exported"
cat "$root"/include/stepwell/*.h "$build"/include/stepwell/*.h |
    sed '/^#/d' | tr '\n' ' ' | grep -o 'SW_API [^;]*;' |
    sed 's/ *(.*//; s/.*[ *]//' | sort -u >"$work/declared"

# within TITLE A B: nothing is in A that is not in B.
within() {
    comm -23 "$2" "$3" >"$work/extra"
    sed 's/^/# /' "$work/extra"
    check "$1" test ! -s "$work/extra"
}

check 'the headers declare something' test -s "$work/declared"
within 'every exported symbol is declared' "$work/exported" "$work/declared"
within 'every declared function is exported' "$work/declared" "$work/exported"
done_testing
