# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_ask_secret
tests_unit_test_ask_secret_SOURCES = tests/unit/test_ask_secret.c
tests_unit_test_ask_secret_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_ask_secret_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_ask_secret_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_host_keys
tests_unit_test_host_keys_SOURCES = tests/unit/test_host_keys.c $(fake_peer)
tests_unit_test_host_keys_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS) \
	$(CRYPTO_CFLAGS)
tests_unit_test_host_keys_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_host_keys_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_onward
tests_unit_test_onward_SOURCES = tests/unit/test_onward.c
tests_unit_test_onward_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_onward_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_onward_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_ping
tests_unit_test_ping_SOURCES = tests/unit/test_ping.c \
	tests/unit/wall_clock.c tests/unit/wall_clock.h
tests_unit_test_ping_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_ping_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_ping_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_proof
tests_unit_test_proof_SOURCES = tests/unit/test_proof.c $(fake_peer)
tests_unit_test_proof_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_proof_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_proof_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_relay
tests_unit_test_relay_SOURCES = tests/unit/test_relay.c
tests_unit_test_relay_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_relay_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_relay_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_report
tests_unit_test_report_SOURCES = tests/unit/test_report.c
tests_unit_test_report_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_report_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_report_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_socks
tests_unit_test_socks_SOURCES = tests/unit/test_socks.c
tests_unit_test_socks_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_socks_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_sandbox
tests_unit_test_sandbox_SOURCES = tests/unit/test_sandbox.c
tests_unit_test_sandbox_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_sandbox_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_sandbox_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_bind_truth
tests_unit_test_bind_truth_SOURCES = tests/unit/test_bind_truth.c
tests_unit_test_bind_truth_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_bind_truth_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_proxy_header
tests_unit_test_proxy_header_SOURCES = tests/unit/test_proxy_header.c
tests_unit_test_proxy_header_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_proxy_header_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_visit
tests_unit_test_visit_SOURCES = tests/unit/test_visit.c
tests_unit_test_visit_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
tests_unit_test_visit_LDADD = $(HAWSER_WORKER_LIBS) $(CMOCKA_LIBS)
tests_unit_test_visit_LDFLAGS = $(HAWSER_SSH_LINK)
