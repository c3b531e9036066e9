/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "ipc/message.h"

static void
rows_are_kept_to(void **state)
{
	static const struct {
		const char *text;
		size_t fds;
		enum message_sender sender;
		bool good;
	} rows[] = {
		{ "{\"m\":\"fact.rtt\",\"us\":1}", 0, FROM_WORKER, true },
		/* Said by one who may not. */
		{ "{\"m\":\"fact.rtt\",\"us\":1}", 0, FROM_SUPERVISOR, false },
		{ "{\"m\":\"order.stop\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"order.stop\"}", 0, FROM_RESOLVER, false },
		{ "{\"m\":\"order.stop\"}", 0, FROM_SUPERVISOR, true },
		{ "{\"m\":\"order.beat\"}", 0, FROM_SUPERVISOR, true },
		{ "{\"m\":\"order.beat\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.beat\"}", 0, FROM_WORKER, true },
		{ "{\"m\":\"fact.beat\",\"n\":1}", 0, FROM_WORKER, false },
		{ "{\"m\":\"order.set\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"order.set\"}", 0, FROM_SUPERVISOR, true },
		{ "{\"m\":\"order.set\"}", 1, FROM_SUPERVISOR, false },
		/* Fields: missing, of a wrong type, unknown, twice. */
		{ "{\"m\":\"fact.rtt\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.rtt\",\"us\":\"1\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.rtt\",\"us\":1.5}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.rtt\",\"us\":1,\"x\":2}", 0, FROM_WORKER,
		    false },
		{ "{\"m\":\"fact.rtt\",\"us\":1,\"us\":2}", 0, FROM_WORKER,
		    false },
		/* Descriptors: too few, too many. */
		{ "{\"m\":\"order.listen\",\"id\":\"L:1\"}", 0,
		    FROM_SUPERVISOR, false },
		{ "{\"m\":\"order.listen\",\"id\":\"L:1\"}", 1,
		    FROM_SUPERVISOR, true },
		{ "{\"m\":\"fact.rtt\",\"us\":1}", 1, FROM_WORKER, false },
		{ "{\"m\":\"order.secret\",\"error\":\"none\"}", 0,
		    FROM_SUPERVISOR, true },
		{ "{\"m\":\"order.secret\"}", 1, FROM_SUPERVISOR, true },
		{ "{\"m\":\"order.secret\"}", 2, FROM_SUPERVISOR, false },
		{ "{\"m\":\"order.secret\"}", 1, FROM_WORKER, false },
		{ "{\"m\":\"fact.secret\",\"kind\":\"password\","
		    "\"prompt\":\"?\"}", 0, FROM_WORKER, false },
		/* No message at all. */
		{ "", 0, FROM_WORKER, false },
		{ "{}", 0, FROM_WORKER, false },
		{ "[]", 0, FROM_WORKER, false },
		{ "{\"m\":5}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.nothing\"}", 0, FROM_WORKER, false },
		{ "{\"m\":\"fact.link\"} ", 0, FROM_WORKER, true },
		{ "{\"m\":\"fact.link\"}x", 0, FROM_WORKER, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct message m = { 0 };
		struct err err;
		int rc = message_parse(rows[i].text, strlen(rows[i].text),
		    rows[i].fds, rows[i].sender, &m, &err);

		if ((rc == 0) != rows[i].good)
			fail_msg("row %zu: %s", i, rows[i].text);
		if (rc == -1)
			assert_int_equal(err.code, ERR_PROTOCOL);
		message_fini(&m);
	}
}

static void
make_pair(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0, pair), 0);
}

