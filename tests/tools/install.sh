#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `meson install` puts everything where it belongs, and a program outside this tree can be built with what
# pkg-config says about it.
set -eu
root=$1 build=$2
. "$root/tests/lib/tap.sh"
at=$(mktemp -d)
trap 'rm -rf "$at"' EXIT

installed() {
    check "installed: $1" test -n "$(find "$at" -path "*/$1")"
}

# Builds a program against what was installed, as pkg-config describes it.
build_outside() {
    PKG_CONFIG_PATH=$(dirname "$(find "$at" -name stepwell.pc)")
    export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$at"
    cat >"$at/outside.c" <<'END'
#include <stdio.h>
#include <stepwell/ledger.h>
#include <stepwell/version.h>
int main(void) { return puts(sw_version()) < 0 || strcmp(sw_version(), SW_VERSION) != 0; }
END
    # shellcheck disable=SC2046  # flags are words
    cc "$at/outside.c" -o "$at/outside" $(pkg-config --cflags --libs stepwell) &&
        LD_LIBRARY_PATH=$(dirname "$(find "$at" -name libstepwell.so)") "$at/outside" >"$at/said" &&
        pkg-config --modversion stepwell | cmp - "$at/said"
}

check 'meson install' env DESTDIR="$at" meson install -C "$build" --no-rebuild --quiet
for header in "$root"/include/stepwell/*.h "$build"/include/stepwell/*.h; do
    installed "include/stepwell/$(basename "$header")"
done
installed bin/stepwell
installed libstepwell.so
installed libstepwell.a
installed pkgconfig/stepwell.pc
installed man/man1/stepwell.1
installed doc/stepwell/records.md
check 'a program outside is built and runs' build_outside
done_testing
