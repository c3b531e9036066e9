/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/resolver.h"
#include "supervisor/routes.h"

/* One host, which cannot start a worker, in a table that nobody turns. */

static struct routes_env env;
static unsigned rights = ROUTES_READ | ROUTES_WRITE;

static int
ask(const char *method, const char *path, json_t **body)
{
	struct routes_call call = { .env = &env, .rights = rights,
	    .method = method, .path = path };
	struct routes_reply reply = routes_answer(&call);

	assert_true((reply.body != NULL) != (reply.text != NULL));
	assert_int_equal(reply.type != NULL, reply.text != NULL);
	free(reply.text);
	assert_int_equal(reply.status == 405, reply.allow != NULL);
	if (reply.status >= 400 && reply.status != 503)
		assert_non_null(json_string_value(json_object_get(reply.body,
		    "error")));
	if (body != NULL)
		*body = reply.body;
	else
		json_decref(reply.body);
	routes_call_fini(&call);
	return reply.status;
}

static void
paths_and_methods(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/v1/status", 200 },
		{ "HEAD", "/v1/status", 200 },
		{ "POST", "/v1/status", 405 },
		{ "DELETE", "/v1/status", 405 },
		{ "GET", "/v1/history", 503 },
		{ "POST", "/v1/history", 405 },
		{ "GET", "/healthz", 200 },
		{ "GET", "/readyz", 503 },
		{ "GET", "/metrics", 200 },
		{ "POST", "/metrics", 405 },
		{ "GET", "/v1/hosts/a", 200 },
		{ "GET", "/v1/hosts/b", 404 },
		{ "GET", "/v1/hosts/", 404 },
		{ "GET", "/v1/hosts/a/", 404 },
		{ "GET", "/v1/hosts/a/b/c", 404 },
		{ "GET", "/v1/hosts/a/retry", 405 },
		{ "POST", "/v1/hosts/a/retry", 200 },
		{ "POST", "/v1/hosts/b/retry", 404 },
		{ "POST", "/v1/hosts/b/up", 404 },
		{ "POST", "/v1/hosts/b/down", 404 },
		{ "GET", "/v1/reload", 405 },
		{ "GET", "/", 404 },
		{ "GET", "", 404 },
		{ "GET", "/v1/status/", 404 },
		{ "GET", "/V1/STATUS", 404 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ask(rows[i].method, rows[i].path, NULL),
		    rows[i].status);
}

/* A listener that anybody reaches serves what changes nothing. */
static void
who_may_only_read(void **state)
{
	static const struct {
		const char *method, *path;
		int status;
	} rows[] = {
		{ "GET", "/v1/status", 200 },
		{ "HEAD", "/healthz", 200 },
		{ "GET", "/v1/hosts/a", 200 },
		{ "GET", "/v1/hosts/a/hostkey", 200 },
		{ "POST", "/v1/reload", 403 },
		{ "POST", "/v1/hosts/a/retry", 403 },
		{ "POST", "/v1/hosts/a/up", 403 },
		{ "POST", "/v1/hosts/a/down", 403 },
		{ "POST", "/v1/hosts/a/hostkey", 403 },
		{ "POST", "/v1/status", 405 },
		{ "POST", "/v1/nowhere", 404 },
	};

	(void)state;
	rights = ROUTES_READ;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ask(rows[i].method, rows[i].path, NULL),
		    rows[i].status);
	rights = 0;
	assert_int_equal(ask("GET", "/healthz", NULL), 403);
	rights = ROUTES_READ | ROUTES_WRITE;
}

static void
assert_state(json_t *host, const char *want)
{
	assert_string_equal(json_string_value(json_object_get(host, "state")),
	    want);
	json_decref(host);
}

static void
down_and_up(void **state)
{
	json_t *host;

	(void)state;
	assert_int_equal(ask("POST", "/v1/hosts/a/down", &host), 200);
	assert_state(host, "disabled");
	assert_int_equal(ask("GET", "/readyz", NULL), 503);
	assert_int_equal(ask("POST", "/v1/hosts/a/up", &host), 200);
	assert_state(host, "waiting");
}

static void
readiness_names_who_is_missing(void **state)
{
	json_t *body;

	(void)state;
	assert_int_equal(ask("GET", "/readyz", &body), 503);
	assert_true(json_is_false(json_object_get(body, "ready")));
	assert_string_equal(json_string_value(json_array_get(
	    json_object_get(body, "waiting_for"), 0)), "a");
	json_decref(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_and_methods),
		cmocka_unit_test(who_may_only_read),
		cmocka_unit_test(down_and_up),
		cmocka_unit_test(readiness_names_who_is_missing),
	};
	struct host h = { .name = (char *)"a", .hostname = (char *)"localhost",
	    .port = 22, .user = (char *)"me", .enabled = true,
	    .backoff_min_ms = 1000, .backoff_max_ms = 1000 };
	struct config config = { .hosts = &h, .host_count = 1 };
	struct event_base *base = event_base_new();
	struct budget *budget = budget_new(BUDGET_PLACES);
	struct resolver *resolver = resolver_new(base);
	struct plan *plan = plan_make(NULL, &config);
	int rc;

	log_setup(LOG_ERROR, "test");
	env.table = host_table_new(&(struct host_env){ .base = base,
	    .budget = budget, .resolver = resolver,
	    .worker = { "/nowhere", -1, NULL } });
	env.reload = reload_new(base, env.table,
	    &(struct config_source){ .dir = "/nowhere" }, NULL);
	host_table_apply(env.table, plan, &config);
	plan_free(plan);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	host_table_free(env.table);
	reload_free(env.reload);
	resolver_free(resolver);
	budget_free(budget);
	event_base_free(base);
	return rc;
}
