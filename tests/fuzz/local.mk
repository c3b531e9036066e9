# SPDX-License-Identifier: ISC
#
# Fuzzers are built by `CC=clang ./configure --enable-fuzzers`. The pattern:
#
#	fuzzers += tests/fuzz/fuzz_sshconf
#	tests_fuzz_fuzz_sshconf_SOURCES = tests/fuzz/fuzz_sshconf.c
#	tests_fuzz_fuzz_sshconf_LDADD = $(HAWSER_CONFIG_LIBS)
#	tests_fuzz_fuzz_sshconf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#
# The folder tests/fuzz/fuzz_sshconf.corpus, if there is one, holds its seeds.

fuzzers =
if FUZZERS
noinst_PROGRAMS += $(fuzzers)
endif
