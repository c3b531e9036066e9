/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <event2/event.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervisor/netwatch.h"
#include "supervisor/way.h"

/* netwatch and way, in a network namespace of our own if there can be one. */

static bool has_ns;

static void
set_loopback(bool up)
{
	struct ifreq r = { .ifr_name = "lo" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &r), 0);
	r.ifr_flags = (short)(up ? r.ifr_flags | IFF_UP :
	    r.ifr_flags & ~IFF_UP);
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

static void
sleep_is_told_from_ticks(void **state)
{
	static const struct {
		int64_t monotonic, boot, slept, cpu;
	} rows[] = {
		{ 5000, 5000, 0, 0 },		/* as it should be */
		{ 5900, 5900, 0, 0 },
		{ 8000, 8000, 0, 0 },		/* 3 s late: a busy machine */
		{ 8001, 8001, 3001, 0 },		/* stopped */
		{ 65000, 65000, 60000, 0 },
		{ 5000, 5999, 0, 0 },
		{ 5000, 6000, 1000, 0 },		/* suspended */
		{ 100, 3600100, 3600000, 0 },
		{ 70000, 80000, 10000, 0 },	/* both */
		{ 10, 10, 0, 0 },		/* early, after a late one */
		{ 20000, 20000, 0, 12000 },	/* busy ourselves */
		{ 20000, 20000, 3001, 11999 },	/* and stopped */
	};
	struct netwatch_time last = { 1000000, 7000000, 300 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct netwatch_time now = { last.monotonic +
		    rows[i].monotonic, last.boot + rows[i].boot,
		    last.cpu + rows[i].cpu };

		assert_int_equal(netwatch_slept(&last, &now), rows[i].slept);
	}
}

static int changes;

static void
on_change(void *arg)
{
	changes++;
	event_base_loopbreak(arg);
}

static void
on_wake(void *arg, int64_t slept_ms)
{
	(void)arg;
	(void)slept_ms;
	fail_msg("nobody slept");
}

static void
changes_are_told_once(void **state)
{
	static const struct netwatch_ops ops = { on_change, on_wake };
	struct event_base *base = event_base_new();
	struct netwatch *w;
	int64_t begin = clock_now_ms();

	(void)state;
	if (!has_ns)
		skip();
	w = netwatch_new(base, &ops, base);
	for (int i = 0; i < 50; i++) {
		set_loopback(true);
		set_loopback(false);
	}
	event_base_dispatch(base);
	assert_int_equal(changes, 1);
	assert_true(clock_now_ms() - begin >= NETWATCH_MS);
	set_loopback(true);
	event_base_dispatch(base);
	assert_int_equal(changes, 2);
	set_loopback(false);
	netwatch_free(w);
	event_base_free(base);
}

/* More than the socket holds: nothing is missed. */
static void
an_overflow_is_a_change(void **state)
{
	static const struct netwatch_ops ops = { on_change, on_wake };
	struct event_base *base = event_base_new();
	struct netwatch *w;

	(void)state;
	if (!has_ns)
		skip();
	changes = 0;
	w = netwatch_new(base, &ops, base);
	for (int i = 0; i < 1000; i++) {
		set_loopback(true);
		set_loopback(false);
	}
	event_base_dispatch(base);
	assert_int_equal(changes, 1);
	set_loopback(true);
	event_base_dispatch(base);
	assert_int_equal(changes, 2);
	set_loopback(false);
	netwatch_free(w);
	event_base_free(base);
}

static struct way
find(int fd, const char *address)
{
	struct way_to to;
	struct way way;

	assert_int_equal(way_to_parse(&to, address), 0);
	way_find(fd, &to, &way);
	return way;
}

static void
ways_are_found(void **state)
{
	int fd = way_open();
	struct way a, b, none = { 0 };
	uint8_t home[4] = { 127, 0, 0, 1 };

	(void)state;
	if (!has_ns)
		skip();
	assert_int_not_equal(fd, -1);
	set_loopback(true);
	a = find(fd, "127.0.0.1");
	assert_true(a.exists);
	assert_int_equal(a.interface, 1);
	assert_memory_equal(a.source, home, sizeof(home));
	b = find(fd, "127.0.0.1");
	assert_true(way_equal(&a, &b));
	assert_true(find(fd, "::1").exists);
	b = find(fd, "192.0.2.1");
	assert_true(way_equal(&b, &none));
	b = find(fd, "2001:db8::1");
	assert_true(way_equal(&b, &none));
	set_loopback(false);
	b = find(fd, "127.0.0.1");
	assert_false(b.exists);
	assert_false(way_equal(&a, &b));
	close(fd);
}

