/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "cli/check_json.h"

static struct forward forwards[] = {
	{ .id = (char *)"L:8080", .kind = FORWARD_LOCAL,
	    .listen = { ENDPOINT_TCP, NULL, 8080 },
	    .target = { ENDPOINT_TCP, (char *)"::1", 80 } },
	{ .id = (char *)"D:*:1080", .kind = FORWARD_DYNAMIC,
	    .listen = { ENDPOINT_TCP, (char *)"*", 1080 } },
};
static struct origin origins[] = {
	{ (char *)"/c/a.conf", 3, 0 }, { (char *)"/c/b.yaml", 4, 7 },
};
static struct host host = {
	.name = (char *)"vps", .file = (char *)"/c/a.conf", .line = 1,
	.hostname = (char *)"vps.example", .port = 22,
	.user = (char *)"caf\xe9", .enabled = true,
	.forwards = forwards, .forward_origins = origins, .forward_count = 2,
};
static struct diagnostic diagnostics[] = {
	{ SEVERITY_WARNING, (char *)"/c/a.conf", 2, 0, (char *)"doubtful" },
	{ SEVERITY_ERROR, NULL, 0, 0, (char *)"wrong" },
};

static void
expect(const struct config *c, const char *wanted)
{
	json_t *j = check_json(c);
	char *text = json_dumps(j, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(j);
}

static void
says_everything(void **state)
{
	struct config c = { .hosts = &host, .host_count = 1,
	    .diagnostics = diagnostics, .diagnostic_count = 2 };

	(void)state;
	expect(&c, "{\"ok\":false,\"hosts\":[{\"name\":\"vps\","
	    "\"file\":\"/c/a.conf\",\"line\":1,\"enabled\":true,"
	    "\"hostname\":\"vps.example\",\"port\":22,\"user\":\"caf?\","
	    "\"forwards\":[{\"id\":\"L:8080\",\"kind\":\"local\","
	    "\"listen\":\"8080\",\"target\":\"[::1]:80\","
	    "\"file\":\"/c/a.conf\",\"line\":3,\"column\":0},"
	    "{\"id\":\"D:*:1080\",\"kind\":\"dynamic\","
	    "\"listen\":\"*:1080\",\"target\":null,"
	    "\"file\":\"/c/b.yaml\",\"line\":4,\"column\":7}]}],"
	    "\"diagnostics\":[{\"severity\":\"warning\","
	    "\"file\":\"/c/a.conf\",\"line\":2,\"column\":0,"
	    "\"text\":\"doubtful\"},{\"severity\":\"error\",\"file\":null,"
	    "\"line\":0,\"column\":0,\"text\":\"wrong\"}]}");
}

static void
is_fine_without_an_error(void **state)
{
	struct config c = { .diagnostics = diagnostics,
	    .diagnostic_count = 1 };
	struct config nothing = { 0 };
	json_t *j = check_json(&c);

	(void)state;
	assert_true(json_is_true(json_object_get(j, "ok")));
	json_decref(j);
	expect(&nothing, "{\"ok\":true,\"hosts\":[],\"diagnostics\":[]}");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_everything),
		cmocka_unit_test(is_fine_without_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
