# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_api_call
tests_unit_test_api_call_SOURCES = tests/unit/test_api_call.c
tests_unit_test_api_call_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_api_call_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_args
tests_unit_test_args_SOURCES = tests/unit/test_args.c
tests_unit_test_args_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_check_json
tests_unit_test_check_json_SOURCES = tests/unit/test_check_json.c
tests_unit_test_check_json_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_check_json_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_commands
tests_unit_test_commands_SOURCES = tests/unit/test_commands.c
tests_unit_test_commands_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_event_line
tests_unit_test_event_line_SOURCES = tests/unit/test_event_line.c
tests_unit_test_event_line_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_event_line_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_wait_rule
tests_unit_test_wait_rule_SOURCES = tests/unit/test_wait_rule.c
tests_unit_test_wait_rule_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_wait_rule_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_history_table
tests_unit_test_history_table_SOURCES = tests/unit/test_history_table.c
tests_unit_test_history_table_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_history_table_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_status_table
tests_unit_test_status_table_SOURCES = tests/unit/test_status_table.c
tests_unit_test_status_table_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_status_table_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_table
tests_unit_test_table_SOURCES = tests/unit/test_table.c
tests_unit_test_table_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_text
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_units
tests_unit_test_units_SOURCES = tests/unit/test_units.c
tests_unit_test_units_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_manual
tests_unit_test_manual_SOURCES = tests/unit/test_manual.c
tests_unit_test_manual_CPPFLAGS = $(libhawser_cli_a_CPPFLAGS)
tests_unit_test_manual_LDADD = $(HAWSER_CLI_LIBS) $(CMOCKA_LIBS)
