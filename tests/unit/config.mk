# SPDX-License-Identifier: ISC

unit_tests += \
	tests/unit/test_sshconf \
	tests/unit/test_fwdspec \
	tests/unit/test_value \
	tests/unit/test_expand \
	tests/unit/test_match \
	tests/unit/test_jump \
	tests/unit/test_load \
	tests/unit/test_plan
tests_unit_test_sshconf_SOURCES = tests/unit/test_sshconf.c
tests_unit_test_sshconf_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_fwdspec_SOURCES = tests/unit/test_fwdspec.c
tests_unit_test_fwdspec_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_value_SOURCES = tests/unit/test_value.c
tests_unit_test_value_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_expand_SOURCES = tests/unit/test_expand.c
tests_unit_test_expand_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_match_SOURCES = tests/unit/test_match.c
tests_unit_test_match_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_jump_SOURCES = tests/unit/test_jump.c
tests_unit_test_jump_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_jump_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_load_SOURCES = tests/unit/test_load.c \
	tests/unit/config_files.c tests/unit/config_files.h
tests_unit_test_load_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_load_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
tests_unit_test_plan_SOURCES = tests/unit/test_plan.c
tests_unit_test_plan_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
EXTRA_DIST += tests/unit/golden/plan.txt
tests_unit_test_plan_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_torn
tests_unit_test_torn_SOURCES = tests/unit/test_torn.c
tests_unit_test_torn_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_torn_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_settle
tests_unit_test_settle_SOURCES = tests/unit/test_settle.c
tests_unit_test_settle_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_settle_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_yamlconf
tests_unit_test_yamlconf_SOURCES = tests/unit/test_yamlconf.c
tests_unit_test_yamlconf_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_yamlconf_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_iniconf
tests_unit_test_iniconf_SOURCES = tests/unit/test_iniconf.c
tests_unit_test_iniconf_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_iniconf_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_sources
tests_unit_test_sources_SOURCES = tests/unit/test_sources.c \
	tests/unit/config_files.c tests/unit/config_files.h
tests_unit_test_sources_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_sources_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_round_trip
tests_unit_test_round_trip_SOURCES = tests/unit/test_round_trip.c
tests_unit_test_round_trip_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_round_trip_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_sense
tests_unit_test_sense_SOURCES = tests/unit/test_sense.c \
	tests/unit/config_files.c tests/unit/config_files.h
tests_unit_test_sense_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS) \
	-D_XOPEN_SOURCE=700
tests_unit_test_sense_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_assemble
tests_unit_test_assemble_SOURCES = tests/unit/test_assemble.c
tests_unit_test_assemble_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
tests_unit_test_assemble_LDADD = $(HAWSER_CONFIG_LIBS) $(CMOCKA_LIBS)
