/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ipc/targets.h"

static const struct forward
local = { .kind = FORWARD_LOCAL, .target = { ENDPOINT_TCP, NULL, 1 } },
dynamic = { .kind = FORWARD_DYNAMIC },
web = { .kind = FORWARD_REMOTE, .target = { ENDPOINT_TCP, NULL, 80 } },
mail = { .kind = FORWARD_REMOTE, .target = { ENDPOINT_TCP, NULL, 25 } },
path = { .kind = FORWARD_REMOTE, .target = { ENDPOINT_UNIX, NULL, 0 } },
socks = { .kind = FORWARD_REMOTE_DYNAMIC };

/* There and back again. */
static void
pass(struct targets *t)
{
	struct targets out = { 0 };
	json_t *j = targets_encode(t);
	struct err err;

	assert_int_equal(targets_decode(j, &out, &err), 0);
	json_decref(j);
	targets_fini(t);
	*t = out;
}

static void
each_kind(void **state)
{
	struct targets t = { 0 };

	(void)state;
	targets_add(&t, &local);
	targets_add(&t, &dynamic);
	pass(&t);
	assert_true(targets_hold(&t, &local));
	assert_true(targets_hold(&t, &dynamic));
	assert_false(targets_hold(&t, &web));
	assert_false(targets_hold(&t, &path));
	assert_false(targets_hold(&t, &socks));
	targets_add(&t, &web);
	targets_add(&t, &web);
	pass(&t);
	assert_int_equal(t.port_count, 1);
	assert_true(targets_hold(&t, &web));
	assert_false(targets_hold(&t, &mail));
	targets_add(&t, &path);
	targets_add(&t, &socks);
	pass(&t);
	assert_true(targets_hold(&t, &mail));
	assert_true(targets_hold(&t, &path));
	assert_true(targets_hold(&t, &socks));
	targets_fini(&t);
}

static void
many_ports_are_any_port(void **state)
{
	struct targets t = { 0 };

	(void)state;
	for (int i = 1; i <= TARGETS_PORTS_MAX; i++)
		targets_add_port(&t, (uint16_t)i);
	assert_false(t.any_port);
	pass(&t);
	assert_int_equal(t.port_count, TARGETS_PORTS_MAX);
	targets_add_port(&t, 60000);
	assert_true(t.any_port);
	targets_fini(&t);
}

static void
bad_records(void **state)
{
	static const char *const texts[] = {
		"[]", "{}", "{\"any_port\":1,\"unix\":true,\"ports\":[]}",
		"{\"any_port\":true,\"unix\":true}",
		"{\"any_port\":false,\"unix\":true,\"ports\":[65536]}",
		"{\"any_port\":false,\"unix\":true,\"ports\":[\"1\"]}",
		"{\"any_port\":false,\"unix\":true,\"ports\":[-1]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct targets t = { 0 };
		json_t *j = json_loads(texts[i], 0, NULL);
		struct err err;

		assert_int_equal(targets_decode(j, &t, &err), -1);
		assert_int_equal(err.code, ERR_PROTOCOL);
		targets_fini(&t);
		json_decref(j);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind),
		cmocka_unit_test(many_ports_are_any_port),
		cmocka_unit_test(bad_records),
	};

	return cmocka_run_group_tests_name("targets", tests, NULL, NULL);
}
