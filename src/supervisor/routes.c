/* SPDX-License-Identifier: ISC */
#include "supervisor/routes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/plan.h"
#include "supervisor/openmetrics.h"
#include "supervisor/view.h"

json_t *
routes_error(const char *text)
{
	return json_pack("{s:s}", "error", text);
}

static struct routes_reply
reply(int status, json_t *body)
{
	return (struct routes_reply){ .status = status, .body = body };
}

static struct routes_reply
no_such_host(struct routes_call *c)
{
	char *text = str_dupf("no host %s", c->name);
	json_t *body = routes_error(text);

	free(text);
	if (body == NULL)
		body = routes_error("no such host");
	return reply(404, body);
}

static struct routes_reply
get_status(struct routes_call *c)
{
	struct reload_info info = reload_info(c->env->reload);

	return reply(200, view_status(c->env->table, &info));
}

static struct routes_reply
get_host(struct routes_call *c)
{
	json_t *host = view_host(c->env->table, c->name);

	return host != NULL ? reply(200, host) : no_such_host(c);
}

/* A supervisor that answers is alive: that is all this says. */
static struct routes_reply
get_healthz(struct routes_call *c)
{
	(void)c;
	return reply(200, json_pack("{s:b}", "ok", 1));
}

static struct routes_reply
get_readyz(struct routes_call *c)
{
	struct reload_info info = reload_info(c->env->reload);
	json_t *body = view_ready(c->env->table, &info);
	bool ready = json_is_true(json_object_get(body, "ready"));

	return reply(ready ? 200 : 503, body);
}

static struct routes_reply
get_metrics(struct routes_call *c)
{
	struct reload_info info = reload_info(c->env->reload);

	return (struct routes_reply){ .status = 200, .type = OPENMETRICS_TYPE,
	    .text = view_metrics(c->env->table, &info) };
}

/* How many hosts each action of the plan is for. */
static json_t *
count_changes(const struct plan *p)
{
	static const struct {
		const char *name;
		enum plan_action action;
	} rows[] = {
		{ "added", PLAN_ADD },
		{ "removed", PLAN_REMOVE },
		{ "replaced", PLAN_REPLACE },
		{ "changed", PLAN_LIVE },
		{ "kept", PLAN_KEEP },
	};
	json_t *o = json_object();

	static_assert(sizeof(rows) / sizeof(rows[0]) == PLAN_ACTION_COUNT,
	    "every action is counted");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		json_object_set_new(o, rows[i].name, json_integer(
		    (json_int_t)p->counts[rows[i].action]));
	return o;
}

static json_t *
plan_text(const struct plan *p)
{
	struct str s;
	json_t *j;

	str_init(&s);
	plan_format(p, &s);
	j = json_string(s.p != NULL ? s.p : "");
	str_fini(&s);
	return j;
}

static void
answer_reload(struct routes_call *c, const struct reload_result *r,
    bool dry_run)
{
	json_t *body;

	if (r->error != NULL) {
		c->later(c, 422, json_pack("{s:b, s:s}", "ok", 0, "error",
		    r->error));
		return;
	}
	body = json_pack("{s:b, s:n, s:b, s:o}", "ok", 1, "error",
	    "dry_run", dry_run, "changes", count_changes(r->plan));
	if (dry_run) {
		json_object_set_new(body, "plan", plan_encode(r->plan));
		json_object_set_new(body, "text", plan_text(r->plan));
	}
	c->later(c, 200, body);
}

static void
on_reloaded(void *arg, const struct reload_result *r)
{
	answer_reload(arg, r, false);
}

static void
on_planned(void *arg, const struct reload_result *r)
{
	answer_reload(arg, r, true);
}

/* A flag of the query: "1" or "0". -1 if it is something else. */
static int
flag(struct routes_call *c, const char *name)
{
	const char *value = c->argument != NULL ? c->argument(c, name) : NULL;

	if (value == NULL || strcmp(value, "0") == 0)
		return 0;
	return strcmp(value, "1") == 0 ? 1 : -1;
}

/* The hosts that a listener wants to hear of. */
struct names {
	const char **list;		/* borrowed from the query */
	size_t count;
};

