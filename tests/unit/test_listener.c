/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/holder.h"
#include "supervisor/listener.h"

static const struct listener_file file = { .mask = 0177 };

static uint16_t
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

static int
connect_to(const char *address, uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, address, &in.sin_addr);
	if (connect(fd, (struct sockaddr *)&in, sizeof(in)) == -1) {
		close(fd);
		return -1;
	}
	return fd;
}

static struct endpoint
tcp(const char *host, uint16_t port)
{
	return (struct endpoint){ ENDPOINT_TCP, (char *)host, port };
}

static bool
is_bound_to(const struct listener *l, const char *address, uint16_t port)
{
	char *want = str_dupf("%s:%u", address, port);
	bool found = false;

	for (size_t i = 0; i < l->count; i++)
		found = found || str_equal(l->bound[i], want);
	free(want);
	return found;
}

static void
localhost_is_both_families(void **state)
{
	static const char *const hosts[] = { NULL, "localhost" };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct listener l = { 0 };
		struct endpoint at = tcp(hosts[i], free_port());
		struct err err;
		int fd;

		assert_int_equal(listener_open(&l, &at, &file, &err), 0);
		assert_true(listener_is_open(&l));
		assert_true(is_bound_to(&l, "127.0.0.1", at.port));
		if (l.count == 2)
			assert_true(is_bound_to(&l, "[::1]", at.port));
		assert_true(fcntl(l.fds[0], F_GETFL) & O_NONBLOCK);
		assert_true(fcntl(l.fds[0], F_GETFD) & FD_CLOEXEC);
		/* Nobody accepts, and yet the client has its connection. */
		fd = connect_to("127.0.0.1", at.port);
		assert_true(fd != -1);
		close(fd);
		assert_int_equal(connect_to("127.0.0.2", at.port), -1);
		listener_close(&l);
		assert_false(listener_is_open(&l));
		assert_int_equal(connect_to("127.0.0.1", at.port), -1);
	}
}

static void
star_is_every_address(void **state)
{
	struct endpoint at = tcp("*", free_port());
	struct listener l = { 0 };
	struct err err;
	int fd;

	(void)state;
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_true(is_bound_to(&l, "0.0.0.0", at.port));
	fd = connect_to("127.0.0.2", at.port);
	assert_true(fd != -1);
	close(fd);
	listener_close(&l);
}

static void
a_literal_is_itself(void **state)
{
	struct endpoint at = tcp("127.0.0.9", free_port());
	struct listener l = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_int_equal(l.count, 1);
	assert_int_equal(connect_to("127.0.0.1", at.port), -1);
	listener_close(&l);
}

