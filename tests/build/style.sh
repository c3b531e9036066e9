#!/bin/sh
# SPDX-License-Identifier: ISC
#
# The source tree keeps the measurable part of the style, and
# scripts/check-style would notice if it didn't. Speaks TAP.

set -u
check=$HAWSER_SOURCE_DIR/scripts/check-style
tree=$(mktemp -d) || exit 1
trap 'rm -rf "$tree"' EXIT
file=$tree/src/base/a.c
mkdir -p "$tree/src/base" "$tree/scripts"

"$check" "$HAWSER_SOURCE_DIR" | grep -v '^1\.\.'
number=$("$check" "$HAWSER_SOURCE_DIR" | sed -n 's/^1\.\.//p')

# verdict NAME PASSED: one line of TAP.
verdict()
{
	number=$((number + 1))
	if [ "$2" = yes ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		sed 's/^/# /' "$tree/out"
	fi
}

right()
{
	printf '/* SPDX-License-Identifier: ISC */\n\nint\nf(void)\n{\n\treturn 0;\n}\n' \
	    >"$file"
}

# refused NAME: the tree as it is now fails by the file's name.
refused()
{
	if ! "$check" "$tree" >"$tree/out" && grep -q '^# src/base/a.c:' "$tree/out"
	then
		verdict "refused: $1" yes
	else
		verdict "refused: $1" no
	fi
}

right
if "$check" "$tree" >"$tree/out"; then
	verdict "a right file passes" yes
else
	verdict "a right file passes" no
fi
echo 'int x;' >"$file"
refused "no licence"
right
printf '\tint %076d;\n' 0 >>"$file"
refused "a wide line"
right
echo '        int x;' >>"$file"
refused "blanks that indent"
right
echo 'int x; ' >>"$file"
refused "a blank at the end"
right
seq 600 | sed 's/.*/int x&;/' >>"$file"
refused "a long file"
right
{ printf 'void\ng(void)\n{\n'; seq 81 | sed 's/.*/\tx();/'; echo '}'; } >>"$file"
refused "a long function"
right
echo 'typedef struct a a;' >>"$file"
refused "a struct behind a typedef"
right
# In two parts, or this file would be a promise itself.
printf '/* %s: later. */\n' 'TO''DO' >>"$file"
refused "a promise"

echo "1..$number"
