/* SPDX-License-Identifier: ISC */
#include "supervisor/view.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/host_entry.h"

static json_t *
wall_time(int64_t wall_ms)
{
	char text[CLOCK_TEXT_SIZE];

	if (wall_ms == 0)
		return json_null();
	clock_format(text, sizeof(text), wall_ms);
	return json_string(text);
}

/* A monotonic time to come (0: none) as people's time. */
static json_t *
coming_time(int64_t at_ms)
{
	if (at_ms == 0)
		return json_null();
	return wall_time(clock_wall_ms() + at_ms - clock_now_ms());
}

static json_t *
text_or_null(const char *text)
{
	json_t *s = text != NULL ? json_string(text) : NULL;

	return s != NULL ? s : json_null();
}

static json_t *
endpoint_text(const struct endpoint *e)
{
	struct str s;
	json_t *text;

	if (e->kind == ENDPOINT_NONE)
		return json_null();
	str_init(&s);
	endpoint_format(e, &s);
	text = text_or_null(s.p);
	str_fini(&s);
	return text;
}

/* Where it listens, as far as that is known. */
static json_t *
bound(const struct host_forward *f)
{
	json_t *array = json_array();

	if (f->proof.bound != NULL) {
		json_decref(array);
		return json_incref(f->proof.bound);
	}
	for (size_t i = 0; i < f->listener.count; i++)
		json_array_append_new(array,
		    text_or_null(f->listener.bound[i]));
	/* The port that the server chose, if it was not proved. */
	if (f->port != 0 && f->spec.listen.port == 0) {
		struct endpoint e = f->spec.listen;

		e.port = f->port;
		json_array_append_new(array, endpoint_text(&e));
	}
	return array;
}

static const char *
forward_detail(const struct host_entry *e, const struct host_forward *f)
{
	if (f->detail != NULL || f->state != FORWARD_DOWN ||
	    !forward_is_local(f->spec.kind))
		return f->detail;
	if (listener_is_open(&f->listener))
		return e->main != NULL && e->up_since_ms != 0 ? NULL :
		    "clients wait until the link is up";
	return e->state == HOST_DISABLED ? NULL :
	    "clients are refused until the link is up";
}

static json_t *
view_forward(const struct host_entry *e, const struct host_forward *f)
{
	const struct host_counters *c = &f->counters;

	return json_pack("{s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o,"
	    " s:o, s:o, s:{s:I, s:I, s:I}, s:{s:I, s:I}}",
	    "id", f->spec.id,
	    "kind", forward_kind_name(f->spec.kind),
	    "listen", endpoint_text(&f->spec.listen),
	    "target", endpoint_text(&f->spec.target),
	    "state", forward_state_name(f->state),
	    "since", wall_time(f->since_wall_ms),
	    "bound", bound(f),
	    "verified_at", wall_time(f->proof.verified_wall_ms),
	    "proof_ms", f->proof.us < 0 ? json_null() :
	    json_real((double)f->proof.us / 1000),
	    "last_ok_at", wall_time(f->last_ok_wall_ms),
	    "retry_at", coming_time(f->retry_at_ms),
	    "detail", text_or_null(forward_detail(e, f)),
	    "connections", "open", (json_int_t)c->open,
	    "total", (json_int_t)c->total, "failed", (json_int_t)c->failed,
	    "bytes", "in", (json_int_t)c->in, "out", (json_int_t)c->out);
}

/* Adds the processes of a connection: first the worker that counts. */
static void
add_members(json_t *array, const struct host_run *run, size_t at)
{
	static const char *const roles[] = {
		[ROLE_MAIN] = "main",
		[ROLE_NEXT] = "next",
		[ROLE_RETIRED] = "draining",
	};
	struct chain_member *members =
	    mem_alloc(chain_size(run->chain) * sizeof(*members));
	size_t count = chain_members(run->chain, members);

	for (size_t i = count; i-- > 0;) {
		const struct chain_member *m = &members[i];
		json_t *o = json_pack("{s:I, s:s, s:o, s:o}",
		    "pid", (json_int_t)m->pid,
		    "role", m->counts ? roles[run->role] : m->role,
		    "name", text_or_null(m->name),
		    "sandbox", text_or_null(m->sandbox));

		json_array_insert_new(array, at++, o);
	}
	free(members);
}

static json_t *
view_workers(const struct host_entry *e)
{
	json_t *array = json_array();
	struct host_run *run;

	TAILQ_FOREACH(run, &e->runs, entry)
		add_members(array, run, run == e->main ? 0 :
		    json_array_size(array));
	return array;
}

json_t *
view_host_key(const struct host_entry *e)
{
	const struct hostkey *k = &e->offered;

	if (k->type == NULL)
		return json_null();
	return json_pack("{s:o, s:s, s:s, s:s, s:o}",
	    "hop", text_or_null(e->offered_by),
	    "verdict", hostkey_verdict_name(k->verdict),
	    "algorithm", k->type, "fingerprint", k->fingerprint,
	    "known_at", text_or_null(k->known_at));
}

