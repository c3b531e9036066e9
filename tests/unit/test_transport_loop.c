/* SPDX-License-Identifier: ISC */
/*
 * The transport with a real sshd: each cipher with each MAC, and the loop with
 * data in both directions, through rekeys, to the last byte.
 */
#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <libssh2.h>

#include "base/clock.h"
#include "base/str.h"
#include "sshd.h"
#include "ssh/connection.h"
#include "ssh/packet.h"
#include "ssh/session.h"
#include "ssh/transport.h"

#define DEADLINE_MS	20000
#define PATTERN		65521		/* bytes until what is sent repeats */

static uint8_t pattern[2 * PATTERN];

/* The tunnel under test: sshd, the connection, and what lies behind it. */
static struct {
	struct server server;
	struct connection *c;
	struct event_base *base;
	pid_t behind;
	uint16_t port;
	int busy;		/* channels that are not done */
	bool timed_out;
	bool ended;
} w;

/* One channel's client. */
struct client {
	struct channel *ch;
	size_t to_send;
	size_t sent;
	size_t wanted;
	size_t got;
	bool closed;
};

/* What lies behind the tunnel: a child, and one of its own per connection. */

static void
send_all(int fd, const uint8_t *bytes, size_t n)
{
	while (n > 0) {
		ssize_t k = send(fd, bytes, n, MSG_NOSIGNAL);

		if (k <= 0)
			_exit(0);
		bytes += k;
		n -= (size_t)k;
	}
}

/* 's' and four bytes ask for so many bytes; all else is echoed. */
static void
serve(int fd)
{
	uint8_t bytes[65536], ask[5];
	ssize_t n;

	while (recv(fd, ask, 1, MSG_PEEK) == 1 && ask[0] == 's') {
		struct reader r;
		uint32_t left;

		if (recv(fd, ask, 5, MSG_WAITALL) != 5)
			return;
		reader_init(&r, ask + 1, 4);
		left = reader_u32(&r);
		for (size_t at = 0; left > 0; at = (at + 4096) % PATTERN) {
			uint32_t part = left < 4096 ? left : 4096;

			send_all(fd, pattern + at, part);
			left -= part;
		}
	}
	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		send_all(fd, bytes, (size_t)n);
	shutdown(fd, SHUT_WR);
}

