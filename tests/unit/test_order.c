/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"
#include "ipc/hostkey.h"
#include "ipc/order.h"

static char *files[] = { (char *)"/a", (char *)"/b" };

static char *methods[] = { (char *)"publickey", (char *)"password" };

static const struct session_order sample = {
	.host = (char *)"web",
	.hostname = (char *)"web.example.net",
	.port = 2222,
	.user = (char *)"me",
	.identity_files = files,
	.identity_file_count = 2,
	.auth_methods = methods,
	.auth_method_count = 2,
	.can_ask = true,
	.password_tries = 3,
	.known_hosts_files = files + 1,
	.known_hosts_file_count = 1,
	.revoked_key_files = files,
	.revoked_key_file_count = 1,
	.host_key_alias = (char *)"alias",
	.host_key_policy = HOST_KEY_OFF,
	.update_host_keys = true,
	.algorithms = { .lists = { [ALGORITHM_MAC] = {
		.names = (char *)"hmac-sha2-512", .is_arranged = true,
		.origin = (char *)"/f:7" } } },
	.required_rsa_bits = 2048,
	.compression = true,
	.address_family = AF_INET6,
	.bind_address = (char *)"::1",
	.bind_interface = (char *)"",
	.agent = (char *)"",
	.ip_tos = 0x48,
	.tcp_keepalive = true,
	.connect_timeout_s = 7,
	.alive_interval_s = 8,
	.alive_count_max = 9,
	.targets = { .any_port = true },
	.log_level = 3,
	.log_json = true,
};

static void
there_and_back(void **state)
{
	json_t *body = session_order_encode(&sample), *again;
	struct session_order out = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(session_order_decode(body, &out, &err), 0);
	assert_string_equal(out.hostname, "web.example.net");
	assert_int_equal(out.port, 2222);
	assert_int_equal(out.identity_file_count, 2);
	assert_string_equal(out.identity_files[1], "/b");
	assert_int_equal(out.auth_method_count, 2);
	assert_string_equal(out.auth_methods[1], "password");
	assert_true(out.can_ask);
	assert_int_equal(out.password_tries, 3);
	assert_int_equal(out.host_key_policy, HOST_KEY_OFF);
	assert_true(out.update_host_keys);
	assert_string_equal(out.algorithms.lists[ALGORITHM_MAC].names,
	    "hmac-sha2-512");
	assert_string_equal(out.algorithms.lists[ALGORITHM_MAC].origin, "/f:7");
	assert_true(out.algorithms.lists[ALGORITHM_MAC].is_arranged);
	assert_null(out.algorithms.lists[ALGORITHM_KEX].names);
	assert_int_equal(out.required_rsa_bits, 2048);
	assert_true(out.compression);
	assert_int_equal(out.address_family, AF_INET6);
	assert_string_equal(out.bind_address, "::1");
	assert_string_equal(out.bind_interface, "");
	assert_int_equal(out.ip_tos, 0x48);
	assert_true(out.tcp_keepalive);
	assert_true(out.targets.any_port);
	again = session_order_encode(&out);
	assert_true(json_equal(body, again));
	json_decref(again);
	json_decref(body);
	session_order_fini(&out);
	assert_null(out.hostname);
}

static void
refuse(const char *field, json_t *value)
{
	json_t *body = session_order_encode(&sample);
	struct session_order out = { 0 };
	struct err err;

	if (value != NULL)
		json_object_set_new(body, field, value);
	else
		json_object_del(body, field);
	if (session_order_decode(body, &out, &err) != -1)
		fail_msg("%s", field);
	assert_int_equal(err.code, ERR_PROTOCOL);
	session_order_fini(&out);
	json_decref(body);
}

