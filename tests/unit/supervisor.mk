# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_api
tests_unit_test_api_SOURCES = tests/unit/test_api.c
tests_unit_test_api_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_api_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_availability
tests_unit_test_availability_SOURCES = tests/unit/test_availability.c
tests_unit_test_availability_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_availability_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_budget
tests_unit_test_budget_SOURCES = tests/unit/test_budget.c
tests_unit_test_budget_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_budget_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_chain
tests_unit_test_chain_SOURCES = tests/unit/test_chain.c
tests_unit_test_chain_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_chain_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_child
tests_unit_test_child_SOURCES = tests/unit/test_child.c
tests_unit_test_child_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_child_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_event_stream
tests_unit_test_event_stream_SOURCES = tests/unit/test_event_stream.c
tests_unit_test_event_stream_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_event_stream_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_filewatch
tests_unit_test_filewatch_SOURCES = tests/unit/test_filewatch.c
tests_unit_test_filewatch_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_filewatch_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_hostkeys
tests_unit_test_hostkeys_SOURCES = tests/unit/test_hostkeys.c
tests_unit_test_hostkeys_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_hostkeys_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_speech
tests_unit_test_speech_SOURCES = tests/unit/test_speech.c
tests_unit_test_speech_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_speech_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_hooks
tests_unit_test_hooks_SOURCES = tests/unit/test_hooks.c
tests_unit_test_hooks_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_hooks_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_host
tests_unit_test_host_SOURCES = tests/unit/test_host.c \
	tests/unit/host_fixture.c tests/unit/host_fixture.h \
	tests/unit/own_worker.c tests/unit/own_worker.h \
	tests/unit/wall_clock.c tests/unit/wall_clock.h
tests_unit_test_host_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_host_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_host_reload
tests_unit_test_host_reload_SOURCES = tests/unit/test_host_reload.c \
	tests/unit/host_fixture.c tests/unit/host_fixture.h \
	tests/unit/own_worker.c tests/unit/own_worker.h
tests_unit_test_host_reload_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_host_reload_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_host_fsm
tests_unit_test_host_fsm_SOURCES = tests/unit/test_host_fsm.c
tests_unit_test_host_fsm_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_host_fsm_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_inherit
tests_unit_test_inherit_SOURCES = tests/unit/test_inherit.c \
	tests/unit/manager.c tests/unit/manager.h
tests_unit_test_inherit_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_inherit_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_instance
tests_unit_test_instance_SOURCES = tests/unit/test_instance.c
tests_unit_test_instance_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_instance_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_ledger
tests_unit_test_ledger_SOURCES = tests/unit/test_ledger.c \
	tests/unit/only_child.c tests/unit/only_child.h \
	tests/unit/wall_clock.c tests/unit/wall_clock.h
tests_unit_test_ledger_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_ledger_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_ledger_db
tests_unit_test_ledger_db_SOURCES = tests/unit/test_ledger_db.c
tests_unit_test_ledger_db_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_ledger_db_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_ledger_watch
tests_unit_test_ledger_watch_SOURCES = tests/unit/test_ledger_watch.c \
	tests/unit/wall_clock.c tests/unit/wall_clock.h
tests_unit_test_ledger_watch_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_ledger_watch_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_uptime
tests_unit_test_uptime_SOURCES = tests/unit/test_uptime.c
tests_unit_test_uptime_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_uptime_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_listener
tests_unit_test_listener_SOURCES = tests/unit/test_listener.c
tests_unit_test_listener_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_listener_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_notice
tests_unit_test_notice_SOURCES = tests/unit/test_notice.c \
	tests/unit/host_fixture.c tests/unit/host_fixture.h \
	tests/unit/own_worker.c tests/unit/own_worker.h
tests_unit_test_notice_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_notice_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_notify
tests_unit_test_notify_SOURCES = tests/unit/test_notify.c \
	tests/unit/manager.c tests/unit/manager.h \
	tests/unit/host_fixture.c tests/unit/host_fixture.h \
	tests/unit/own_worker.c tests/unit/own_worker.h
tests_unit_test_notify_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_notify_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_openmetrics
tests_unit_test_openmetrics_SOURCES = tests/unit/test_openmetrics.c
tests_unit_test_openmetrics_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_openmetrics_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_netwatch
tests_unit_test_netwatch_SOURCES = tests/unit/test_netwatch.c
tests_unit_test_netwatch_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_netwatch_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_options
tests_unit_test_options_SOURCES = tests/unit/test_options.c
tests_unit_test_options_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_options_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_privs
tests_unit_test_privs_SOURCES = tests/unit/test_privs.c
tests_unit_test_privs_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_privs_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_proxy
tests_unit_test_proxy_SOURCES = tests/unit/test_proxy.c
tests_unit_test_proxy_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_proxy_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_pulse
tests_unit_test_pulse_SOURCES = tests/unit/test_pulse.c
tests_unit_test_pulse_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_pulse_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_resolver
tests_unit_test_resolver_SOURCES = tests/unit/test_resolver.c \
	tests/unit/only_child.c tests/unit/only_child.h
tests_unit_test_resolver_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_resolver_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_routes
tests_unit_test_routes_SOURCES = tests/unit/test_routes.c
tests_unit_test_routes_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_routes_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_secrets
tests_unit_test_secrets_SOURCES = tests/unit/test_secrets.c
tests_unit_test_secrets_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_secrets_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_schedule
tests_unit_test_schedule_SOURCES = tests/unit/test_schedule.c
tests_unit_test_schedule_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_schedule_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_worker_link
tests_unit_test_worker_link_SOURCES = tests/unit/test_worker_link.c
tests_unit_test_worker_link_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_worker_link_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)

EXTRA_DIST += tests/unit/golden/host_fsm.txt

unit_tests += tests/unit/test_worker_proc
tests_unit_test_worker_proc_SOURCES = tests/unit/test_worker_proc.c
tests_unit_test_worker_proc_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
tests_unit_test_worker_proc_LDADD = $(HAWSER_SUPERVISOR_LIBS) $(CMOCKA_LIBS)