static void
add_name(void *arg, const char *value)
{
	struct names *n = arg;

	n->list = mem_grow(n->list, n->count + 1, sizeof(*n->list));
	n->list[n->count++] = value;
}

static struct routes_reply
get_events(struct routes_call *c)
{
	struct names hosts = { NULL, 0 };
	int status = flag(c, "status"), all = flag(c, "connections");
	struct event_stream *s;
	struct err err;

	if (status == -1 || all == -1)
		return reply(400, routes_error("status and connections are 0 "
		    "or 1"));
	if (c->arguments != NULL)
		c->arguments(c, "host", add_name, &hosts);
	s = event_stream_open(c->env->events, &(struct event_wish){
	    .hosts = hosts.list, .host_count = hosts.count,
	    .status = status == 1, .connections = all == 1 }, &err);
	free(hosts.list);
	if (s == NULL)
		return reply(err.code == ERR_NOTFOUND ? 404 : 503,
		    routes_error(err.text));
	return (struct routes_reply){ .status = 200, .stream = s };
}

static struct routes_reply
post_reload(struct routes_call *c)
{
	int dry_run = flag(c, "dry_run"), force = flag(c, "force");

	if (dry_run == -1 || force == -1)
		return reply(400, routes_error("dry_run and force are 0 or 1"));
	reload_start(c->env->reload, (struct reload_wish){
	    .dry_run = dry_run == 1, .force = force == 1 },
	    dry_run == 1 ? on_planned : on_reloaded, c);
	return reply(0, NULL);
}

static struct routes_reply
act_on_host(struct routes_call *c, void (*act)(struct host_entry *))
{
	struct host_entry *e = host_table_find(c->env->table, c->name);

	if (e == NULL)
		return no_such_host(c);
	act(e);
	return get_host(c);
}

static struct routes_reply
post_retry(struct routes_call *c)
{
	return act_on_host(c, host_retry);
}

static struct routes_reply
post_up(struct routes_call *c)
{
	return act_on_host(c, host_up);
}

static struct routes_reply
post_down(struct routes_call *c)
{
	return act_on_host(c, host_down);
}

static struct routes_reply
get_hostkey(struct routes_call *c)
{
	struct host_entry *e = host_table_find(c->env->table, c->name);

	if (e == NULL)
		return no_such_host(c);
	return reply(200, json_pack("{s:s, s:o}", "name", c->name,
	    "host_key", view_host_key(e)));
}

static struct routes_reply
post_hostkey(struct routes_call *c)
{
	struct host_entry *e = host_table_find(c->env->table, c->name);
	json_t *body = json_loads(c->body, 0, NULL);
	const char *print = json_string_value(json_object_get(body,
	    "accept"));
	struct routes_reply r;
	struct err err;
	char *file;

	if (e == NULL)
		r = no_such_host(c);
	else if (print == NULL)
		r = reply(400, routes_error("the body has to be "
		    "{\"accept\":\"SHA256:...\"}"));
	else if (host_accept_key(e, print, &file, &err) == -1)
		r = reply(409, routes_error(err.text));
	else {
		r = reply(200, json_pack("{s:b, s:s}", "ok", 1, "file",
		    file));
		free(file);
	}
	json_decref(body);
	return r;
}

#define HISTORY_MS	((int64_t)7 * 24 * 60 * 60 * 1000)
#define HISTORY_LIMIT	1000

static void
on_history(void *arg, json_t *history, const char *error)
{
	struct routes_call *c = arg;
	struct routes_reply r = { .status = 200 };

	if (error != NULL)
		r = reply(503, routes_error(error));
	else if (c->name != NULL &&
	    host_table_find(c->env->table, c->name) == NULL &&
	    json_array_size(json_object_get(history, "summary")) == 0 &&
	    json_array_size(json_object_get(history, "outages")) == 0)
		r = no_such_host(c);
	else
		r.body = json_incref(history);
	c->later(c, r.status, r.body);
}