static void
broken_records(void **state)
{
	static const char *const needed[] = { "host", "hostname", "port",
		"user", "identity_files", "known_hosts_files",
		"certificate_files", "identities_only", "agent",
		"host_key_policy", "address_family", "bind_address",
		"bind_interface", "ip_tos", "tcp_keepalive",
		"connect_timeout_s", "alive_interval_s", "alive_count_max",
		"log_level", "log_json", "targets", "auth_methods",
		"can_ask", "password_tries", "update_host_keys",
		"revoked_key_files",
		"algorithms", "required_rsa_bits", "compression" };
	json_t *many = json_array();

	(void)state;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		refuse(needed[i], NULL);
		refuse(needed[i], json_null());
	}
	refuse("bind_address", json_integer(1));
	refuse("port", json_integer(0));
	refuse("port", json_integer(65536));
	refuse("algorithms", json_pack("{s:{s:s, s:s}}", "MACs",
	    "names", ",", "origin", ""));
	refuse("algorithms", json_pack("{s:{s:s}}", "MACs", "names", "a"));
	refuse("ip_tos", json_integer(256));
	refuse("ip_tos", json_integer(-2));
	refuse("connect_timeout_s", json_integer(0));
	refuse("alive_count_max", json_integer(0x100000001));
	refuse("password_tries", json_integer(0));
	refuse("identity_files", json_pack("[i]", 1));
	for (int i = 0; i < 257; i++)
		json_array_append_new(many, json_string("/a"));
	refuse("identity_files", many);
}

/* Whatever else differs, the reader is told what to do. */
static void
another_version(void **state)
{
	json_t *body = session_order_encode(&sample);
	struct session_order out = { 0 };
	struct err err;

	(void)state;
	json_object_set_new(body, "version", json_string("0.0.1"));
	json_object_del(body, "host");
	assert_int_equal(session_order_decode(body, &out, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "hawserd is of version 0.0.1, but "
	    "hawser-worker of version " HAWSER_VERSION ": restart hawserd");
	json_object_del(body, "version");
	assert_int_equal(session_order_decode(body, &out, &err), -1);
	assert_non_null(strstr(err.text, "version unknown"));
	session_order_fini(&out);
	json_decref(body);
}

/* ORDER_SET changes its members and no others; a bad one changes nothing. */
static void
settings_are_brought_anew(void **state)
{
	struct session_order o = sample, other = sample;
	json_t *body;
	struct err err;

	(void)state;
	other.hostname = (char *)"elsewhere";
	other.alive_interval_s = 0;
	other.alive_count_max = 1000;
	other.log_level = 0;
	other.log_json = false;
	body = session_order_encode_set(&other);
	assert_int_equal(json_object_size(body), 4);
	assert_int_equal(session_order_decode_set(body, &o, &err), 0);
	assert_string_equal(o.hostname, sample.hostname);
	assert_int_equal(o.alive_interval_s, 0);
	assert_int_equal(o.alive_count_max, 1000);
	assert_int_equal(o.log_level, 0);
	assert_false(o.log_json);
	json_object_set_new(body, "alive_interval_s", json_integer(5));
	json_object_set_new(body, "alive_count_max", json_integer(0));
	assert_int_equal(session_order_decode_set(body, &o, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
	assert_int_equal(o.alive_interval_s, 0);
	json_object_del(body, "alive_count_max");
	assert_int_equal(session_order_decode_set(body, &o, &err), -1);
	json_decref(body);
}

static int
decode_keys(json_t *array)
{
	struct hostkey_list list = { 0 };
	struct err err;
	int rc = hostkey_list_decode(array, &list, &err);

	if (rc == 0)
		assert_int_equal(list.count, json_array_size(array));
	hostkey_list_fini(&list);
	return rc;
}

static void
lists_of_host_keys(void **state)
{
	json_t *all = json_array(), *one = json_pack("{s:s, s:s, s:s, s:s}",
	    "type", "t", "key", "k", "fingerprint", "f", "verdict", "offered");

	(void)state;
	assert_int_equal(decode_keys(NULL), -1);
	assert_int_equal(decode_keys(all), -1);
	for (int i = 0; i < HOSTKEY_LIST_MAX; i++) {
		json_array_append(all, one);
		assert_int_equal(decode_keys(all), 0);
	}
	json_array_append(all, one);
	assert_int_equal(decode_keys(all), -1);
	json_array_remove(all, 0);
	json_object_set_new(one, "key", json_string("a b"));
	assert_int_equal(decode_keys(all), -1);
	json_array_clear(all);
	json_array_append_new(all, json_string("key"));
	assert_int_equal(decode_keys(all), -1);
	json_decref(all);
	json_decref(one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(another_version),
		cmocka_unit_test(settings_are_brought_anew),
		cmocka_unit_test(broken_records),
		cmocka_unit_test(lists_of_host_keys),
	};

	return cmocka_run_group_tests_name("order", tests, NULL, NULL);
}