static void
a_way_that_is_insisted_on(void **state)
{
	struct way_to to;
	struct way way;
	int fd = way_open();

	(void)state;
	if (!has_ns)
		skip();
	set_loopback(true);
	way_to_parse(&to, "127.0.0.1");
	to.interface = 1;
	way_find(fd, &to, &way);
	assert_true(way.exists);
	to.interface = 77;
	way_find(fd, &to, &way);
	assert_false(way.exists);
	to.interface = 0;
	to.has_from = true;
	inet_pton(AF_INET, "127.0.0.9", to.from);
	way_find(fd, &to, &way);
	assert_true(way.exists);
	inet_pton(AF_INET, "192.0.2.9", to.from);
	way_find(fd, &to, &way);
	assert_false(way.exists);
	set_loopback(false);
	close(fd);
}

/* Without netlink nothing ever changes. */
static void
nobody_to_ask(void **state)
{
	struct way a = find(-1, "127.0.0.1"), b = find(-1, "::1");

	(void)state;
	assert_true(a.exists);
	assert_true(way_equal(&a, &b));
}

static void
addresses(void **state)
{
	struct way_to to, two[2];

	(void)state;
	assert_int_equal(way_to_parse(&to, "10.1.2.3"), 0);
	assert_int_equal(to.family, AF_INET);
	assert_int_equal(to.address[3], 3);
	assert_int_equal(way_to_parse(&to, "fe80::7%lo"), 0);
	assert_int_equal(to.family, AF_INET6);
	assert_int_equal(to.interface, 1);
	assert_int_equal(to.address[15], 7);
	assert_int_equal(way_to_parse(&to, ""), -1);
	assert_int_equal(way_to_parse(&to, "name.invalid"), -1);
	assert_int_equal(way_to_parse(&to, "::1%"
	    "an-interface-of-a-name-that-is-far-too-long-"
	    "for-anything-at-all"), -1);
	way_to_anywhere(two);
	assert_int_equal(two[0].family, AF_INET);
	assert_int_equal(two[1].family, AF_INET6);
}

/* A prefix, or another number, is no answer; a change of any byte no crash. */
static void
answers(void **state)
{
	static const uint8_t bytes[] = {
		/* nlmsghdr: 68 bytes, RTM_NEWROUTE, number 7 */
		68, 0, 0, 0, 24, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0,
		/* rtmsg: IPv4, /32, table main, unicast */
		2, 32, 0, 0, 254, 0, 0, 1, 0, 2, 0, 0,
		/* RTA_DST, RTA_OIF 3, RTA_PREFSRC, RTA_VIA, RTA_GATEWAY */
		8, 0, 1, 0, 192, 0, 2, 1, 8, 0, 4, 0, 3, 0, 0, 0,
		8, 0, 7, 0, 10, 0, 0, 9, 8, 0, 18, 0, 2, 0, 10, 0,
		8, 0, 5, 0, 10, 0, 0, 1,
	};
	uint8_t copy[sizeof(bytes)];
	struct way way;

	(void)state;
	assert_int_equal(way_decode(bytes, sizeof(bytes), 7, &way), 0);
	assert_true(way.exists);
	assert_int_equal(way.interface, 3);
	assert_int_equal(way.source[3], 9);
	assert_int_equal(way.gateway[3], 1);
	assert_int_equal(way_decode(bytes, sizeof(bytes), 8, &way), -1);
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(way_decode(bytes, n, 7, &way), -1);
	for (size_t i = 0; i < sizeof(bytes) * 8; i++) {
		memcpy(copy, bytes, sizeof(bytes));
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		way_decode(copy, sizeof(copy), 7, &way);
	}
	memcpy(copy, bytes, sizeof(bytes));
	copy[23] = 7;	/* RTN_UNREACHABLE */
	assert_int_equal(way_decode(copy, sizeof(copy), 7, &way), 0);
	assert_false(way.exists);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sleep_is_told_from_ticks),
		cmocka_unit_test(changes_are_told_once),
		cmocka_unit_test(an_overflow_is_a_change),
		cmocka_unit_test(ways_are_found),
		cmocka_unit_test(a_way_that_is_insisted_on),
		cmocka_unit_test(nobody_to_ask),
		cmocka_unit_test(addresses),
		cmocka_unit_test(answers),
	};

	has_ns = unshare(CLONE_NEWNET) == 0 ||
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
