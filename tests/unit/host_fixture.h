/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_HOST_FIXTURE_H
#define HAWSER_TESTS_HOST_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "supervisor/host.h"

/*
 * host_fixture: a host table with real processes, for tests that are their own
 * worker: see own_worker.h.
 */

struct fixture {
	struct event_base *base;
	struct budget *budget;
	struct resolver *resolver;
	struct notices *notices;
	struct host_table *table;
	struct config config;		/* in force */
	bool stopped;
};

/* For cmocka: *state is the fixture. */
int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* All tests of a program that may be its own worker; its exit code. */
#define FIXTURE_MAIN(argc, argv, tests) \
	(fixture_is_worker((argc), (argv)) ? own_worker_main() : \
	cmocka_run_group_tests((tests), NULL, NULL))
bool fixture_is_worker(int argc, char **argv);

#define TEST(f) \
	cmocka_unit_test_setup_teardown(f, fixture_set_up, fixture_tear_down)

/* A host of the table; its User is what its worker does. */
#define HOST(name_, user_)						\
	{ .name = (char *)(name_), .hostname = (char *)"127.0.0.1",	\
	    .port = 22, .user = (char *)(user_), .agent = (char *)"",	\
	    .bind_address = (char *)"", .bind_interface = (char *)"",	\
	    .host_key_alias = (char *)"",				\
	    .passphrase_command = (char *)"", .takeover = (char *)"",	\
	    .on_change = (char *)"",					\
	    .connect_timeout_s = 10,					\
	    .alive_count_max = 3, .enabled = true,			\
	    .backoff_min_ms = 3600000, .backoff_max_ms = 3600000,	\
	    .stable_ms = 60000, .hold_ms = 30000, .drain_ms = 1000 }

/* These hosts become the model: the array must live until the next. */
void apply(struct fixture *, struct host *, size_t count);

/*
 * A field of a host, or of its first forward, as a JSON text: borrowed, valid
 * until the next call.
 */
const char *field(struct fixture *, const char *name, const char *key);
const char *forward_field(struct fixture *, const char *name,
    const char *key);

/* Turns the loop until field() or forward_field() gives want; 20 s at most. */
void wait_field(struct fixture *, const char *(*get)(struct fixture *,
    const char *, const char *), const char *name, const char *key,
    const char *want);
void wait_state(struct fixture *, const char *name, const char *want);

uint16_t free_port(void);

/* Does somebody listen at this port of 127.0.0.1? */
bool accepts(uint16_t port);

/* L:test from port to localhost:80; R:9 to localhost:80. */
struct forward local(uint16_t port);
struct forward remote(void);

#endif
