/* SPDX-License-Identifier: ISC */
#include "scripted.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <libssh2.h>

#include "base/clock.h"

#define DEADLINE_MS	20000

struct world w;

/* The server's side */

void
say(int fd, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			_exit(0);	/* the client has heard enough */
		p += k;
		n -= (size_t)k;
	}
}

void
say_banner(int fd)
{
	say(fd, SCRIPTED_BANNER, sizeof(SCRIPTED_BANNER) - 1);
}

void
listen_only(int fd)
{
	char bytes[4096];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		;
}

void
say_packet(int fd, struct packet *p)
{
	size_t padding = 8 - (5 + p->len) % 8 + 8;
	uint8_t head[5], zeros[16] = { 0 };

	packet_store_u32(head, (uint32_t)(1 + p->len + padding));
	head[4] = (uint8_t)padding;
	say(fd, head, sizeof(head));
	say(fd, p->bytes, p->len);
	say(fd, zeros, padding);
	packet_free(p);
}

void
say_only(int fd, struct packet *p)
{
	say_banner(fd);
	say_packet(fd, p);
	listen_only(fd);
}

/* The client's side */

static void
on_kex(void *arg)
{
	assert_ptr_equal(arg, &w);
	w.begun++;
}

void
start(void (*script)(int fd))
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len),
	    0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, len), 0);
	w.pid = fork();
	if (w.pid == 0) {
		int peer = accept(listener, NULL, NULL);

		close(fd);
		script(peer);
		_exit(0);
	}
	assert_int_not_equal(w.pid, -1);
	close(listener);
	w.t = transport_new(fd, &w.err);
	assert_non_null(w.t);
	transport_on_kex(w.t, on_kex, &w);
}

void
shake(void)
{
	struct algorithms a = { .lists = {
		[ALGORITHM_HOST_KEY] = { .names = (char *)w.host_key_types },
	} };

	w.err.code = ERR_NONE;
	assert_int_equal(transport_handshake(w.t, &a, false,
	    clock_now_ms() + w.deadline_ms, &w.err), -1);
}

void
fails(void (*script)(int fd), enum err_code code, const char *text)
{
	start(script);
	shake();
	assert_string_equal(w.err.text, text);
	assert_int_equal(w.err.code, code);
}

int
start_pipe(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	w.t = transport_new(pair[0], &w.err);
	assert_non_null(w.t);
	return pair[1];
}

void
flood(int fd, const char *unit)
{
	char bytes[65536];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = unit[i % strlen(unit)];
	for (;;)
		say(fd, bytes, sizeof(bytes));
}

int
scripted_setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.host_key_types = "ssh-ed25519";
	w.deadline_ms = DEADLINE_MS;
	return 0;
}

int
scripted_teardown(void **state)
{
	int status;

	(void)state;
	transport_free(w.t);
	return w.pid > 0 && waitpid(w.pid, &status, 0) != w.pid;
}

int
scripted_begin(void **state)
{
	struct err err;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	return transport_library_init(&err);
}

int
scripted_end(void **state)
{
	(void)state;
	libssh2_exit();
	return 0;
}