static void
start_behind(void)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(sa);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(listen(listener, 64), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&sa, &len),
	    0);
	w.port = ntohs(sa.sin_port);
	w.behind = fork();
	assert_int_not_equal(w.behind, -1);
	if (w.behind > 0) {
		close(listener);
		return;
	}
	(void)signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd != -1 && fork() == 0) {
			close(listener);
			serve(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* The client */

static void
done(struct client *k)
{
	if (k->got == k->wanted && k->sent == k->to_send && --w.busy == 0)
		event_base_loopbreak(w.base);
}

static void
on_open(struct channel *ch, void *arg)
{
	(void)arg;
	channel_want_write(ch);
}

static void
on_open_failed(struct channel *ch, void *arg, unsigned reason,
    const char *text)
{
	(void)ch;
	(void)arg;
	fail_msg("open failed: %u, %s", reason, text);
}

static size_t
on_data(struct channel *ch, void *arg, const uint8_t *data, size_t n)
{
	struct client *k = arg;

	(void)ch;
	assert_true(k->got + n <= k->wanted);
	for (size_t i = 0; i < n; i += PATTERN) {
		size_t part = n - i < PATTERN ? n - i : PATTERN;

		assert_memory_equal(data + i, pattern + (k->got + i) % PATTERN,
		    part);
	}
	k->got += n;
	done(k);
	return n;
}

static void
on_eof(struct channel *ch, void *arg)
{
	(void)ch;
	(void)arg;
}

static void
on_close(struct channel *ch, void *arg)
{
	struct client *k = arg;

	(void)ch;
	k->closed = true;
}

static void
on_writable(struct channel *ch, void *arg)
{
	struct client *k = arg;
	size_t left = k->to_send - k->sent, n;

	if (left == 0)
		return;
	n = channel_write(ch, pattern + k->sent % PATTERN,
	    left < PATTERN ? left : PATTERN);
	k->sent += n;
	/* Memory that nobody needs now may go in any state of a rekey. */
	transport_trim(w.server.transport);
	if (k->sent < k->to_send)
		channel_want_write(ch);
	else
		done(k);
}

static const struct channel_ops channel_ops = { on_open, on_open_failed,
	on_data, on_eof, on_close, on_writable };

/* The whole */

static void
on_end(struct connection *c, void *arg, const struct err *err)
{
	(void)c;
	(void)arg;
	w.ended = true;
	if (w.busy > 0)
		fail_msg("the connection ended: %s", err->text);
}

static const struct connection_ops connection_ops = { .on_end = on_end };

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	w.timed_out = true;
	event_base_loopbreak(w.base);
}

/* Turns the loop until someone breaks it, which must not take too long. */
static void
run(void)
{
	struct timeval tv = { .tv_sec = DEADLINE_MS / 1000 };
	struct event *e = event_new(w.base, -1, 0, on_timeout, NULL);

	event_add(e, &tv);
	event_base_dispatch(w.base);
	event_free(e);
	assert_false(w.timed_out);
	assert_false(w.ended);
}

static void
begin(const char *cipher, const char *mac, const char *options)
{
	const struct passwd *pw = getpwuid(geteuid());
	char *key = sshd_read("user");
	char *text = str_dupf("%sCiphers %s\nMACs %s\nLogLevel DEBUG1\n",
	    options, cipher, mac);
	struct err err;

	memset(&w, 0, sizeof(w));
	assert_non_null(pw);
	start_behind();
	sshd_configure("host", text);
	sshd_start_session(&w.server, "ssh-ed25519");
	transport_set_deadline(w.server.transport,
	    clock_now_ms() + DEADLINE_MS);
	assert_int_equal(libssh2_userauth_publickey_frommemory(
	    transport_session(w.server.transport), pw->pw_name,
	    strlen(pw->pw_name), NULL, 0, key, strlen(key), NULL), 0);
	free(text);
	free(key);
	w.base = event_base_new();
	assert_non_null(w.base);
	w.c = connection_new(w.server.transport, w.base, &connection_ops,
	    NULL, &err);
	assert_non_null(w.c);
}

/* A test that failed on its way leaves this child. */
static int
teardown(void **state)
{
	pid_t pid = w.behind;
	int status;

	(void)state;
	if (pid <= 0)
		return 0;
	w.behind = 0;
	kill(pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid ? 0 : -1;
}

static void
end(void)
{
	transport_bye(w.server.transport, 1000);
	connection_free(w.c);		/* the transport, too */
	w.server.transport = NULL;
	event_base_free(w.base);
	sshd_stop(&w.server);
	assert_int_equal(teardown(NULL), 0);
}

/* A channel that sends n bytes of the pattern and wants them back. */
static void
echo(struct client *k, size_t n)
{
	*k = (struct client){ .to_send = n, .wanted = n };
	w.busy++;
	k->ch = channel_open_tcp(w.c, "127.0.0.1", w.port, "127.0.0.1", 1,
	    &channel_ops, k);
	assert_non_null(k->ch);
}

static void
on_pong(void *arg, bool ok, uint32_t port)
{
	(void)ok;
	(void)port;
	++*(int *)arg;
	if (--w.busy == 0)
		event_base_loopbreak(w.base);
}

static void
ping(int *pongs)
{
	w.busy++;
	connection_ping(w.c, on_pong, pongs);
}

static void
exchange(const char *cipher, const char *mac)
{
	struct client k[3];
	int pongs = 0;

	begin(cipher, mac, "");
	assert_true(transport_is_tapped());
	assert_string_equal(libssh2_session_methods(
	    transport_session(w.server.transport), LIBSSH2_METHOD_CRYPT_CS),
	    cipher);
	assert_string_equal(libssh2_session_methods(
	    transport_session(w.server.transport), LIBSSH2_METHOD_CRYPT_SC),
	    cipher);
	assert_memory_equal(transport_banner(w.server.transport),
	    "SSH-2.0-OpenSSH", 15);
	ping(&pongs);
	for (size_t i = 0; i < 3; i++)
		echo(&k[i], 100000);
	run();
	assert_int_equal(pongs, 1);
	end();
}

static void
test_each_cipher(void **state)
{
	static const char *const names[] = { "aes128-gcm@openssh.com",
		"aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		exchange(names[i], "umac-64@openssh.com");
}

static void
test_each_counter_mode_with_each_mac(void **state)
{
	static const char *const names[] = { "aes128-ctr", "aes192-ctr",
		"aes256-ctr" };
	static const char *const macs[] = { "hmac-sha2-256-etm@openssh.com",
		"hmac-sha2-512-etm@openssh.com", "hmac-sha2-256",
		"hmac-sha2-512" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 4; j++)
			exchange(names[i], macs[j]);
}

/* How often sshd changed its keys for what it sends. */
static int
count_rekeys(void)
{
	char *log = sshd_read("log");
	int n = 0;

	for (const char *p = log; (p = strstr(p, "rekeying")) != NULL; p++)
		n++;
	free(log);
	return n;
}

static void
test_rekeys_lose_nothing(void **state)
{
	static const char *const names[] = { "aes128-gcm@openssh.com",
		"chacha20-poly1305@openssh.com", "aes128-ctr" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct client k[8];

		begin(names[i], "hmac-sha2-256", "RekeyLimit 256K\n");
		for (size_t j = 0; j < 8; j++)
			echo(&k[j], 400000);
		run();
		end();
		assert_true(count_rekeys() >= 5);
	}
}

/*
 * Answers about as long as what one turn of the loop reads: no packet may
 * wait in a buffer until others come, because none do.
 */
static void
test_the_last_packet_needs_no_other(void **state)
{
	static const char *const names[] = { "aes128-gcm@openssh.com",
		"aes128-ctr" };
	static const uint32_t sizes[] = { 1, 30000, 262000, 262144, 262145,
		263000, 270000, 280000, 290000, 300000, 400000, 524288,
		530000, 555555, 600000, 786432, 800000, 1048576, 1100000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct client k;

		begin(names[i], "hmac-sha2-256", "");
		memset(&k, 0, sizeof(k));
		w.busy = 1;
		k.ch = channel_open_tcp(w.c, "127.0.0.1", w.port, "127.0.0.1",
		    1, &channel_ops, &k);
		for (size_t j = 0; j < sizeof(sizes) / sizeof(sizes[0]); j++) {
			uint8_t ask[5] = "s";

			packet_store_u32(ask + 1, sizes[j]);
			k.got = 0;
			k.wanted = sizes[j];
			while (channel_write(k.ch, ask, 5) == 0)
				event_base_loop(w.base, EVLOOP_ONCE);
			w.busy = 1;
			run();
		}
		end();
	}
}

/* libssh2's packet entry, which the linker leads to the tap. */
int _libssh2_packet_add(LIBSSH2_SESSION *, unsigned char *, size_t, int,
    uint32_t);

/* What becomes of a server's offer of a rekey. */
static int
meet_offer(const char *host_key, const char *cipher, const char *mac,
    const char *compression)
{
	const char *const lists[] = { "curve25519-sha256", host_key, cipher,
		cipher, mac, mac, compression, compression, "", "" };
	struct packet *p = packet_new(MSG_KEXINIT);
	unsigned char *copy;
	int rc;

	for (int i = 0; i < 16; i++)
		packet_u8(p, 0);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		packet_cstring(p, lists[i]);
	packet_u8(p, 0);
	packet_u32(p, 0);
	copy = malloc(p->len);
	assert_non_null(copy);
	memcpy(copy, p->bytes, p->len);
	rc = _libssh2_packet_add(transport_session(w.server.transport), copy,
	    p->len, 0, 7);
	packet_free(p);
	return rc;
}

/*
 * A rekey can't change what the keys are for: libssh2 would take the new
 * cipher for the old one's state as soon as it has the offer. And nobody would
 * look up another host key.
 */
static void
test_a_rekey_changes_nothing(void **state)
{
	static const char gcm[] = "aes128-gcm@openssh.com";
	static const struct {
		const char *host_key, *cipher, *compression, *why;
	} rows[] = {
		{ "ssh-ed25519", "chacha20-poly1305@openssh.com", "none",
		  "cipher" },
		{ "ecdsa-sha2-nistp256", gcm, "none", "host key" },
		{ "ssh-ed25519", gcm, "zlib@openssh.com", "compression" },
	};
	struct client k;
	struct err err;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(gcm, "hmac-sha2-256", "");
		assert_int_equal(meet_offer(rows[i].host_key, rows[i].cipher,
		    "hmac-sha2-256", rows[i].compression),
		    LIBSSH2_ERROR_KEX_FAILURE);
		assert_int_equal(transport_link_error(w.server.transport,
		    &err), -1);
		assert_non_null(strstr(err.text, rows[i].why));
		end();
	}
	begin("aes128-ctr", "hmac-sha2-256", "");
	assert_int_equal(meet_offer("ssh-ed25519", "aes128-ctr",
	    "hmac-sha2-512", "none"), LIBSSH2_ERROR_KEX_FAILURE);
	end();
	begin("aes128-ctr", "hmac-sha2-256", "RekeyLimit 256K\n");
	/* As if the first exchange had shown another one. */
	((uint8_t *)transport_host_key(w.server.transport, &len))[30] ^= 1;
	echo(&k, 400000);
	for (w.busy = 0; !w.ended && k.got < k.wanted;)
		event_base_loop(w.base, EVLOOP_ONCE);
	assert_int_equal(transport_link_error(w.server.transport, &err), -1);
	assert_non_null(strstr(err.text, "another host key"));
	end();
}

static void
test_goodbye_is_said(void **state)
{
	int pongs = 0;
	char *log;

	(void)state;
	begin("aes128-gcm@openssh.com", "hmac-sha2-256", "");
	ping(&pongs);		/* sshd has left its own preparations */
	run();
	end();
	log = sshd_read("log");
	assert_non_null(strstr(log, "hawser is done"));
	free(log);
}

static int
setup_all(void **state)
{
	char *key;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (uint8_t)(i % PATTERN * 7 + i % PATTERN / 251);
	if (sshd_setup() == -1)
		return -1;
	sshd_keygen("host", "ed25519", "256", "RFC4716");
	sshd_keygen("user", "ed25519", "256", "RFC4716");
	key = sshd_public_half("user");
	sshd_write("authorized_keys", key);
	free(key);
	return 0;
}

static int
teardown_all(void **state)
{
	(void)state;
	sshd_teardown();
	libssh2_exit();
	return 0;
}

static void
test_without_an_sshd(void **state)
{
	(void)state;
	skip();
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_teardown(f, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(test_each_cipher),
		TEST(test_each_counter_mode_with_each_mac),
		TEST(test_rekeys_lose_nothing),
		TEST(test_a_rekey_changes_nothing),
		TEST(test_the_last_packet_needs_no_other),
		TEST(test_goodbye_is_said),
	};
	static const struct CMUnitTest none[] = {
		cmocka_unit_test(test_without_an_sshd),
	};

	if (!sshd_is_there())
		return cmocka_run_group_tests(none, NULL, NULL);
	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
