/* SPDX-License-Identifier: ISC */
#include "worker/visit.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "worker/report.h"

/* Bytes of a sentence, which may be a server's. */
#define TEXT_MAX	500

struct visits {
	struct loop *loop;
	bool on;
	uint64_t count;			/* the last one's number */
	uint64_t lost;			/* facts that were left out */
	struct report_gauge gauge;	/* of lost */
};

enum stage { STAGE_COMING, STAGE_OPEN, STAGE_FAILED };

struct visit {
	struct tunnel *tunnel;
	uint64_t number;
	char *originator;		/* "192.0.2.1:4242"; NULL: none */
	char *target;			/* NULL: not known */
	enum stage stage;
	int64_t opened_ms;
	uint64_t in, out;		/* bytes */
};

static json_t *
encode_lost(void *arg)
{
	struct visits *all = arg;

	return json_pack("{s:I}", "count", (json_int_t)all->lost);
}

struct visits *
visits_new(struct loop *l)
{
	struct visits *all = mem_alloc(sizeof(*all));

	all->loop = l;
	all->gauge = (struct report_gauge){ .name = FACT_LOST,
	    .encode = encode_lost, .arg = all };
	return all;
}

void
visits_free(struct visits *all)
{
	if (all == NULL)
		return;
	report_forget(all->loop->report, &all->gauge);
	free(all);
}

void
visits_watch(struct visits *all, bool on)
{
	all->on = on;
}

/* New. Servers and SOCKS clients may name anything. */
static char *
format(const struct endpoint *e)
{
	struct str s;

	str_init(&s);
	endpoint_format(e, &s);
	if (s.p != NULL)
		str_make_printable(s.p);
	return str_take(&s);
}

struct visit *
visit_new(struct tunnel *t, const char *originator, uint16_t port,
    const struct endpoint *target)
{
	struct visits *all = tunnel_loop(t)->visits;
	struct visit *v;

	if (all == NULL || !all->on || tunnel_is_muted(t))
		return NULL;
	v = mem_alloc(sizeof(*v));
	v->tunnel = t;
	v->number = ++all->count;
	if (port != 0)
		v->originator = format(&(struct endpoint){ ENDPOINT_TCP,
		    (char *)(uintptr_t)originator, port });
	visit_set_target(v, target);
	return v;
}

void
visit_set_target(struct visit *v, const struct endpoint *target)
{
	if (v == NULL || target == NULL)
		return;
	free(v->target);
	v->target = format(target);
}

/* Takes more: what the fact says beside who and where. */
static void
tell(struct visit *v, const char *state, json_t *more)
{
	struct visits *all = tunnel_loop(v->tunnel)->visits;
	json_t *body = json_pack("{s:s, s:I, s:s, s:s*, s:s*}",
	    "id", tunnel_forward(v->tunnel)->id,
	    "no", (json_int_t)v->number, "state", state,
	    "originator", v->originator, "target", v->target);

	json_object_update(body, more);
	json_decref(more);
	if (!all->on) {
		json_decref(body);
	} else if (!report_minor(all->loop->report, FACT_CONNECTION, body)) {
		all->lost++;
		report_touch(all->loop->report, &all->gauge);
	}
}

void
visit_opened(struct visit *v)
{
	if (v == NULL || v->stage != STAGE_COMING)
		return;
	v->stage = STAGE_OPEN;
	v->opened_ms = clock_now_ms();
	tell(v, "open", json_object());
}

void
visit_failed(struct visit *v, const char *why)
{
	char *text;

	if (v == NULL || v->stage != STAGE_COMING)
		return;
	v->stage = STAGE_FAILED;
	text = str_dupf("%.*s", TEXT_MAX, why);
	str_make_printable(text);
	tell(v, "failed", json_pack("{s:s}", "text", text));
	free(text);
}

void
visit_count(struct visit *v, uint64_t in, uint64_t out)
{
	if (v == NULL)
		return;
	v->in += in;
	v->out += out;
}

void
visit_free(struct visit *v)
{
	if (v == NULL)
		return;
	visit_failed(v, "it ended before it was connected");
	if (v->stage == STAGE_OPEN)
		tell(v, "closed", json_pack("{s:I, s:I, s:I}",
		    "in", (json_int_t)v->in, "out", (json_int_t)v->out,
		    "ms", (json_int_t)(clock_now_ms() - v->opened_ms)));
	free(v->originator);
	free(v->target);
	free(v);
}