static void
a_name_is_refused(void **state)
{
	struct endpoint at = tcp("example.invalid", 8080);
	struct listener l = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(listener_open(&l, &at, &file, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_false(listener_is_open(&l));
}

static void
the_holder_is_named(void **state)
{
	struct endpoint at = tcp("127.0.0.1", free_port()), any;
	struct listener first = { 0 }, second = { 0 };
	char *want = str_dupf("is used by test_listener (pid %ld)",
	    (long)getpid()), holder[256];
	struct err err;

	(void)state;
	assert_int_equal(listener_open(&first, &at, &file, &err), 0);
	assert_int_equal(listener_open(&second, &at, &file, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.text, "is used by another program"));
	assert_true(listener_find_holder(&at, holder, sizeof(holder)));
	assert_non_null(strstr(holder, want));
	/* Nothing is left of one of two families that could be bound. */
	any = tcp("localhost", at.port);
	assert_int_equal(listener_open(&second, &any, &file, &err), -1);
	assert_true(listener_find_holder(&any, holder, sizeof(holder)));
	assert_non_null(strstr(holder, want));
	any = tcp("*", at.port);
	assert_int_equal(listener_open(&second, &any, &file, &err), -1);
	assert_true(listener_find_holder(&any, holder, sizeof(holder)));
	listener_close(&first);
	assert_false(listener_find_holder(&at, holder, sizeof(holder)));
	assert_int_equal(listener_open(&second, &at, &file, &err), 0);
	listener_close(&second);
	free(want);
}

static void
a_unix_socket(void **state)
{
	char dir[] = "/tmp/hawser-test-XXXXXX";
	struct listener l = { 0 }, other = { 0 };
	struct listener_file replace = { .mask = 0111, .replace = true };
	struct endpoint at = { ENDPOINT_UNIX, NULL, 0 };
	struct stat st;
	struct err err;
	char *path, *want, holder[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	at.host = path = str_dupf("%s/soc ket", dir);
	want = str_dupf("%s is used by test_listener (pid %ld)", path,
	    (long)getpid());
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	listener_set_mask(&l, 0117);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_int_equal(listener_open(&other, &at, &file, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_true(listener_find_holder(&at, holder, sizeof(holder)));
	assert_string_equal(holder, want);
	/* StreamLocalBindUnlink; what was there leaves it alone. */
	assert_int_equal(listener_open(&other, &at, &replace, &err), 0);
	listener_set_mask(&l, 0177);
	listener_close(&l);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666);
	/* A killed program leaves its file: nobody's. */
	close(other.fds[0]);
	other.fds[0] = -1;
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	listener_close(&l);
	assert_int_equal(stat(path, &st), -1);
	listener_close(&other);
	rmdir(dir);
	free(path);
	free(want);
}

static void
other_files_stay(void **state)
{
	char path[] = "/tmp/hawser-test-XXXXXX";
	struct endpoint at = { ENDPOINT_UNIX, path, 0 };
	struct listener_file replace = { .mask = 0177, .replace = true };
	struct listener l = { 0 };
	struct err err;
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(listener_open(&l, &at, &replace, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.text, "exists and is not a socket"));
	close(fd);
	assert_int_equal(unlink(path), 0);
}

static void
lines_of_net_unix(void **state)
{
	static const char listening[] = "0000000000000000: 00000002 00000000 "
	    "00010000 0001 01 4242 /run/a b\n";
	static const char connected[] = "0000000000000000: 00000003 00000000 "
	    "00000000 0001 03 4243 /run/a b\n";
	static const char nameless[] = "0000000000000000: 00000002 00000000 "
	    "00010000 0001 01 4244\n";
	unsigned long inode = 0;

	(void)state;
	assert_true(holder_match_unix_line(listening, "/run/a b", &inode));
	assert_int_equal(inode, 4242);
	assert_false(holder_match_unix_line(listening, "/run/a", &inode));
	assert_false(holder_match_unix_line(listening, "/run/a b\n", &inode));
	assert_false(holder_match_unix_line(connected, "/run/a b", &inode));
	assert_false(holder_match_unix_line(nameless, "/run/a b", &inode));
	assert_false(holder_match_unix_line("Num RefCount Protocol Flags "
	    "Type St Inode Path\n", "Path", &inode));
	assert_false(holder_match_unix_line("", "", &inode));
}

static void
lines_of_proc(void **state)
{
	static const char v4[] = "   1: 0100007F:1F90 00000000:0000 0A "
	    "00000000:00000000 00:00000000 00000000  1000        0 4242 1";
	static const char any4[] = "   1: 00000000:1F90 00000000:0000 0A "
	    "00000000:00000000 00:00000000 00000000  1000        0 4243 1";
	static const char peer[] = "   1: 0100007F:1F90 0100007F:C000 01 "
	    "00000000:00000000 00:00000000 00000000  1000        0 4244 1";
	static const char any6[] =
	    "   0: 00000000000000000000000000000000:1F90 "
	    "00000000000000000000000000000000:0000 0A 00000000:00000000 "
	    "00:00000000 00000000  1000        0 4245 1";
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_port = htons(8080) };
	const struct sockaddr *sa = (struct sockaddr *)&a;
	unsigned long inode;

	(void)state;
	inet_pton(AF_INET, "127.0.0.1", &a.sin_addr);
	assert_true(holder_match_line(v4, AF_INET, sa, &inode));
	assert_int_equal(inode, 4242);
	assert_true(holder_match_line(any4, AF_INET, sa, &inode));
	assert_int_equal(inode, 4243);
	assert_true(holder_match_line(any6, AF_INET6, sa, &inode));
	assert_int_equal(inode, 4245);
	assert_false(holder_match_line(peer, AF_INET, sa, &inode));
	inet_pton(AF_INET, "127.0.0.2", &a.sin_addr);
	assert_false(holder_match_line(v4, AF_INET, sa, &inode));
	inet_pton(AF_INET, "0.0.0.0", &a.sin_addr);
	assert_true(holder_match_line(v4, AF_INET, sa, &inode));
	a.sin_port = htons(8081);
	assert_false(holder_match_line(v4, AF_INET, sa, &inode));
	assert_false(holder_match_line("", AF_INET, sa, &inode));
	assert_false(holder_match_line("  sl  local_address rem_address",
	    AF_INET, sa, &inode));
}

/* Makes of our socket a connection whose end would be waited for. */
static void
make_linger(int fd, int peer)
{
	struct linger linger = { 1, 5 };
	char bytes[65536] = { 0 };
	struct sockaddr_in in;
	socklen_t len = sizeof(in);

	assert_int_equal(getsockname(peer, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(shutdown(fd, SHUT_RDWR), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&in, len), -1);
	assert_int_equal(errno, EINPROGRESS);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger,
	    sizeof(linger)), 0);
	assert_int_equal(poll(&(struct pollfd){ .fd = fd, .events = POLLOUT },
	    1, 5000), 1);
	while (write(fd, bytes, sizeof(bytes)) > 0)
		continue;
}

/*
 * What a worker that was taken over can do to the socket it was lent: the end
 * of ours is not waited for, and a new one is made.
 */
static void
a_socket_that_was_made_another(void **state)
{
	struct endpoint at = tcp("127.0.0.1", free_port());
	struct endpoint there = tcp("127.0.0.1", free_port());
	struct listener l = { 0 }, peer = { 0 };
	int64_t begin;
	struct err err;

	(void)state;
	assert_int_equal(listener_open(&peer, &there, &file, &err), 0);
	assert_int_equal(listener_open(&l, &at, &file, &err), 0);
	assert_true(listener_is_open(&l));
	make_linger(l.fds[0], peer.fds[0]);
	begin = clock_now_ms();
	assert_false(listener_is_open(&l));
	listener_close(&l);
	assert_true(clock_now_ms() - begin < 2000);
	listener_close(&peer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(localhost_is_both_families),
		cmocka_unit_test(star_is_every_address),
		cmocka_unit_test(a_literal_is_itself),
		cmocka_unit_test(a_name_is_refused),
		cmocka_unit_test(the_holder_is_named),
		cmocka_unit_test(a_unix_socket),
		cmocka_unit_test(other_files_stay),
		cmocka_unit_test(lines_of_net_unix),
		cmocka_unit_test(lines_of_proc),
		cmocka_unit_test(a_socket_that_was_made_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
