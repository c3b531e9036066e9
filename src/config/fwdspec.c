/* SPDX-License-Identifier: ISC */
#include "config/fwdspec.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config/expand.h"

#define FIELDS_MAX	4

struct field {
	char *text;		/* borrowed from the copy that is cut */
	bool is_path;
};

/* What the fields say, before it becomes endpoints. NULL where not said. */
struct parts {
	const char *bind, *port, *path;
	const char *host, *host_port, *host_path;
};

/* Cuts at the next ":" that isn't escaped. The end of the field, or NULL. */
static char *
cut_plain(char *p, struct field *out)
{
	for (; *p != '\0'; p++) {
		if (*p == '\\') {
			memmove(p, p + 1, strlen(p));
			if (*p == '\0')
				return NULL;
		} else if (*p == '/') {
			out->is_path = true;
		} else if (*p == ':') {
			*p = '\0';
			return p + 1;
		}
	}
	return p;
}

static char *
cut_bracketed(char *p, struct field *out)
{
	char *end = strchr(p, ']');

	if (end == NULL || (end[1] != ':' && end[1] != '\0'))
		return NULL;
	*end++ = '\0';
	out->is_path = strchr(p, '/') != NULL;
	return *end == ':' ? end + 1 : end;
}

/* Cuts p into fields. Their number, or -1. */
static int
cut(char *p, struct field *fields)
{
	int n = 0;

	while (*p != '\0' && n < FIELDS_MAX) {
		struct field *f = &fields[n++];

		*f = (struct field){ .text = p };
		if (*p == '[') {
			f->text++;
			p = cut_bracketed(p + 1, f);
		} else {
			p = cut_plain(p, f);
		}
		if (p == NULL)
			return -1;
	}
	return *p == '\0' ? n : -1;
}

/* Which field is what, without a target. 0, or -1. */
static int
arrange_listener(const struct field *f, int n, struct parts *out)
{
	if (n == 1 && f[0].is_path)
		*out = (struct parts){ .path = f[0].text };
	else if (n == 1)
		*out = (struct parts){ .port = f[0].text };
	else if (n == 2 && !f[1].is_path)
		*out = (struct parts){ .bind = f[0].text, .port = f[1].text };
	else
		return -1;
	return 0;
}

/* The same with one. */
static int
arrange(const struct field *f, int n, struct parts *out)
{
	if (n == 2 && f[0].is_path && f[1].is_path)
		*out = (struct parts){ .path = f[0].text,
		    .host_path = f[1].text };
	else if (n == 2 && f[1].is_path)
		*out = (struct parts){ .port = f[0].text,
		    .host_path = f[1].text };
	else if (n == 3 && f[0].is_path)
		*out = (struct parts){ .path = f[0].text, .host = f[1].text,
		    .host_port = f[2].text };
	else if (n == 3 && f[2].is_path)
		*out = (struct parts){ .bind = f[0].text, .port = f[1].text,
		    .host_path = f[2].text };
	else if (n == 3)
		*out = (struct parts){ .port = f[0].text, .host = f[1].text,
		    .host_port = f[2].text };
	else if (n == 4)
		*out = (struct parts){ .bind = f[0].text, .port = f[1].text,
		    .host = f[2].text, .host_port = f[3].text };
	else
		return -1;
	return 0;
}

static int
make_unix(struct endpoint *out, const char *path, struct err *err)
{
	if (strlen(path) > ENDPOINT_PATH_MAX)
		return err_set(err, ERR_INPUT,
		    "the socket path is longer than %d bytes: %s",
		    ENDPOINT_PATH_MAX, path);
	*out = (struct endpoint){ .kind = ENDPOINT_UNIX,
	    .host = str_dup(path) };
	return 0;
}

static int
make_tcp(struct endpoint *out, const char *host, const char *port,
    bool zero_is_fine, struct err *err)
{
	uint16_t n;

	if (expand_port(&n, port, err) == -1)
		return -1;
	if (n == 0 && !zero_is_fine)
		return err_set(err, ERR_INPUT, "port 0 can't be used here");
	if (host != NULL && strlen(host) > ENDPOINT_HOST_MAX)
		return err_set(err, ERR_INPUT,
		    "the host name is longer than %d bytes",
		    ENDPOINT_HOST_MAX);
	*out = (struct endpoint){ .kind = ENDPOINT_TCP, .port = n,
	    .host = host != NULL ? str_dup(host) : NULL };
	return 0;
}

