# SPDX-License-Identifier: ISC
#
# One test program per room, listed in the file of its folder. The pattern:
#
#	unit_tests += tests/unit/test_err
#	tests_unit_test_err_SOURCES = tests/unit/test_err.c
#	tests_unit_test_err_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)
#
# A test of ssh or worker adds
#	tests_unit_test_tap_LDFLAGS = $(HAWSER_SSH_LINK)
# and a test that includes a library's header adds
#	tests_unit_test_tap_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS)
# A program runs one group of tests (TAP knows one plan).

unit_tests =
if CMOCKA
include tests/unit/base.mk
include tests/unit/ipc.mk
include tests/unit/config.mk
include tests/unit/ssh.mk
include tests/unit/supervisor.mk
include tests/unit/worker.mk
include tests/unit/cli.mk
endif
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
