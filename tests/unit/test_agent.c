/* SPDX-License-Identifier: ISC */
/* The agent's replies, and agents that fail. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/str.h"
#include "ssh/agent.h"
#include "ssh/packet.h"

static char dir[] = "/tmp/hawser-agent-XXXXXX";

/* Blobs. */

static struct packet *
ed25519_blob(uint8_t fill)
{
	struct packet *p = packet_new(0);
	uint8_t point[32];

	memset(point, fill, sizeof(point));
	packet_cstring(p, "ssh-ed25519");
	packet_string(p, point, sizeof(point));
	return p;
}

static void
put_key(struct packet *to, struct packet *blob, const char *comment)
{
	packet_string(to, blob->bytes + 1, blob->len - 1);
	packet_cstring(to, comment);
	packet_free(blob);
}

static void
assert_text(const struct err *err, enum err_code code, const char *want)
{
	if (err->code != code || strstr(err->text, want) == NULL)
		fail_msg("code %d: \"%s\" has no \"%s\"", err->code, err->text,
		    want);
}

/* Replies. */

static void
keys_are_listed(void **state)
{
	struct packet *p = packet_new(AGENT_IDENTITIES_ANSWER), *odd;
	struct agent_keys keys;
	struct err err;

	(void)state;
	packet_u32(p, 3);
	put_key(p, ed25519_blob(1), "one");
	odd = packet_new(0);
	packet_cstring(odd, "ssh-dss");
	put_key(p, odd, "of no use");
	put_key(p, ed25519_blob(2), "t\x01wo");
	assert_int_equal(agent_reply_keys(p->bytes, p->len, &keys, &err), 0);
	assert_int_equal(keys.count, 2);
	assert_string_equal(keys.items[0].key.type, "ssh-ed25519");
	assert_string_equal(keys.items[0].comment, "one");
	assert_string_equal(keys.items[1].comment, "t?wo");
	agent_keys_fini(&keys);
	/* Every part of it is refused. */
	for (size_t n = 0; n < p->len; n++) {
		assert_int_equal(agent_reply_keys(p->bytes, n, &keys, &err),
		    -1);
		assert_int_equal(err.code, ERR_PROTOCOL);
		assert_null(keys.items);
	}
	packet_free(p);
}

static void
bad_lists(void **state)
{
	struct packet *p = packet_new(AGENT_IDENTITIES_ANSWER);
	uint8_t failure = AGENT_FAILURE, success = 6;
	struct agent_keys keys;
	struct err err;

	(void)state;
	assert_int_equal(agent_reply_keys(&failure, 1, &keys, &err), -1);
	assert_text(&err, ERR_REFUSED, "it refused");
	assert_int_equal(agent_reply_keys(&success, 1, &keys, &err), -1);
	assert_text(&err, ERR_PROTOCOL, "message 6 instead of 12");
	packet_u32(p, 0xffffffff);
	assert_int_equal(agent_reply_keys(p->bytes, p->len, &keys, &err), -1);
	assert_text(&err, ERR_PROTOCOL, "4294967295 keys");
	packet_free(p);
}

/* What agent_reply_signature() says of "ALGORITHM" + "abc" + tail. */
static int
judge(const char *said, const char *asked, size_t tail, const uint8_t **sig,
    size_t *len, struct packet **keep, struct err *err)
{
	static const uint8_t bytes[16] = { 1 };
	struct packet *inner = packet_new(0);
	struct packet *p = packet_new(AGENT_SIGN_RESPONSE);

	packet_cstring(inner, said);
	packet_cstring(inner, "abc");
	for (size_t i = 0; i < tail; i++)
		packet_u8(inner, bytes[i]);
	packet_string(p, inner->bytes + 1, inner->len - 1);
	packet_free(inner);
	*keep = p;
	return agent_reply_signature(p->bytes, p->len, asked, sig, len, err);
}

