# SPDX-License-Identifier: ISC
#
# `make check` runs the unit tests and the checks of the build itself. Each
# speaks TAP, so that every test case is counted.

LOG_DRIVER = $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
TEST_EXTENSIONS = .sh
SH_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/tap
SH_LOG_COMPILER = $(LOG_COMPILER)
EXTRA_DIST += tests/tap
AM_TESTS_ENVIRONMENT = \
	CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	HAWSER_SOURCE_DIR='$(abs_top_srcdir)'; export HAWSER_SOURCE_DIR; \
	HAWSER_BUILD_DIR='$(abs_top_builddir)'; export HAWSER_BUILD_DIR; \
	LIBSSH2_DIR='$(LIBSSH2_DIR)'; export LIBSSH2_DIR; \
	HAWSER_SANITIZED=$(HAWSER_SANITIZED); export HAWSER_SANITIZED;

if SANITIZERS
HAWSER_SANITIZED = 1
else
HAWSER_SANITIZED =
endif

include tests/build/local.mk
include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/e2e/local.mk
