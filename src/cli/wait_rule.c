/* SPDX-License-Identifier: ISC */
#include "cli/wait_rule.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/status_table.h"

/* The element whose member is this text; its place too. NULL if none. */
static json_t *
find(json_t *array, const char *member, const char *text, size_t *at)
{
	json_t *o;
	size_t i;

	json_array_foreach(array, i, o)
		if (strcmp(field_text(o, member), text) == 0) {
			*at = i;
			return o;
		}
	return NULL;
}

/* Events and changes of a status */

static void
copy(json_t *to, const json_t *event, const char *member, const char *as)
{
	json_t *value = json_object_get(event, member);

	json_object_set_new(to, as, value != NULL ? json_incref(value) :
	    json_null());
}

static void
note_host(json_t *hosts, const json_t *event)
{
	const char *name = field_text(event, "host");
	size_t at;
	json_t *h = find(hosts, "name", name, &at), *end;

	if (!json_is_string(json_object_get(event, "to"))) {
		if (h != NULL)
			json_array_remove(hosts, at);
		return;
	}
	if (h == NULL) {
		h = json_pack("{s:s, s:[]}", "name", name, "forwards");
		json_array_append_new(hosts, h);
	}
	copy(h, event, "to", "state");
	copy(h, event, "attempt", "attempt");
	copy(h, event, "next_attempt_at", "next_attempt_at");
	json_object_set_new(h, "phase", json_null());
	json_object_set_new(h, "detail", json_null());
	json_object_set_new(h, "parked", json_null());
	end = json_object();
	copy(end, event, "class", "class");
	copy(end, event, "text", "text");
	json_object_set_new(h, "last_end", end);
}

static void
note_forward(json_t *hosts, const json_t *event)
{
	const char *id = field_text(event, "forward");
	size_t at;
	json_t *h = find(hosts, "name", field_text(event, "host"), &at), *f;
	json_t *forwards = json_object_get(h, "forwards");

	if (!json_is_array(forwards))
		return;
	f = find(forwards, "id", id, &at);
	if (!json_is_string(json_object_get(event, "to"))) {
		if (f != NULL)
			json_array_remove(forwards, at);
		return;
	}
	if (f == NULL) {
		f = json_pack("{s:s}", "id", id);
		json_array_append_new(forwards, f);
	}
	copy(f, event, "to", "state");
	copy(f, event, "text", "detail");
}

void
wait_note(json_t *status, const json_t *event)
{
	json_t *hosts = json_object_get(status, "hosts");
	const char *kind = field_text(event, "event");

	if (!json_is_array(hosts))
		return;
	if (strcmp(kind, "host") == 0)
		note_host(hosts, event);
	else if (strcmp(kind, "forward") == 0)
		note_forward(hosts, event);
}

/* Verdicts */

/* Does what has this id listen on the server? */
static bool
is_remote(const char *id)
{
	return id[0] == 'R';
}

static bool
is_one_of(const char *state, const char *const *states)
{
	for (; *states != NULL; states++)
		if (strcmp(state, *states) == 0)
			return true;
	return false;
}

static enum wait_verdict
judge_forward(const json_t *f, bool verified, struct str *why)
{
	static const char *const works[] = { "up", "verified", "unprovable",
	    NULL };
	const char *state = field_text(f, "state");
	const char *detail = field_text(f, "detail");

	if (verified ? strcmp(state, "verified") == 0 :
	    is_one_of(state, works))
		return WAIT_DONE;
	str_printf(why, "%s%s is %s", why->len > 0 ? "; " : "",
	    field_text(f, "id"), state);
	if (*detail != '\0')
		str_printf(why, ": %s", detail);
	return strcmp(state, "down") == 0 || strcmp(state, "up") == 0 ?
	    WAIT_MOVING : WAIT_STUCK;
}

/* Of a host that is connected. */
static enum wait_verdict
judge_forwards(const json_t *h, bool verified, struct str *why)
{
	enum wait_verdict worst = WAIT_DONE;
	const json_t *f;
	size_t i;

	json_array_foreach(json_object_get(h, "forwards"), i, f) {
		enum wait_verdict v = judge_forward(f, verified &&
		    is_remote(field_text(f, "id")), why);

		if (v > worst)
			worst = v;
	}
	return worst;
}

/* Of one that isn't. */
static enum wait_verdict
judge_down(const json_t *h, int64_t now_ms, struct str *why)
{
	const char *state = field_text(h, "state");
	struct str detail = { 0 };

	status_host_detail(h, now_ms, &detail);
	str_printf(why, "%s%s%s", state, detail.len > 0 ? ": " : "",
	    detail.len > 0 ? detail.p : "");
	str_fini(&detail);
	if (strcmp(state, "disabled") == 0)
		return WAIT_NEVER;
	return strcmp(state, "parked") == 0 ? WAIT_STUCK : WAIT_MOVING;
}

static enum wait_verdict
no_such_forward(json_t *forwards, const char *id, struct str *why)
{
	size_t count = json_array_size(forwards), i;
	const char **ids = mem_alloc(count * sizeof(*ids)), *near;
	json_t *f;

	json_array_foreach(forwards, i, f)
		ids[i] = field_text(f, "id");
	str_printf(why, "it has no forward %s", id);
	if ((near = str_nearest(id, ids, count)) != NULL)
		str_printf(why, " (did you mean %s?)", near);
	free(ids);
	return WAIT_NEVER;
}

enum wait_verdict
wait_judge(const json_t *status, const char *host, const char *forward,
    bool verified, int64_t now_ms, struct str *why)
{
	static const char *const connected[] = { "up", "degraded", NULL };
	size_t at;
	json_t *h = find(json_object_get(status, "hosts"), "name", host, &at);
	json_t *forwards = json_object_get(h, "forwards"), *f = NULL;
	const char *state = field_text(h, "state");
	enum wait_verdict v;

	if (h == NULL) {
		str_append(why, "there is no such host any more");
		return WAIT_NEVER;
	}
	if (forward != NULL &&
	    (f = find(forwards, "id", forward, &at)) == NULL)
		return no_such_forward(forwards, forward, why);
	if (!is_one_of(state, connected))
		return judge_down(h, now_ms, why);
	if (f != NULL)
		return judge_forward(f, verified, why);
	v = judge_forwards(h, verified, why);
	if (v == WAIT_DONE && strcmp(state, "up") != 0) {
		str_append(why, state);
		return WAIT_MOVING;
	}
	return v;
}