static void
signatures(void **state)
{
	static const char *const sk = "sk-ssh-ed25519@openssh.com";
	struct packet *p;
	const uint8_t *sig;
	size_t len;
	struct err err;

	(void)state;
	assert_int_equal(judge("ssh-ed25519", "ssh-ed25519", 0, &sig, &len,
	    &p, &err), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(sig, "abc", 3);
	for (size_t n = 0; n < p->len; n++)
		assert_int_equal(agent_reply_signature(p->bytes, n,
		    "ssh-ed25519", &sig, &len, &err), -1);
	packet_free(p);
	/* An old agent that knows no flags. */
	assert_int_equal(judge("ssh-rsa", "rsa-sha2-512", 0, &sig, &len, &p,
	    &err), -1);
	assert_text(&err, ERR_INPUT, "by ssh-rsa, not by rsa-sha2-512");
	packet_free(p);
	assert_int_equal(judge(sk, sk, 5, &sig, &len, &p, &err), 0);
	assert_int_equal(len, 4 + 3 + 5);
	packet_free(p);
	assert_int_equal(judge(sk, sk, 4, &sig, &len, &p, &err), -1);
	assert_int_equal(err.code, ERR_PROTOCOL);
	packet_free(p);
}

static void
plain_names(void **state)
{
	static const char *const rows[][2] = {
		{ "ssh-ed25519", "ssh-ed25519" },
		{ "ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519" },
		{ "rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-512" },
		{ "sk-ssh-ed25519-cert-v01@openssh.com",
		  "sk-ssh-ed25519@openssh.com" },
		{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com" },
		{ "-cert-v01@openssh.com", "-cert-v01@openssh.com" },
	};
	char out[HOST_KEY_TYPE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		public_key_plain_name(rows[i][0], strlen(rows[i][0]), out);
		assert_string_equal(out, rows[i][1]);
	}
}

/* Agents */

static int
listen_at(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	memcpy(sun.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* A child that accepts once, sends reply, and ends; then waits if told to. */
static pid_t
answer_with(int fd, const void *reply, size_t len)
{
	char request[5];	/* a list's */
	pid_t pid = fork();
	int peer;

	assert_int_not_equal(pid, -1);
	if (pid > 0)
		return pid;
	peer = accept(fd, NULL, NULL);
	if (peer == -1 || recv(peer, request, sizeof(request),
	    MSG_WAITALL) != sizeof(request) ||
	    write(peer, reply, len) < 0)
		_exit(1);
	_exit(0);
}

/* What a list ends with if the agent sends this and hangs up. */
static void
list_after(const char *reply, size_t len, struct err *err)
{
	char *path = str_dupf("%s/socket", dir);
	int fd = listen_at(path), status;
	pid_t pid = answer_with(fd, reply, len);
	struct agent *a = agent_open(path, err);
	struct agent_keys keys;
	struct err again;

	assert_non_null(a);
	assert_int_equal(agent_list(a, clock_now_ms() + 20000, &keys, err),
	    -1);
	/* It is not asked a second time. */
	assert_int_equal(agent_list(a, clock_now_ms() + 20000, &keys, &again),
	    -1);
	if (err->code != ERR_REFUSED)
		assert_text(&again, ERR_CLOSED, "it failed before");
	agent_free(a);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	close(fd);
	unlink(path);
	free(path);
}

static void
agents_that_hang_up(void **state)
{
	struct err err;

	(void)state;
	list_after("", 0, &err);
	assert_text(&err, ERR_CLOSED, "it hung up");
	list_after("\0\0", 2, &err);
	assert_text(&err, ERR_CLOSED, "it hung up");
	list_after("\0\0\0\x09\x0c", 5, &err);
	assert_text(&err, ERR_CLOSED, "it hung up");
	list_after("\0\0\0\0", 4, &err);
	assert_text(&err, ERR_PROTOCOL, "0 bytes");
	list_after("\x40\0\0\0", 4, &err);
	assert_text(&err, ERR_PROTOCOL, "1073741824 bytes");
	list_after("\0\0\0\x01\x63", 5, &err);
	assert_text(&err, ERR_PROTOCOL, "message 99");
	list_after("\0\0\0\x01\x05", 5, &err);
	assert_text(&err, ERR_REFUSED, "it refused");
}

static void
silent_agent(void **state)
{
	char *path = str_dupf("%s/silent", dir);
	int fd = listen_at(path);
	int64_t begin = clock_now_ms();
	struct agent_keys keys;
	struct agent *a;
	struct err err;

	(void)state;
	assert_non_null(a = agent_open(path, &err));
	assert_int_equal(agent_list(a, begin + 200, &keys, &err), -1);
	assert_text(&err, ERR_TIMEOUT, "it does not answer");
	assert_non_null(strstr(err.text, path));
	assert_true(clock_now_ms() - begin >= 200);
	assert_true(clock_now_ms() - begin < 10000);
	agent_free(a);
	/* One whose queue is full does not keep us either. */
	for (int i = 0; i < 8; i++)
		if ((a = agent_open(path, &err)) == NULL)
			break;
		else
			agent_free(a);
	close(fd);
	free(path);
}

static void
no_agent(void **state)
{
	char *path = str_dupf("%s/%0200d", dir, 0);
	struct err err;

	(void)state;
	assert_null(agent_open("/nonexistent/agent", &err));
	assert_text(&err, ERR_NOTFOUND, "no agent at /nonexistent/agent");
	assert_null(agent_open(path, &err));
	assert_text(&err, ERR_INPUT, "too long");
	free(path);
}

static int
setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
teardown(void **state)
{
	char *path = str_dupf("%s/silent", dir);

	(void)state;
	unlink(path);
	free(path);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_listed),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(signatures),
		cmocka_unit_test(plain_names),
		cmocka_unit_test(agents_that_hang_up),
		cmocka_unit_test(silent_agent),
		cmocka_unit_test(no_agent),
	};

	return cmocka_run_group_tests_name("agent", tests, setup, teardown);
}