static json_t *
view_last_end(const struct host_last_end *last)
{
	if (!last->known)
		return json_null();
	return json_pack("{s:s, s:o, s:o}",
	    "class", end_class_name(last->class_),
	    "text", text_or_null(last->text),
	    "at", wall_time(last->wall_ms));
}

static json_t *
view_parked(const struct host_entry *e)
{
	json_t *o = view_host_key(e);

	if (!json_is_object(o)) {
		json_decref(o);
		o = json_object();
	}
	json_object_set_new(o, "class",
	    json_string(end_class_name(e->last_end.class_)));
	json_object_set_new(o, "text", text_or_null(e->last_end.text));
	return o;
}

static json_t *
ratio_or_null(double ratio)
{
	return ratio < 0 ? json_null() :
	    json_real((double)(int64_t)(ratio * 1e6) / 1e6);
}

static json_t *
host_detail(const struct host_entry *e)
{
	const char *hop = e->state == HOST_CONNECTING && e->main != NULL ?
	    chain_hop(e->main->chain) : NULL;
	const struct host *nearest;
	char *text;
	json_t *o;

	if (hop == NULL && (e->state != HOST_QUEUED || e->claim.granted))
		return json_null();
	nearest = chain_nearest(e->conf);
	text = hop != NULL ? str_dupf("through hop %s", hop) :
	    budget_is_paced(&e->claim) ?
	    str_dupf("%s:%u does not answer: its hosts take turns, one "
	    "attempt a second", nearest->hostname, nearest->port) :
	    str_dupf("waits for one of %d places for new connections at "
	    "%s:%u", BUDGET_PLACES, nearest->hostname, nearest->port);
	o = text_or_null(text);
	free(text);
	return o;
}

static json_t *
view_entry(const struct host_entry *e)
{
	bool has_main = e->main != NULL;
	pid_t pid = has_main ? chain_pid(e->main->chain) : -1;
	bool connecting = has_main && e->state == HOST_CONNECTING;
	int64_t now = clock_now_ms();
	/* Reading counts the time up to now: on a copy. */
	struct availability a = e->availability;
	json_t *o, *forwards = json_array();
	struct host_forward *f;

	TAILQ_FOREACH(f, &e->forwards, entry)
		json_array_append_new(forwards, view_forward(e, f));
	o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:o, s:o,"
	    " s:o, s:o, s:I, s:o, s:o, s:o}",
	    "name", e->name,
	    "state", host_state_name(e->state),
	    "since", wall_time(e->since_wall_ms),
	    "phase", text_or_null(connecting ?
	    phase_name(chain_phase(e->main->chain)) : NULL),
	    "detail", host_detail(e),
	    "rtt_ms", e->rtt_us < 0 ? json_null() :
	    json_real((double)e->rtt_us / 1000),
	    "server", text_or_null(has_main ? e->main->server : NULL),
	    "attempt", (json_int_t)(e->up_since_ms != 0 ? 0 : e->tries),
	    "next_attempt_at", coming_time(e->due_ms),
	    "pid", pid < 0 ? json_null() : json_integer(pid),
	    "workers", view_workers(e),
	    "last_end", view_last_end(&e->last_end),
	    "parked", e->state == HOST_PARKED ? view_parked(e) : json_null(),
	    "outages_24h", (json_int_t)availability_outages(&a, now),
	    "availability_24h", ratio_or_null(availability_ratio(&a, now)),
	    "uptime_s", e->up_since_ms == 0 ? json_null() :
	    json_integer((now - e->up_since_ms) / 1000),
	    "forwards", forwards);
	assert(o != NULL);
	return o;
}

json_t *
view_status(const struct host_table *t, const struct reload_info *info)
{
	json_t *hosts = json_array();
	struct host_entry *e;

	TAILQ_FOREACH(e, &t->hosts, entry)
		json_array_append_new(hosts, view_entry(e));
	return json_pack("{s:s, s:{s:o, s:o, s:i, s:o}, s:o}",
	    "version", HAWSER_VERSION,
	    "config", "loaded_at", wall_time(info->loaded_wall_ms),
	    "tried_at", wall_time(info->tried_wall_ms),
	    "generation", (int)info->generation,
	    "error", text_or_null(info->error),
	    "hosts", hosts);
}

json_t *
view_host(const struct host_table *t, const char *name)
{
	const struct host_entry *e = host_table_find(t, name);

	return e != NULL ? view_entry(e) : NULL;
}

const char *
view_on_change(const struct host_table *t, const char *name)
{
	const struct host_entry *e = host_table_find(t, name);

	return e != NULL ? e->conf->on_change : NULL;
}

json_t *
view_ready(const struct host_table *t, const struct reload_info *info)
{
	json_t *waiting = json_array();
	struct host_entry *e;

	TAILQ_FOREACH(e, &t->hosts, entry)
		if (e->state != HOST_DISABLED && e->state != HOST_UP)
			json_array_append_new(waiting, text_or_null(e->name));
	return json_pack("{s:b, s:o}", "ready",
	    info->generation > 0 && json_array_size(waiting) == 0,
	    "waiting_for", waiting);
}
