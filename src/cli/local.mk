# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_cli.a
libhawser_cli_a_SOURCES =
libhawser_cli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_CLI_LIBS = libhawser_cli.a $(HAWSER_CONFIG_LIBS) $(CURL_LIBS) \
	$(JANSSON_LIBS)

bin_PROGRAMS += hawser
hawser_SOURCES = src/cli/main.c
hawser_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
hawser_LDADD = $(HAWSER_CLI_LIBS)
