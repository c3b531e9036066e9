# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_cli.a
libhawser_cli_a_SOURCES = \
	src/cli/api_call.c \
	src/cli/args.c \
	src/cli/check_json.c \
	src/cli/cmd_check.c \
	src/cli/cmd_control.c \
	src/cli/cmd_events.c \
	src/cli/cmd_history.c \
	src/cli/cmd_hostkey.c \
	src/cli/cmd_show.c \
	src/cli/cmd_status.c \
	src/cli/cmd_wait.c \
	src/cli/command.c \
	src/cli/commands.c \
	src/cli/complaints.c \
	src/cli/event_line.c \
	src/cli/field.c \
	src/cli/history_table.c \
	src/cli/json_print.c \
	src/cli/status_table.c \
	src/cli/table.c \
	src/cli/term.c \
	src/cli/text.c \
	src/cli/units.c \
	src/cli/wait_rule.c \
	src/cli/api_call.h \
	src/cli/args.h \
	src/cli/check_json.h \
	src/cli/cmd_check.h \
	src/cli/cmd_control.h \
	src/cli/cmd_events.h \
	src/cli/cmd_history.h \
	src/cli/cmd_hostkey.h \
	src/cli/cmd_show.h \
	src/cli/cmd_status.h \
	src/cli/cmd_wait.h \
	src/cli/command.h \
	src/cli/commands.h \
	src/cli/complaints.h \
	src/cli/event_line.h \
	src/cli/field.h \
	src/cli/history_table.h \
	src/cli/json_print.h \
	src/cli/status_table.h \
	src/cli/table.h \
	src/cli/term.h \
	src/cli/text.h \
	src/cli/units.h \
	src/cli/wait_rule.h
libhawser_cli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_CLI_LIBS = libhawser_cli.a $(HAWSER_CONFIG_LIBS) $(CURL_LIBS) \
	$(JANSSON_LIBS)

bin_PROGRAMS += hawser
hawser_SOURCES = src/cli/main.c
hawser_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
hawser_LDADD = $(HAWSER_CLI_LIBS)