static int
build(struct forward *out, const struct parts *p, enum fwdspec_side side,
    struct err *err)
{
	const char *bind = p->bind != NULL && *p->bind == '\0' ? "*" :
	    p->bind;

	if (p->path != NULL) {
		if (make_unix(&out->listen, p->path, err) == -1)
			return -1;
	} else if (make_tcp(&out->listen, bind, p->port,
	    side == FWDSPEC_REMOTE || side == FWDSPEC_REMOTE_WORD,
	    err) == -1) {
		return -1;
	}
	if (p->host_path != NULL) {
		if (make_unix(&out->target, p->host_path, err) == -1)
			return -1;
	} else if (p->host != NULL) {
		/* An empty name is this machine, as it is to getaddrinfo. */
		if (make_tcp(&out->target, *p->host == '\0' ? "localhost" :
		    p->host, p->host_port, false, err) == -1)
			return -1;
	}
	out->id = forward_make_id(out->kind, &out->listen);
	return 0;
}

/* A listening or connecting side as ssh -G prints it. */
static void
show_side(const struct endpoint *e, const char *host, struct str *out)
{
	if (e->kind == ENDPOINT_UNIX)
		str_append(out, e->host);
	else if (host == NULL)
		str_printf(out, "%u", e->port);
	else
		str_printf(out, "[%s]:%u", host, e->port);
}

static void
show(const struct forward *f, const struct parts *p, struct str *out)
{
	show_side(&f->listen, p->bind, out);
	if (f->kind == FORWARD_DYNAMIC)
		return;
	str_append(out, " ");
	if (f->kind == FORWARD_REMOTE_DYNAMIC)
		str_append(out, "[socks]:0");
	else
		show_side(&f->target, p->host, out);
}

static int
parse(struct forward *out, enum fwdspec_side side, char *text,
    struct str *shown, struct err *err)
{
	static const enum forward_kind with_target[] = {
		[FWDSPEC_LOCAL] = FORWARD_LOCAL,
		[FWDSPEC_REMOTE] = FORWARD_REMOTE,
		[FWDSPEC_REMOTE_WORD] = FORWARD_REMOTE,
	};
	struct field fields[FIELDS_MAX];
	struct parts parts;
	int n;

	while (isspace((unsigned char)*text))
		text++;
	if ((n = cut(text, fields)) <= 0)
		return err_set(err, ERR_INPUT, "it is not a forward: an IPv6 "
		    "address needs brackets, and there are at most four "
		    "fields");
	if (side == FWDSPEC_REMOTE_WORD && n > 2)
		return err_set(err, ERR_INPUT, "a blank has to stand between "
		    "the listening side and the target");
	if (side != FWDSPEC_DYNAMIC && arrange(fields, n, &parts) == 0)
		out->kind = with_target[side];
	else if (side != FWDSPEC_LOCAL &&
	    arrange_listener(fields, n, &parts) == 0)
		out->kind = side == FWDSPEC_DYNAMIC ? FORWARD_DYNAMIC :
		    FORWARD_REMOTE_DYNAMIC;
	else
		return err_set(err, ERR_INPUT, side == FWDSPEC_DYNAMIC ?
		    "it is not [bind:]port" :
		    "it is not [bind:]port host:hostport");
	if (build(out, &parts, side, err) == -1)
		return -1;
	if (shown != NULL)
		show(out, &parts, shown);
	return 0;
}

int
fwdspec_parse(struct forward *out, enum fwdspec_side side, const char *spec,
    struct str *shown, struct err *err)
{
	char *text = expand_environment(spec, err);
	int rc;

	if (text == NULL)
		return -1;
	if ((rc = parse(out, side, text, shown, err)) == -1)
		forward_fini(out);
	free(text);
	return rc;
}
