/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "ipc/message.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

#define FIELDS_MAX	9

struct field {
	const char *name;
	json_type type;
	bool optional;
};

struct row {
	const char *name;		/* on the wire, in member "m" */
	enum message_sender sender;
	size_t fds_min;
	size_t fds_max;
	bool open;			/* order.c checks further members */
	struct field fields[FIELDS_MAX];
};

#define MUST(field, type)	{ field, type, false }
#define MAY(field, type)	{ field, type, true }

/* Which senders' messages exist, and what each must carry. */
static const struct row rows[] = {
	[ORDER_START] = { "order.start", FROM_SUPERVISOR, .open = true },
	[ORDER_LISTEN] = { "order.listen", FROM_SUPERVISOR,
	    .fds_min = 1, .fds_max = MESSAGE_FDS_MAX, .open = true,
	    .fields = { MUST("id", JSON_STRING) } },
	[ORDER_FORWARD] = { "order.forward", FROM_SUPERVISOR, .open = true,
	    .fields = { MUST("id", JSON_STRING) } },
	[ORDER_PROVE] = { "order.prove", FROM_SUPERVISOR,
	    .fields = { MUST("id", JSON_STRING) } },
	[ORDER_TAKEOVER] = { "order.takeover", FROM_SUPERVISOR,
	    .fields = { MUST("id", JSON_STRING),
	        MUST("command", JSON_STRING) } },
	[ORDER_CANCEL] = { "order.cancel", FROM_SUPERVISOR,
	    .fields = { MUST("id", JSON_STRING) } },
	[ORDER_DRAIN] = { .name = "order.drain", .sender = FROM_SUPERVISOR },
	[ORDER_STOP] = { .name = "order.stop", .sender = FROM_SUPERVISOR },
	[ORDER_RECORDED] = { "order.recorded", FROM_SUPERVISOR,
	    .fields = { MAY("error", JSON_STRING) } },
	[ORDER_ADDRESSES] = { "order.addresses", FROM_SUPERVISOR,
	    .fields = { MUST("req", JSON_INTEGER),
	        MUST("addresses", JSON_ARRAY), MAY("error", JSON_STRING) } },
	[ORDER_LINK] = { "order.link", FROM_SUPERVISOR,
	    .fds_min = 1, .fds_max = 1,
	    .fields = { MUST("host", JSON_STRING),
	        MUST("port", JSON_INTEGER) } },
	[ORDER_SECRET] = { "order.secret", FROM_SUPERVISOR,
	    .fds_max = 1,
	    .fields = { MAY("error", JSON_STRING),
	        MAY("source", JSON_STRING) } },
	[ORDER_SET] = { "order.set", FROM_SUPERVISOR, .open = true },
	[ORDER_WATCH] = { "order.watch", FROM_SUPERVISOR,
	    .fields = { MUST("on", JSON_INTEGER) } },
	[ORDER_BEAT] = { .name = "order.beat", .sender = FROM_SUPERVISOR },
	[ORDER_PING] = { "order.ping", FROM_SUPERVISOR,
	    .fields = { MUST("ms", JSON_INTEGER) } },
	[FACT_PHASE] = { "fact.phase", FROM_WORKER,
	    .fields = { MUST("phase", JSON_STRING),
	        MAY("addresses", JSON_ARRAY) } },
	[FACT_UP] = { "fact.up", FROM_WORKER,
	    .fields = { MUST("server", JSON_STRING),
	        MAY("sandbox", JSON_STRING),
	        MAY("targets", JSON_OBJECT) } },
	[FACT_HOSTKEY] = { "fact.hostkey", FROM_WORKER,
	    .fields = { MUST("host_key", JSON_OBJECT) } },
	[FACT_HOSTKEYS] = { "fact.hostkeys", FROM_WORKER,
	    .fields = { MUST("host_keys", JSON_ARRAY) } },
	[FACT_FORWARD] = { "fact.forward", FROM_WORKER,
	    .fields = { MUST("id", JSON_STRING), MUST("state", JSON_STRING),
	        MAY("port", JSON_INTEGER), MAY("detail", JSON_STRING),
	        MAY("bound", JSON_ARRAY), MAY("us", JSON_INTEGER) } },
	[FACT_TAKEOVER] = { "fact.takeover", FROM_WORKER,
	    .fields = { MUST("id", JSON_STRING), MUST("status", JSON_INTEGER),
	        MUST("text", JSON_STRING), MUST("output", JSON_STRING) } },
	[FACT_RTT] = { "fact.rtt", FROM_WORKER,
	    .fields = { MUST("us", JSON_INTEGER) } },
	[FACT_COUNTERS] = { "fact.counters", FROM_WORKER,
	    .fields = { MUST("id", JSON_STRING), MUST("open", JSON_INTEGER),
	        MUST("total", JSON_INTEGER), MUST("failed", JSON_INTEGER),
	        MUST("in", JSON_INTEGER), MUST("out", JSON_INTEGER) } },
	[FACT_CONNECTION] = { "fact.connection", FROM_WORKER,
	    .fields = { MUST("id", JSON_STRING), MUST("no", JSON_INTEGER),
	        MUST("state", JSON_STRING), MAY("originator", JSON_STRING),
	        MAY("target", JSON_STRING), MAY("in", JSON_INTEGER),
	        MAY("out", JSON_INTEGER), MAY("ms", JSON_INTEGER),
	        MAY("text", JSON_STRING) } },
	[FACT_LOST] = { "fact.lost", FROM_WORKER,
	    .fields = { MUST("count", JSON_INTEGER) } },
	[FACT_RESOLVE] = { "fact.resolve", FROM_WORKER,
	    .fields = { MUST("req", JSON_INTEGER),
	        MUST("name", JSON_STRING) } },
	[FACT_LINK] = { .name = "fact.link", .sender = FROM_WORKER },
	[FACT_SECRET] = { "fact.secret", FROM_WORKER,
	    .fields = { MUST("kind", JSON_STRING),
	        MUST("prompt", JSON_STRING), MUST("try", JSON_INTEGER),
	        MAY("key", JSON_STRING) } },
	[FACT_BEAT] = { .name = "fact.beat", .sender = FROM_WORKER },
	[FACT_END] = { "fact.end", FROM_WORKER,
	    .fields = { MUST("class", JSON_STRING), MUST("text", JSON_STRING),
	        MAY("host_key", JSON_OBJECT),
	        MAY("silent_ms", JSON_INTEGER) } },
	[QUERY_RESOLVE] = { "query.resolve", FROM_SUPERVISOR,
	    .fields = { MUST("req", JSON_INTEGER),
	        MUST("name", JSON_STRING) } },
	[ANSWER_RESOLVE] = { "answer.resolve", FROM_RESOLVER,
	    .fields = { MUST("req", JSON_INTEGER),
	        MUST("addresses", JSON_ARRAY), MAY("error", JSON_STRING) } },
	[QUERY_STORE] = { "query.store", FROM_SUPERVISOR,
	    .fields = { MUST("req", JSON_INTEGER),
	        MUST("records", JSON_ARRAY) } },
	[ANSWER_STORE] = { "answer.store", FROM_LEDGER,
	    .fields = { MUST("req", JSON_INTEGER), MAY("error", JSON_STRING),
	        MAY("off", JSON_INTEGER), MAY("fresh", JSON_INTEGER) } },
	[QUERY_HISTORY] = { "query.history", FROM_SUPERVISOR,
	    .fields = { MUST("req", JSON_INTEGER), MUST("now", JSON_INTEGER),
	        MUST("since", JSON_INTEGER), MUST("limit", JSON_INTEGER),
	        MUST("slots", JSON_INTEGER), MUST("run", JSON_INTEGER),
	        MAY("host", JSON_STRING) } },
	[ANSWER_HISTORY] = { "answer.history", FROM_LEDGER,
	    .fields = { MUST("req", JSON_INTEGER), MUST("more", JSON_INTEGER),
	        MAY("outages", JSON_ARRAY), MAY("summary", JSON_ARRAY),
	        MAY("truncated", JSON_INTEGER), MAY("error", JSON_STRING) } },
};
static_assert(sizeof(rows) / sizeof(rows[0]) == MESSAGE_COUNT,
    "one row per message");

