# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_availability
tests_unit_test_availability_SOURCES = tests/unit/test_availability.c
tests_unit_test_availability_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_budget
tests_unit_test_budget_SOURCES = tests/unit/test_budget.c
tests_unit_test_budget_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_host_fsm
tests_unit_test_host_fsm_SOURCES = tests/unit/test_host_fsm.c
tests_unit_test_host_fsm_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_listener
tests_unit_test_listener_SOURCES = tests/unit/test_listener.c
tests_unit_test_listener_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_schedule
tests_unit_test_schedule_SOURCES = tests/unit/test_schedule.c
tests_unit_test_schedule_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

EXTRA_DIST += tests/unit/golden/host_fsm.txt
