/* SPDX-License-Identifier: ISC */
#include "worker/tunnel.h"

#include <stdlib.h>

#include "base/str.h"
#include "worker/report.h"

struct tunnel {
	struct loop *loop;
	struct forward forward;
	char *target;
	unsigned refs;
	bool muted;

	bool told;			/* state, port, detail were sent */
	enum forward_state state;
	uint16_t port;
	char *detail;

	struct report_gauge gauge;
	uint64_t open;
	uint64_t total;
	uint64_t failed;
	uint64_t in;			/* bytes */
	uint64_t out;
};

static json_t *
encode_counters(void *arg)
{
	struct tunnel *t = arg;

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}",
	    "id", t->forward.id,
	    "open", (json_int_t)t->open, "total", (json_int_t)t->total,
	    "failed", (json_int_t)t->failed,
	    "in", (json_int_t)t->in, "out", (json_int_t)t->out);
}

static void
set_target(struct tunnel *t)
{
	struct str s;

	str_init(&s);
	endpoint_format(&t->forward.target, &s);
	free(t->target);
	t->target = str_take(&s);
}

struct tunnel *
tunnel_new(struct loop *l, const struct forward *f)
{
	struct tunnel *t = mem_alloc(sizeof(*t));

	t->loop = l;
	t->refs = 1;
	t->state = FORWARD_DOWN;
	t->gauge = (struct report_gauge){ .name = FACT_COUNTERS,
	    .encode = encode_counters, .arg = t };
	forward_copy(&t->forward, f);
	set_target(t);
	return t;
}

struct tunnel *
tunnel_ref(struct tunnel *t)
{
	t->refs++;
	return t;
}

void
tunnel_unref(struct tunnel *t)
{
	if (--t->refs > 0)
		return;
	report_forget(t->loop->report, &t->gauge);
	forward_fini(&t->forward);
	free(t->target);
	free(t->detail);
	free(t);
}

struct loop *
tunnel_loop(const struct tunnel *t)
{
	return t->loop;
}

const struct forward *
tunnel_forward(const struct tunnel *t)
{
	return &t->forward;
}

const char *
tunnel_target(const struct tunnel *t)
{
	return t->target;
}

void
tunnel_retarget(struct tunnel *t, const struct forward *f)
{
	endpoint_fini(&t->forward.target);
	endpoint_copy(&t->forward.target, &f->target);
	t->forward.kind = f->kind;
	set_target(t);
}

/* New: the body of the fact. */
static json_t *
note_state(struct tunnel *t, enum forward_state state, uint16_t port,
    const char *detail)
{
	json_t *body;
	char *copy = detail != NULL ? str_dup(detail) : NULL;

	t->told = true;
	t->state = state;
	t->port = port;
	free(t->detail);
	t->detail = copy;
	body = json_pack("{s:s, s:s}", "id", t->forward.id,
	    "state", forward_state_name(state));
	if (port != 0)
		json_object_set_new(body, "port", json_integer(port));
	if (detail != NULL)
		json_object_set_new(body, "detail", json_string(t->detail));
	return body;
}

static void
tell(struct tunnel *t, json_t *body)
{
	if (t->muted)
		json_decref(body);
	else
		report_fact(t->loop->report, FACT_FORWARD, body);
}

void
tunnel_restate(struct tunnel *t, enum forward_state state, uint16_t port,
    const char *detail)
{
	tell(t, note_state(t, state, port, detail));
}

void
tunnel_proved(struct tunnel *t, const struct bind_truth *truth, int64_t us)
{
	bool down = t->state == FORWARD_TARGET_DOWN;
	json_t *body = note_state(t, down ? t->state : truth->state, t->port,
	    down ? t->detail : truth->detail);
	json_t *bound = json_array();

	for (size_t i = 0; i < truth->bound_count; i++)
		json_array_append_new(bound, json_string(truth->bound[i]));
	json_object_set_new(body, "bound", bound);
	if (us >= 0)
		json_object_set_new(body, "us", json_integer(us));
	tell(t, body);
}

void
tunnel_state(struct tunnel *t, enum forward_state state, uint16_t port,
    const char *detail)
{
	if (!t->told || t->state != state || t->port != port ||
	    !str_equal(t->detail, detail))
		tunnel_restate(t, state, port, detail);
}

void
tunnel_reached(struct tunnel *t)
{
	if (t->told && (t->state == FORWARD_TARGET_DOWN ||
	    t->state == FORWARD_DENIED))
		tunnel_state(t, FORWARD_UP, t->port, NULL);
}

void
tunnel_missed(struct tunnel *t, enum forward_state state, const char *detail)
{
	tunnel_count_failed(t);
	if (t->told)
		tunnel_state(t, state, t->port, detail);
}

void
tunnel_mute(struct tunnel *t)
{
	t->muted = true;
	report_forget(t->loop->report, &t->gauge);
}

bool
tunnel_is_muted(const struct tunnel *t)
{
	return t->muted;
}

static void
touch(struct tunnel *t)
{
	if (!t->muted)
		report_touch(t->loop->report, &t->gauge);
}

void
tunnel_count_open(struct tunnel *t)
{
	t->open++;
	t->total++;
	touch(t);
}

void
tunnel_count_close(struct tunnel *t)
{
	t->open--;
	touch(t);
}

void
tunnel_count_failed(struct tunnel *t)
{
	t->failed++;
	touch(t);
}

void
tunnel_count_bytes(struct tunnel *t, uint64_t in, uint64_t out)
{
	t->in += in;
	t->out += out;
	touch(t);
}