static void
descriptors_travel(void **state)
{
	int pair[2], pipes[2], mine;
	struct message m;
	struct err err;
	char byte = 0;

	(void)state;
	make_pair(pair);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(message_send(pair[0], ORDER_LISTEN,
	    json_pack("{s:s}", "id", "L:1"), &pipes[1], 1, &err), 0);
	assert_int_equal(message_recv(pair[1], FROM_SUPERVISOR, &m, &err), 1);
	assert_int_equal(m.name, ORDER_LISTEN);
	assert_string_equal(message_string(&m, "id"), "L:1");
	assert_int_equal(message_int(&m, "absent", 7), 7);
	assert_int_equal(m.fd_count, 1);
	/* Taken: it outlives the message, and no program inherits it. */
	mine = m.fds[0];
	m.fds[0] = -1;
	message_fini(&m);
	assert_true(fcntl(mine, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(mine, "x", 1), 1);
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'x');
	fd_close(&mine);
	fd_close(&pipes[0]);
	fd_close(&pipes[1]);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

/* A message that breaks its row leaves no descriptor behind. */
static void
refused_descriptors_are_closed(void **state)
{
	int pair[2], pipes[2];
	struct message m;
	struct err err;
	char byte;

	(void)state;
	make_pair(pair);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(message_send(pair[0], ORDER_LISTEN,
	    json_pack("{s:s}", "id", "L:1"), &pipes[1], 1, &err), 0);
	fd_close(&pipes[1]);
	assert_int_equal(message_recv(pair[1], FROM_WORKER, &m, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
	/* The last writer is gone. */
	assert_int_equal(read(pipes[0], &byte, 1), 0);
	fd_close(&pipes[0]);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

/* A connection to nobody who reads, whose end would be waited for. */
static int
make_lingering(int *peer)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger linger = { 1, 5 };
	socklen_t len = sizeof(in);
	char bytes[65536] = { 0 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(*peer, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(*peer, 1), 0);
	assert_int_equal(getsockname(*peer, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)), 0);
	while (send(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		continue;
	return fd;
}

/* Its end is not waited for. */
static void
a_refused_descriptor_may_linger(void **state)
{
	int pair[2], peer, fd = make_lingering(&peer);
	int64_t begin;
	struct message m;
	struct err err;

	(void)state;
	make_pair(pair);
	assert_int_equal(message_send(pair[0], ORDER_LISTEN,
	    json_pack("{s:s}", "id", "L:1"), &fd, 1, &err), 0);
	begin = clock_now_ms();
	/* The message keeps it open. */
	close(fd);
	assert_int_equal(message_recv(pair[1], FROM_WORKER, &m, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
	assert_true(clock_now_ms() - begin < 2000);
	fd_close(&peer);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

static void
ends_and_full_sockets_are_told(void **state)
{
	struct message m;
	struct err err;
	int pair[2], sent = 0;

	(void)state;
	make_pair(pair);
	assert_int_equal(message_recv(pair[0], FROM_WORKER, &m, &err), -1);
	assert_int_equal(err.code, ERR_AGAIN);
	while (message_send(pair[0], FACT_RTT, json_pack("{s:i}", "us", sent),
	    NULL, 0, &err) == 0)
		sent++;
	assert_int_equal(err.code, ERR_AGAIN);
	assert_true(sent > 0);
	/* What was said comes in order, and nothing else. */
	for (int i = 0; i < sent; i++) {
		assert_int_equal(message_recv(pair[1], FROM_WORKER, &m, &err),
		    1);
		assert_int_equal(message_int(&m, "us", -1), i);
		message_fini(&m);
	}
	fd_close(&pair[0]);
	assert_int_equal(message_recv(pair[1], FROM_WORKER, &m, &err), 0);
	assert_int_equal(message_send(pair[1], FACT_RTT,
	    json_pack("{s:i}", "us", 1), NULL, 0, &err), -1);
	assert_int_equal(err.code, ERR_CLOSED);
	fd_close(&pair[1]);
}

static void
bad_utf8_is_not_sent(void **state)
{
	struct err err;
	int pair[2];

	(void)state;
	make_pair(pair);
	assert_int_equal(message_send(pair[0], FACT_PHASE,
	    json_pack("{s:o}", "phase", json_stringn_nocheck("\xff", 1)),
	    NULL, 0, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

/* What was sent is known, though nothing of it could be taken. */
static void
descriptors_may_find_no_place(void **state)
{
	struct rlimit all, few;
	int pair[2], pipes[2], sent[3], lowest, rc;
	struct message m;
	struct err err;

	(void)state;
	make_pair(pair);
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	for (int i = 0; i < 3; i++)
		sent[i] = pipes[1];
	assert_int_equal(message_send(pair[0], ORDER_LISTEN,
	    json_pack("{s:s}", "id", "L:1"), sent, 3, &err), 0);
	lowest = dup(pipes[0]);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	few = all;
	few.rlim_cur = (rlim_t)lowest + 1;	/* one of three */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	rc = message_recv(pair[1], FROM_SUPERVISOR, &m, &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, ERR_SYS);
	assert_int_equal(err.sys, EMFILE);
	assert_int_equal(m.name, ORDER_LISTEN);
	assert_string_equal(message_string(&m, "id"), "L:1");
	assert_int_equal(m.fd_count, 0);
	message_fini(&m);
	/* None of them stays. */
	assert_int_equal(dup(pipes[0]), lowest);
	fd_close(&lowest);
	fd_close(&pipes[0]);
	fd_close(&pipes[1]);
	fd_close(&pair[0]);
	fd_close(&pair[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_kept_to),
		cmocka_unit_test(descriptors_travel),
		cmocka_unit_test(refused_descriptors_are_closed),
		cmocka_unit_test(a_refused_descriptor_may_linger),
		cmocka_unit_test(ends_and_full_sockets_are_told),
		cmocka_unit_test(descriptors_may_find_no_place),
		cmocka_unit_test(bad_utf8_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
