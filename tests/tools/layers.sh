#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/layers is quiet about this tree and says one sentence for each offence in a bad one.
set -eu
root=$1
. "$root/tests/lib/tap.sh"
bad=$(mktemp -d)
trap 'rm -rf "$bad"' EXIT

# room NAME LINE: a file in a room of the bad tree.
room() {
    mkdir -p "$bad/src/$1"
    printf '/* a file */\n%s\n' "$2" >"$bad/src/$1/file.c"
}

# refuses TITLE SENTENCE: the bad tree is refused, and one sentence holds these words.
refuses() {
    code=0
    "$root/tools/layers" "$bad" >"$bad/said" || code=$?
    if [ "$code" -ne 0 ] && grep -qF "$2" "$bad/said" && [ "$(wc -l <"$bad/said")" -eq 1 ]; then
        ok "$1"
    else
        sed 's/^/# /' "$bad/said"
        not_ok "$1"
    fi
    rm -rf "$bad/src"
}

check 'this tree keeps its order' "$root/tools/layers" "$root"

room base '#include "store/store.h"'
refuses 'a room above' 'src/base/file.c:2 includes "store/store.h", but base may not know store.'
room codec '#  include "store/store.h"'
refuses 'a room beside' 'codec may not know store'
room store '#include "ledger/internal.h" /* why */'
refuses 'the store does not know the ledger' 'store may not know ledger'
room base '#include "../ledger/internal.h"'
refuses 'a way around' 'by a way around the rooms'
room attic '#include "base/base.h"'
refuses 'a room without a row' 'src/attic/file.c stands in a room'

room ledger '#include "store/store.h"
#include <sqlite3.h>
#include "stepwell/types.h"
#include "ledger/internal.h"
#include "internal.h"'
check 'what is allowed is allowed' "$root/tools/layers" "$bad"
room base '#include "model/status.def"'
check 'rows are open to all' "$root/tools/layers" "$bad"
done_testing
