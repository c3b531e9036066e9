#!/bin/sh
# SPDX-License-Identifier: ISC
#
# What the three programs are linked of: no SSH in the supervisor, no
# configuration in the worker, and the hardening that the linker was asked for.
# Speaks TAP.

set -u
export LC_ALL=C
cd "$HAWSER_BUILD_DIR" || exit 1
number=0
failed=0
# The folder for what a check has seen.
seen=$(mktemp -d) || exit 1
trap 'rm -rf "$seen"' EXIT

# result NAME: ok if $seen/bad is empty.
result()
{
	number=$((number + 1))
	if [ -s "$seen/bad" ]; then
		failed=1
		echo "not ok $number - $1"
		head -n 20 "$seen/bad" | sed 's/^/# /'
	else
		echo "ok $number - $1"
	fi
}

# defines FILE: the global symbols that a library or program defines.
defines()
{
	nm --defined-only --extern-only "$1" 2>/dev/null |
	    awk 'NF == 3 && $2 != "U" { print $3 }' | sort -u
}

# without PROGRAM LIBRARY: PROGRAM contains nothing of LIBRARY.
without()
{
	defines "$1" >"$seen/program"
	defines "$2" >"$seen/library"
	if [ -s "$seen/program" ] && [ -f "$2" ]; then
		comm -12 "$seen/program" "$seen/library" >"$seen/bad"
	else
		echo "no symbols to compare" >"$seen/bad"
	fi
	result "$1 contains nothing of ${2##*/}"
}

# needs_no PROGRAM PATTERN: no shared library of that name, not even through
# another one.
needs_no()
{
	ldd "$1" 2>&1 | grep -E "$2|not found|not a dynamic" >"$seen/bad"
	result "$1 loads no library like $2"
}

# elf PROGRAM WHAT READELF-OPTION PATTERN: readelf's output has the pattern.
elf()
{
	if readelf -W "$3" "$1" 2>&1 | grep -qE "$4"; then
		: >"$seen/bad"
	else
		readelf -W "$3" "$1" >"$seen/bad" 2>&1
	fi
	result "$1 $2"
}

without hawserd libhawser_ssh.a
without hawserd "$LIBSSH2_DIR/src/.libs/libssh2.a"
without hawserd libhawser_worker.a
without hawser-worker libhawser_config.a
without hawser-worker libhawser_supervisor.a
without hawser libhawser_supervisor.a

# Not libssh2 for hawser: libcurl, which it uses, brings the system's copy.
needs_no hawserd 'libssh2|libcurl|libssl'
needs_no hawser-worker 'libssh2|libcurl|libyaml|libinih|libmicrohttpd'
needs_no hawser 'libmicrohttpd|libevent'

for program in hawserd hawser-worker hawser; do
	elf $program "is position independent" -h 'Type: *DYN'
	elf $program "has read-only relocations" -l 'GNU_RELRO'
	elf $program "is bound at start" -d 'BIND_NOW|FLAGS_1.*NOW'
	elf $program "has no executable stack" -l 'GNU_STACK.* RW '
done

echo "1..$number"
exit $failed
