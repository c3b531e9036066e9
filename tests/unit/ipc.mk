# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_targets
tests_unit_test_targets_SOURCES = tests/unit/test_targets.c
tests_unit_test_targets_CPPFLAGS = $(libhawser_ipc_a_CPPFLAGS)
tests_unit_test_targets_LDADD = $(HAWSER_IPC_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_order
tests_unit_test_order_SOURCES = tests/unit/test_order.c
tests_unit_test_order_CPPFLAGS = $(libhawser_ipc_a_CPPFLAGS)
tests_unit_test_order_LDADD = $(HAWSER_IPC_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_message
tests_unit_test_message_SOURCES = tests/unit/test_message.c
tests_unit_test_message_CPPFLAGS = $(libhawser_ipc_a_CPPFLAGS)
tests_unit_test_message_LDADD = $(HAWSER_IPC_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_secret
tests_unit_test_secret_SOURCES = tests/unit/test_secret.c
tests_unit_test_secret_CPPFLAGS = $(libhawser_ipc_a_CPPFLAGS)
tests_unit_test_secret_LDADD = $(HAWSER_IPC_LIBS) $(CMOCKA_LIBS)

# The small rooms of base and ipc: errors, clock, descriptors, names.
unit_tests += tests/unit/test_words
tests_unit_test_words_SOURCES = tests/unit/test_words.c
tests_unit_test_words_LDADD = $(HAWSER_IPC_LIBS) $(CMOCKA_LIBS)
