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

# outside PROGRAM SOURCE: builds it against what was installed, as pkg-config describes it.
outside() {
    PKG_CONFIG_PATH=$(dirname "$(find "$at" -name stepwell.pc)")
    export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR="$at"
    # shellcheck disable=SC2046  # flags are words
    cc -std=c17 -Wall -Wextra -Wpedantic -Werror "$2" -o "$at/$1" $(pkg-config --cflags --libs stepwell)
}

# The version in the header, in the library and in what pkg-config says is one.
one_version() {
    cat >"$at/version.c" <<'END'
#include <stdio.h>
#include <string.h>
#include <stepwell/ledger.h>
#include <stepwell/version.h>
int main(void) { return puts(sw_version()) < 0 || strcmp(sw_version(), SW_VERSION) != 0; }
END
    outside version "$at/version.c" && "$at/version" >"$at/said" &&
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
installed lib/systemd/system/stepwell.service
installed man/man1/stepwell.1
installed bash-completion/completions/stepwell
installed zsh/site-functions/_stepwell
installed fish/vendor_completions.d/stepwell.fish
installed doc/stepwell/api.md
installed doc/stepwell/records.md
LD_LIBRARY_PATH=$(dirname "$(find "$at" -name libstepwell.so)")
export LD_LIBRARY_PATH
check 'header, library and pkg-config are of one version' one_version
for source in "$root"/examples/*.c; do
    name=$(basename "$source" .c)
    check "built outside: $name" outside "$name" "$source"
done
check 'a program built outside runs' "$at/record" "sqlite:$at/well.db"
done_testing