static const struct field *
find_field(const struct row *row, const char *name)
{
	for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name != NULL; i++)
		if (strcmp(row->fields[i].name, name) == 0)
			return &row->fields[i];
	return NULL;
}

/* Are all fields there, of their types, and no others? */
static int
check_body(const struct row *row, json_t *body, struct err *err)
{
	const char *key;
	json_t *value;

	for (size_t i = 0; i < FIELDS_MAX && row->fields[i].name != NULL; i++) {
		const struct field *f = &row->fields[i];

		value = json_object_get(body, f->name);
		if (value == NULL && f->optional)
			continue;
		if (value == NULL || json_typeof(value) != f->type)
			return err_set(err, ERR_PROTOCOL,
			    "%s: field \"%s\" is missing or of a wrong type",
			    row->name, f->name);
	}
	json_object_foreach(body, key, value)
		if (!row->open && strcmp(key, "m") != 0 &&
		    find_field(row, key) == NULL)
			return err_set(err, ERR_PROTOCOL,
			    "%s: unknown field", row->name);
	return 0;
}

static int
find_row(const char *name, enum message_sender sender)
{
	for (int i = 0; i < MESSAGE_COUNT; i++)
		if (rows[i].sender == sender &&
		    strcmp(rows[i].name, name) == 0)
			return i;
	return -1;
}

