#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./dev explains itself, refuses what it does not know, and with --no-install lists what is missing and
# installs nothing. A folder of small stand-ins plays a Debian without packages.
set -eu
root=$1
. "$root/tests/lib/tap.sh"
fake=$(mktemp -d)
trap 'rm -rf "$fake"' EXIT

printf '#!/bin/sh\nexit 1\n' >"$fake/dpkg-query"
printf '#!/bin/sh\necho "$@" >>"%s/installed"\nexit 1\n' "$fake" >"$fake/apt-get"
cp "$fake/apt-get" "$fake/sudo"
chmod +x "$fake/dpkg-query" "$fake/apt-get" "$fake/sudo"

# refuses TITLE WORDS COMMAND...: the command fails and says these words.
refuses() {
    title=$1 words=$2
    shift 2
    if ! "$@" >"$fake/said" 2>&1 && grep -qF -- "$words" "$fake/said"; then
        ok "$title"
    else
        sed 's/^/# /' "$fake/said"
        not_ok "$title"
    fi
}

check 'help explains the jobs' sh -c '"$0" help | grep -q "fuzz \[NAME\]"' "$root/dev"
refuses 'an unknown job' "there is no job 'dance'" "$root/dev" dance
refuses 'an unknown option' 'test does not know --slow' "$root/dev" test --slow
refuses 'missing packages are named' 'libsqlite3-dev: the embedded store' \
    env PATH="$fake:$PATH" "$root/dev" run --no-install
check 'run does not ask for what only tests need' sh -c '! grep -q cmocka "$0"' "$fake/said"
refuses 'a test needs more' 'libcmocka-dev' env PATH="$fake:$PATH" "$root/dev" test --no-install
printf '#!/bin/sh\n' >"$fake/npm"
chmod +x "$fake/npm"
refuses 'a package of which no program is there is asked for' 'libjansson-dev' \
    env PATH="$fake:$PATH" "$root/dev" test --no-install
check 'npm that came with node from elsewhere is not asked for again' \
    sh -c '! grep -q "^  npm:" "$0"' "$fake/said"
check '--no-install installs nothing' test ! -e "$fake/installed"
refuses 'without --no-install it installs' 'installing them' env PATH="$fake:$PATH" "$root/dev" run
check 'and refreshes the lists first' sh -c 'head -n 1 "$0" | grep -q "update"' "$fake/installed"

# Node as its makers pack it: it carries npm, and Debian's cannot be installed beside it.
printf '#!/bin/sh\ncase $1 in update) exit 0 ;; esac\necho "$@" >"%s/installed"\nexit 1\n' "$fake" >"$fake/apt-get"
printf '#!/bin/sh\nexec "$@"\n' >"$fake/sudo"
printf '#!/bin/sh\necho "Package: nodejs"\necho "Conflicts: nodejs-dev, nodejs-legacy, npm"\n' >"$fake/apt-cache"
chmod +x "$fake/apt-cache"
# Only what is there by its own name is not asked for, so neither node nor npm may be.
mkdir "$fake/bin"
rm "$fake/npm"
for tool in sh env sed sort grep dirname id tr cat rm mkdir printf; do
    ln -s "$(command -v $tool)" "$fake/bin/$tool"
done
env PATH="$fake:$fake/bin" "$root/dev" test >"$fake/said" 2>&1 || true
check 'node that carries npm is installed without it' \
    sh -c 'grep -q " nodejs" "$0" && ! grep -q " npm" "$0"' "$fake/installed"
rm "$fake/apt-cache"
printf '#!/bin/sh\necho "Package: nodejs"\necho "Depends: libc6"\n' >"$fake/apt-cache"
chmod +x "$fake/apt-cache"
env PATH="$fake:$fake/bin" "$root/dev" test >"$fake/said" 2>&1 || true
check 'and with it where it does not' sh -c 'grep -q " npm" "$0"' "$fake/installed"
done_testing
