#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The layers of src/ hold, and scripts/check-layers would notice if they
# didn't: it is shown small trees with one fault each. Speaks TAP.

set -u
check=$HAWSER_SOURCE_DIR/scripts/check-layers
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
number=0
failed=0

ok()
{
	number=$((number + 1))
	echo "ok $number - $1"
}

not_ok()
{
	number=$((number + 1))
	failed=1
	echo "not ok $number - $1"
}

# fresh: a tree that holds to the layers.
fresh()
{
	rm -rf "$tree/src"
	for folder in base ipc config ssh supervisor worker cli; do
		mkdir -p "$tree/src/$folder"
		echo '#include <stdio.h>' >"$tree/src/$folder/a.h"
	done
	cat >"$tree/src/worker/b.c" <<-END
	#include "worker/b.h"
	#include "worker/a.h"
	#include "ssh/a.h"
	#include "ipc/a.h"
	#include "base/a.h"
	END
}

# refused NAME FILE LINE COMPLAINT: with LINE in FILE the check fails, and
# says COMPLAINT with the file's name.
refused()
{
	fresh
	echo "$3" >>"$tree/src/$2"
	if out=$("$check" "$tree"); then
		not_ok "$1"
	elif echo "$out" | grep -F "$2" | grep -qF "$4"; then
		ok "$1"
	else
		not_ok "$1"
		echo "$out" | sed 's/^/# /'
	fi
}

if out=$("$check" "$HAWSER_SOURCE_DIR"); then
	ok "the source tree holds to the layers"
else
	not_ok "the source tree holds to the layers"
	echo "$out" | grep -v '^ok ' | sed 's/^/# /'
fi

fresh
if "$check" "$tree" >"$tree/out"; then
	ok "a right tree passes"
else
	not_ok "a right tree passes"
	sed 's/^/# /' "$tree/out"
fi

refused "base may not include upwards" base/log.c \
    '#include "ipc/a.h"' 'base may not include ipc'
refused "ipc may not include upwards" ipc/fact.c \
    '#  include "ssh/a.h"' 'ipc may not include ssh'
refused "ssh may not include sideways" ssh/tap.c \
    '#include "config/a.h"' 'ssh may not include config'
refused "the worker has no configuration" worker/dial.h \
    '#include "config/a.h"' 'worker may not include config'
refused "the supervisor has no ssh" supervisor/host.c \
    '#include "ssh/a.h"' 'supervisor may not include ssh'
refused "the cli doesn't know the messages" cli/table.c \
    '#include "ipc/a.h"' 'cli may not include ipc'
refused "an include is written from src" worker/socks.c \
    '#include "b.h"' 'not written from src/'
refused "an include doesn't climb" worker/socks.c \
    '#include "../ssh/a.h"' 'not written from src/'
refused "only ssh includes libssh2" worker/socks.c \
    '#include <libssh2.h>' 'is only for ssh'
fresh
echo '#include "worker/b.h"' >"$tree/src/worker/a.h"
if "$check" "$tree" >"$tree/out"; then
	ok "a header of two rooms passes"
else
	not_ok "a header of two rooms passes"
fi

fresh
mkdir "$tree/src/util"
echo '#include <stdio.h>' >"$tree/src/util/x.c"
if "$check" "$tree" >"$tree/out"; then
	not_ok "a folder without a place is refused"
else
	ok "a folder without a place is refused"
fi

fresh
echo '#include "worker/b.h"' >"$tree/src/worker/a.c"
if "$check" "$tree" >"$tree/out"; then
	not_ok "two rooms that include each other are refused"
else
	ok "two rooms that include each other are refused"
fi

echo "1..$number"
exit $failed