/* All but the descriptors. */
static int
parse(const char *bytes, size_t n, enum message_sender sender,
    struct message *out, struct err *err)
{
	json_error_t why;
	json_t *body;
	const char *name;
	int i;

	body = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &why);
	if (body == NULL)
		return err_set(err, ERR_PROTOCOL, "not a message: %s",
		    why.text);
	name = json_string_value(json_object_get(body, "m"));
	if (name == NULL || (i = find_row(name, sender)) == -1) {
		json_decref(body);
		return err_set(err, ERR_PROTOCOL,
		    "a message that this side may not send");
	}
	if (check_body(&rows[i], body, err) == -1) {
		json_decref(body);
		return -1;
	}
	out->name = (enum message_name)i;
	out->body = body;
	return 0;
}

int
message_parse(const char *bytes, size_t n, size_t fd_count,
    enum message_sender sender, struct message *out, struct err *err)
{
	const struct row *row;

	if (parse(bytes, n, sender, out, err) == -1)
		return -1;
	row = &rows[out->name];
	if (fd_count >= row->fds_min && fd_count <= row->fds_max)
		return 0;
	json_decref(out->body);
	out->body = NULL;
	return err_set(err, ERR_PROTOCOL, "%s: %zu descriptors", row->name,
	    fd_count);
}

static ssize_t
send_with_fds(int sock, char *text, size_t len, const int *fds,
    size_t fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control;
	struct iovec iov = { text, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(sizeof(int) * fd_count) };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&msg);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * fd_count);
	return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

/* Without descriptors by send(2): a worker's sandbox knows no sendmsg(2). */
int
message_send(int sock, enum message_name name, json_t *body, const int *fds,
    size_t fd_count, struct err *err)
{
	char *text;
	ssize_t n;

	assert(fd_count <= rows[name].fds_max);
	json_object_set_new(body, "m", json_string(rows[name].name));
	text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	if (text == NULL)
		return err_set(err, ERR_INPUT, "%s: not valid UTF-8",
		    rows[name].name);
	do
		n = fd_count > 0 ?
		    send_with_fds(sock, text, strlen(text), fds, fd_count) :
		    send(sock, text, strlen(text), MSG_NOSIGNAL);
	while (n == -1 && errno == EINTR);
	free(text);
	if (n != -1)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS)
		return err_set(err, ERR_AGAIN, "the message socket is full");
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
		return err_set(err, ERR_CLOSED, "the other side is gone");
	return err_sys(err, "cannot send %s", rows[name].name);
}

static void
collect_fds(struct msghdr *msg, struct message *out)
{
	struct cmsghdr *c;

	for (c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(out->fds + out->fd_count, CMSG_DATA(c),
		    n * sizeof(int));
		out->fd_count += n;
	}
}

/* Our table of descriptors is full: the message has come without them. */
static int
lose_fds(const char *bytes, size_t n, enum message_sender sender,
    struct message *out, struct err *err)
{
	message_fini(out);
	if (parse(bytes, n, sender, out, err) == -1)
		return -1;
	errno = EMFILE;
	return err_sys(err, "%s has lost its descriptors",
	    rows[out->name].name);
}

int
message_recv(int sock, enum message_sender sender, struct message *out,
    struct err *err)
{
	static char bytes[MESSAGE_SIZE_MAX];	/* one thread per process */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control;
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	out->body = NULL;
	out->fd_count = 0;
	/*
	 * ECONNRESET: the other side has gone and left messages unread. It is
	 * told once, and before those that the other side had sent.
	 */
	do
		n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n == -1 && errno == EAGAIN)
		return err_set(err, ERR_AGAIN, "no message");
	if (n == -1)
		return err_sys(err, "cannot receive a message");
	if (n == 0)
		return 0;
	collect_fds(&msg, out);
	if (msg.msg_flags & MSG_TRUNC) {
		message_fini(out);
		return err_set(err, ERR_PROTOCOL, "a message was cut");
	}
	if (msg.msg_flags & MSG_CTRUNC)
		return lose_fds(bytes, (size_t)n, sender, out, err);
	if (message_parse(bytes, (size_t)n, out->fd_count, sender, out,
	    err) == -1) {
		message_fini(out);
		return -1;
	}
	return 1;
}

void
message_fini(struct message *m)
{
	for (size_t i = 0; i < m->fd_count; i++)
		fd_close_shared(&m->fds[i]);
	m->fd_count = 0;
	json_decref(m->body);
	m->body = NULL;
}

const char *
message_string(const struct message *m, const char *field)
{
	return json_string_value(json_object_get(m->body, field));
}

long long
message_int(const struct message *m, const char *field, long long otherwise)
{
	json_t *value = json_object_get(m->body, field);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}
