/* SPDX-License-Identifier: ISC */
#include "config/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "config/expand.h"
#include "config/host.h"
#include "config/methods.h"
#include "config/report.h"

/* Does a line say what ssh does anyway? Then nothing is lost. */
static bool
is_usual(const struct entry *e)
{
	const struct keyword *k = e->keyword;
	const char *usual = k->ssh_def != NULL ? k->ssh_def : k->def;
	const char *text = e->value.texts[0];
	struct str all;
	bool same;

	if (usual == NULL)
		return strcasecmp(text, "none") == 0;
	str_init(&all);
	for (size_t i = 0; i < e->value.count; i++)
		str_printf(&all, "%s%s", i > 0 ? " " : "", e->value.texts[i]);
	same = strcmp(all.p, usual) == 0;
	str_fini(&all);
	return same;
}

static void
check_keywords(const struct host *h, const struct resolution *r,
    struct config *report)
{
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct entry *e = resolution_entry(r,
		    (enum keyword_id)i);

		if (e == NULL || is_usual(e))
			continue;
		/* ssh's own files are written for people at terminals. */
		if (e->keyword->use == USE_WARNED && !e->lent)
			document_complain(report, SEVERITY_WARNING, e,
			    "%s isn't honoured: %s", e->keyword->name,
			    e->keyword->help);
		else if (e->keyword->use == USE_REFUSED)
			document_complain(report, SEVERITY_ERROR, e,
			    "%s: %s; \"HawserEnabled no\" for %s leaves it "
			    "out", e->keyword->name, e->keyword->help,
			    h->name);
	}
}

static void
check_host_key(const struct host *h, const struct resolution *r,
    struct config *report)
{
	const struct entry *e = resolution_entry(r, KW_STRICTHOSTKEYCHECKING);

	if (e != NULL && h->checking == CHECKING_NO)
		document_complain(report, SEVERITY_WARNING, e,
		    "StrictHostKeyChecking no: any server that answers is "
		    "trusted");
	e = resolution_entry(r, KW_REVOKEDHOSTKEYS);
	for (size_t i = 0; i < h->revoked_key_file_count; i++)
		if (access(h->revoked_key_files[i], R_OK) == -1)
			document_complain(report, SEVERITY_WARNING, e,
			    "RevokedHostKeys %s can't be read: no server is "
			    "trusted until it can", h->revoked_key_files[i]);
}

/* Does it hold a public key? That is for the agent, and anybody may read it. */
static bool
is_public(int fd)
{
	static const char *const begins[] = { "ssh-", "ecdsa-sha2-", "sk-" };
	char head[16];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++)
		if (n >= (ssize_t)strlen(begins[i]) &&
		    memcmp(head, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

/* Is there at least the public half, which chooses an agent's key? */
static bool
has_public_half(const char *path)
{
	char *half = str_dupf("%s.pub", path);
	bool has = access(half, R_OK) == 0;

	free(half);
	return has;
}

/* One configured private key, with "~" and tokens expanded. */
static void
check_key(const char *path, const struct entry *e, struct config *report)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1) {
		int saved = errno;

		if (saved != ENOENT || !has_public_half(path))
			document_complain(report, SEVERITY_WARNING, e,
			    "the key %s can't be read: %s", path,
			    strerror(saved));
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		document_complain(report, SEVERITY_ERROR, e,
		    "the key %s is not a file", path);
	else if (st.st_uid == getuid() && (st.st_mode & 077) != 0 &&
	    !is_public(fd))
		document_complain(report, SEVERITY_ERROR, e,
		    "the private key %s has mode %04o, so that others can "
		    "read it: chmod 600 %s", path, st.st_mode & 07777, path);
	close(fd);
}

static void
check_keys(const struct resolution *r, struct config *report)
{
	const struct setting *s = &r->settings[KW_IDENTITYFILE];

	for (size_t i = 0; i < s->count; i++) {
		const struct entry *e = s->entries[i];
		const char *text = e->value.texts[0];
		char *path, *whole = NULL;

		if (strcasecmp(text, "none") == 0)
			continue;
		path = expand_tilde(text, r->tokens.user, NULL);
		if (path != NULL)
			whole = expand_all(path, HOST_TOKENS, &r->tokens,
			    NULL);
		if (whole != NULL)
			check_key(whole, e, report);
		free(path);
		free(whole);
	}
}

/* May we bind a TCP port that is below the usual bound? */
static bool
may_bind(uint16_t port)
{
	int first = 1024;
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");

	if (f != NULL) {
		if (fscanf(f, "%d", &first) != 1)
			first = 1024;
		fclose(f);
	}
	return port >= first || (caps_effective() & CAPS_LOW_PORTS) != 0;
}

static bool
is_loopback(const char *bind)
{
	return bind == NULL || strcmp(bind, "localhost") == 0 ||
	    strncmp(bind, "127.", 4) == 0 || strcmp(bind, "::1") == 0;
}

static void
check_local_port(const struct forward *f, const struct origin *o,
    struct config *report)
{
	if (f->listen.kind != ENDPOINT_TCP || !forward_is_local(f->kind))
		return;
	if (!may_bind(f->listen.port))
		report_add_at(report, SEVERITY_WARNING, o->file, o->line,
		    o->column,
		    "port %u needs the right to bind ports below 1024 "
		    "(CAP_NET_BIND_SERVICE), which this process hasn't",
		    f->listen.port);
	if (!is_loopback(f->listen.host))
		report_add_at(report, SEVERITY_NOTE, o->file, o->line,
		    o->column,
		    "port %u is open to other machines, which then come out "
		    "at the server", f->listen.port);
}

static void
complain_of_shadow(const struct shadow *s, struct config *report)
{
	char *winner = document_place(s->winner);

	document_complain(report, SEVERITY_WARNING, s->idle, "%s has no "
	    "effect here: %s has set it for every host, and the first value "
	    "wins", s->idle->keyword->name, winner);
	free(winner);
}

/* Lines that a more general block before them has made idle. */
static void
check_shadows(const struct resolution *r, struct config *report)
{
	for (size_t i = 0; i < r->shadow_count; i++) {
		const struct shadow *s = &r->shadows[i];

		if (s->idle->keyword->use == USE_HONOURED && !s->idle->lent)
			complain_of_shadow(s, report);
	}
}

static void
check_forwards(const struct host *h, struct config *report)
{
	for (size_t i = 0; i < h->forward_count; i++)
		check_local_port(&h->forwards[i], &h->forward_origins[i],
		    report);
}

void
check_host(const struct host *h, const struct resolution *r,
    struct config *report)
{
	check_keywords(h, r, report);
	check_host_key(h, r, report);
	check_keys(r, report);
	methods_check(h, r, report);
	check_forwards(h, report);
	check_shadows(r, report);
}
