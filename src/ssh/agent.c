/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ssh/agent.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"
#include "ssh/packet.h"

/* Flags of a request to sign (RFC 8332's algorithms). */
enum { SIGN_RSA_SHA2_256 = 2, SIGN_RSA_SHA2_512 = 4 };

struct agent {
	int fd;			/* -1 after a failure */
	char *path;
};

struct agent *
agent_open(const char *path, struct err *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct agent *a;
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		err_set(err, ERR_INPUT, "the agent's socket %s has too long a "
		    "path", path);
		return NULL;
	}
	memcpy(sun.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Without waiting: a Unix socket takes us now, or is too busy. */
	if (fd == -1 || connect(fd, (struct sockaddr *)&sun,
	    sizeof(sun)) == -1) {
		err_sys(err, "no agent at %s", path);
		if (err != NULL && (errno == ENOENT || errno == ENOTDIR))
			err->code = ERR_NOTFOUND;
		fd_close(&fd);
		return NULL;
	}
	a = mem_alloc(sizeof(*a));
	a->fd = fd;
	a->path = str_dup(path);
	return a;
}

void
agent_free(struct agent *a)
{
	if (a == NULL)
		return;
	fd_close(&a->fd);
	free(a->path);
	free(a);
}

static int
await(const struct agent *a, short events, int64_t deadline_ms,
    struct err *err)
{
	for (;;) {
		struct pollfd p = { .fd = a->fd, .events = events };
		int64_t left = deadline_ms - clock_now_ms();
		int rc = left <= 0 ? 0 :
		    poll(&p, 1, left > 60000 ? 60000 : (int)left);

		if (rc > 0)
			return 0;
		if (left <= 0)
			return err_set(err, ERR_TIMEOUT,
			    "it does not answer");
		if (rc == -1 && errno != EINTR)
			return err_sys(err, "it cannot be waited for");
	}
}

static int
send_all(const struct agent *a, const uint8_t *bytes, size_t len,
    int64_t deadline_ms, struct err *err)
{
	while (len > 0) {
		ssize_t n = send(a->fd, bytes, len, MSG_NOSIGNAL);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return err_set(err, ERR_CLOSED, "it hung up");
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, "it cannot be asked");
		if (await(a, POLLOUT, deadline_ms, err) == -1)
			return -1;
	}
	return 0;
}

static int
receive_all(const struct agent *a, uint8_t *bytes, size_t len,
    int64_t deadline_ms, struct err *err)
{
	while (len > 0) {
		ssize_t n = recv(a->fd, bytes, len, 0);

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		if (n == 0 || errno == ECONNRESET)
			return err_set(err, ERR_CLOSED, "it hung up");
		if (errno != EAGAIN && errno != EINTR)
			return err_sys(err, "its answer cannot be read");
		if (await(a, POLLIN, deadline_ms, err) == -1)
			return -1;
	}
	return 0;
}

/* One message there, one back: new, or NULL with err set. */
static uint8_t *
exchange(const struct agent *a, const struct packet *request, size_t *len,
    int64_t deadline_ms, struct err *err)
{
	uint8_t head[4], *reply;
	struct reader r;
	uint32_t n;

	packet_store_u32(head, (uint32_t)request->len);
	if (send_all(a, head, sizeof(head), deadline_ms, err) == -1 ||
	    send_all(a, request->bytes, request->len, deadline_ms,
	    err) == -1 ||
	    receive_all(a, head, sizeof(head), deadline_ms, err) == -1)
		return NULL;
	reader_init(&r, head, sizeof(head));
	n = reader_u32(&r);
	if (n == 0 || n > AGENT_REPLY_MAX) {
		err_set(err, ERR_PROTOCOL, "its answer has %u bytes",
		    (unsigned)n);
		return NULL;
	}
	reply = mem_alloc(n);
	if (receive_all(a, reply, n, deadline_ms, err) == -1) {
		free(reply);
		return NULL;
	}
	*len = n;
	return reply;
}

/* The same; takes the request. An agent that fails is of no use any more. */
static uint8_t *
ask(struct agent *a, struct packet *request, size_t *len,
    int64_t deadline_ms, struct err *err)
{
	uint8_t *reply = NULL;

	if (a->fd == -1)
		err_set(err, ERR_CLOSED, "it failed before");
	else if ((reply = exchange(a, request, len, deadline_ms,
	    err)) == NULL)
		fd_close(&a->fd);
	packet_free(request);
	return reply;
}

static int
explain(struct agent *a, struct err *err)
{
	if (err != NULL && err->code == ERR_PROTOCOL)
		fd_close(&a->fd);
	return err_prefix(err, "the agent at %s", a->path);
}

int
agent_list(struct agent *a, int64_t deadline_ms, struct agent_keys *out,
    struct err *err)
{
	size_t len = 0;
	uint8_t *reply = ask(a, packet_new(AGENT_REQUEST_IDENTITIES), &len,
	    deadline_ms, err);
	int rc;

	*out = (struct agent_keys){ 0 };
	if (reply == NULL)
		return explain(a, err);
	rc = agent_reply_keys(reply, len, out, err);
	free(reply);
	return rc == -1 ? explain(a, err) : 0;
}

static uint32_t
sign_flags(const char *plain)
{
	if (strcmp(plain, "rsa-sha2-512") == 0)
		return SIGN_RSA_SHA2_512;
	return strcmp(plain, "rsa-sha2-256") == 0 ? SIGN_RSA_SHA2_256 : 0;
}

int
agent_sign(struct agent *a, const struct public_key *key,
    const char *algorithm, const uint8_t *data, size_t len,
    int64_t deadline_ms, uint8_t **sig, size_t *sig_len, struct err *err)
{
	struct packet *request = packet_new(AGENT_SIGN_REQUEST);
	char plain[HOST_KEY_TYPE_SIZE];
	const uint8_t *found;
	uint8_t *reply;
	size_t n = 0;
	int rc;

	public_key_plain_name(algorithm, strlen(algorithm), plain);
	packet_string(request, key->blob, key->len);
	packet_string(request, data, len);
	packet_u32(request, sign_flags(plain));
	if ((reply = ask(a, request, &n, deadline_ms, err)) == NULL) {
		if (err != NULL && err->code == ERR_TIMEOUT)
			err_set(err, ERR_TIMEOUT, "it does not sign; is a "
			    "touch or a confirmation needed?");
		return explain(a, err);
	}
	rc = agent_reply_signature(reply, n, plain, &found, sig_len, err);
	if (rc == 0) {
		*sig = mem_alloc(*sig_len > 0 ? *sig_len : 1);
		memcpy(*sig, found, *sig_len);
	}
	free(reply);
	return rc == -1 ? explain(a, err) : 0;
}
