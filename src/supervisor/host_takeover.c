/* SPDX-License-Identifier: ISC */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/host_entry.h"

/*
 * HawserTakeover: a command on the server that frees a port which a dead
 * session of ours still holds. At most once a minute for each forward: what it
 * ends may be alive, or not ours.
 */

#define PAUSE_MS	60000

/* New: the command with the forward's port, or path, in its place. */
static char *
make_command(const struct host_forward *f)
{
	const struct endpoint *at = &f->spec.listen;
	const char *p = f->host->conf->takeover, *mark;
	struct str s;

	str_init(&s);
	for (; (mark = strchr(p, HOST_TAKEOVER_PORT)) != NULL; p = mark + 1) {
		str_append_n(&s, p, (size_t)(mark - p));
		if (at->kind == ENDPOINT_UNIX)
			str_append(&s, at->host);
		else
			str_printf(&s, "%u", at->port);
	}
	str_append(&s, p);
	return str_take(&s);
}

void
host_takeover_order(struct host_forward *f)
{
	struct host_entry *e = f->host;
	int64_t now = clock_now_ms();
	char *command;

	if (e->conf->takeover[0] == '\0' || e->main == NULL ||
	    !host_is_up(e) || (f->takeover_ms != 0 &&
	    now - f->takeover_ms < PAUSE_MS))
		return;
	f->takeover_ms = now;
	f->takeover_runs = true;
	command = make_command(f);
	log_info("HawserTakeover runs on the server host=%s forward=%s "
	    "command=\"%s\"", e->name, f->spec.id, command);
	chain_send(e->main->chain, ORDER_TAKEOVER, json_pack("{s:s, s:s}",
	    "id", f->spec.id, "command", command), NULL, 0);
	free(command);
}

void
host_takeover_on_fact(struct host_entry *e, const struct message *m)
{
	struct host_forward *f = host_forward_find(e, message_string(m, "id"));
	long long status = message_int(m, "status", -1);

	/* One answer for each order, whatever a worker says. */
	if (f == NULL || !f->takeover_runs)
		return;
	f->takeover_runs = false;
	if (status != 0) {
		log_warn("HawserTakeover failed host=%s forward=%s status=%lld "
		    "why=\"%s\" output=\"%s\"", e->name, f->spec.id, status,
		    message_string(m, "text"), message_string(m, "output"));
		return;
	}
	log_info("HawserTakeover has run host=%s forward=%s output=\"%s\"",
	    e->name, f->spec.id, message_string(m, "output"));
	if (f->state == FORWARD_HELD && host_is_up(e))
		host_forward_lend(f);
}