/* A whole number of the query, or otherwise; -1 if it is none, or too large. */
static int
number(struct routes_call *c, const char *name, int otherwise, int max)
{
	const char *value = c->argument != NULL ? c->argument(c, name) : NULL;
	char *end;
	long n;

	if (value == NULL)
		return otherwise;
	n = strtol(value, &end, 10);
	return *value < '0' || *value > '9' || *end != '\0' || n > max ? -1 :
	    (int)n;
}

static struct routes_reply
get_history(struct routes_call *c)
{
	const char *since = c->argument != NULL ? c->argument(c, "since") :
	    NULL, *host = c->argument != NULL ? c->argument(c, "host") : NULL;
	struct ledger_question q = {
		.host = host,
		.since_wall_ms = clock_wall_ms() - HISTORY_MS,
		.limit = number(c, "limit", HISTORY_LIMIT, LEDGER_LIMIT_MAX),
	};

	if (since != NULL && clock_parse(&q.since_wall_ms, since, NULL) == -1)
		return reply(400, routes_error("since is a time like "
		    "2026-11-20T06:46:51Z"));
	if (q.limit == -1)
		return reply(400, routes_error("limit is a number up to "
		    "5000"));
	if (c->env->ledger == NULL)
		return reply(503, routes_error("outages are not recorded: "
		    "hawserd's log says why"));
	if (host != NULL) {
		json_t *name = json_string(host);

		c->name = str_dup(host);
		json_decref(name);
		if (name == NULL)	/* not UTF-8: nobody is called so */
			return no_such_host(c);
	}
	ledger_ask(c->env->ledger, &q, on_history, c);
	return reply(0, NULL);
}

static const struct route {
	const char *method;
	const char *path;	/* '*' stands for one segment: a host */
	unsigned right;		/* that a caller needs */
	struct routes_reply (*answer)(struct routes_call *);
} routes[] = {
	{ "GET", "/v1/status", ROUTES_READ, get_status },
	{ "GET", "/v1/hosts/*", ROUTES_READ, get_host },
	{ "GET", "/v1/events", ROUTES_READ, get_events },
	{ "GET", "/v1/history", ROUTES_READ, get_history },
	{ "GET", "/healthz", ROUTES_READ, get_healthz },
	{ "GET", "/readyz", ROUTES_READ, get_readyz },
	{ "GET", "/metrics", ROUTES_READ, get_metrics },
	{ "POST", "/v1/reload", ROUTES_WRITE, post_reload },
	{ "POST", "/v1/hosts/*/retry", ROUTES_WRITE, post_retry },
	{ "POST", "/v1/hosts/*/up", ROUTES_WRITE, post_up },
	{ "POST", "/v1/hosts/*/down", ROUTES_WRITE, post_down },
	{ "GET", "/v1/hosts/*/hostkey", ROUTES_READ, get_hostkey },
	{ "POST", "/v1/hosts/*/hostkey", ROUTES_WRITE, post_hostkey },
};

static struct routes_reply
forbidden(void)
{
	return reply(403, routes_error("this is not for you here: use the "
	    "Unix socket"));
}

/* Does path match? What '*' stands for goes to *name (new). */
static bool
match(const char *pattern, const char *path, char **name)
{
	const char *star = strchr(pattern, '*');
	size_t before, len;

	if (star == NULL)
		return strcmp(pattern, path) == 0;
	before = (size_t)(star - pattern);
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	if (len == 0 || strcmp(path + before + len, star + 1) != 0)
		return false;
	free(*name);
	*name = str_dupf("%.*s", (int)len, path + before);
	return true;
}

struct routes_reply
routes_answer(struct routes_call *c)
{
	const char *method = strcmp(c->method, "HEAD") == 0 ? "GET" :
	    c->method;
	struct routes_reply r = { .status = 404 };

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!match(routes[i].path, c->path, &c->name))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return (c->rights & routes[i].right) != 0 ?
			    routes[i].answer(c) : forbidden();
		r.status = 405;
		r.allow = routes[i].method;
	}
	r.body = routes_error(r.status == 405 ?
	    "this path has no such method" : "no such path");
	return r;
}

void
routes_call_fini(struct routes_call *c)
{
	reload_forget(c->env->reload, c);
	if (c->env->ledger != NULL)
		ledger_forget(c->env->ledger, c);
	free(c->name);
	c->name = NULL;
}
