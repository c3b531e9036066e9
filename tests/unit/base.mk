# SPDX-License-Identifier: ISC

unit_tests += tests/unit/test_base64
tests_unit_test_base64_SOURCES = tests/unit/test_base64.c
tests_unit_test_base64_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_caps
tests_unit_test_caps_SOURCES = tests/unit/test_caps.c
tests_unit_test_caps_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_sha256
tests_unit_test_sha256_SOURCES = tests/unit/test_sha256.c
tests_unit_test_sha256_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_log
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_log_json
tests_unit_test_log_json_SOURCES = tests/unit/test_log_json.c
tests_unit_test_log_json_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_spawn
tests_unit_test_spawn_SOURCES = tests/unit/test_spawn.c
tests_unit_test_spawn_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_str
tests_unit_test_str_SOURCES = tests/unit/test_str.c
tests_unit_test_str_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_endpoint
tests_unit_test_endpoint_SOURCES = tests/unit/test_endpoint.c
tests_unit_test_endpoint_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_episode
tests_unit_test_episode_SOURCES = tests/unit/test_episode.c
tests_unit_test_episode_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)

unit_tests += tests/unit/test_backoff
tests_unit_test_backoff_SOURCES = tests/unit/test_backoff.c
tests_unit_test_backoff_LDADD = $(HAWSER_BASE_LIBS) $(CMOCKA_LIBS)
