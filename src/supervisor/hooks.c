/* SPDX-License-Identifier: ISC */
#include "supervisor/hooks.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "base/episode.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/helper.h"
#include "supervisor/notice.h"
#include "supervisor/view.h"

#define KEYWORD		"HawserOnChange"
#define LINES_MAX	50	/* of what one run says, in the log */
#define VARIABLES_MAX	9
#define RETRY_MS	1000	/* where no process can be had */

/* Of a host or forward: from what its hook was told last to what it is. */
struct change {
	enum notice_kind kind;
	char *forward;			/* NULL: it is the host */
	char *from, *to;
	char *class_, *text;		/* NULL: none */
	int64_t wall_ms;		/* of the last */
	unsigned merged;		/* others before it */
	TAILQ_ENTRY(change) entry;
};

/* One that has, or had, a hook. */
struct hook_host {
	struct hooks *hooks;
	char *name;
	char *command;			/* as it was at the last change */
	bool gone;			/* from the table */
	bool queued;
	struct helper *helper;		/* NULL: none runs */
	TAILQ_HEAD(, change) changes;	/* to be told; the oldest first */
	struct episode failing;
	TAILQ_ENTRY(hook_host) entry;
	TAILQ_ENTRY(hook_host) place;	/* in the queue */
};

struct hooks {
	struct event_base *base;
	const struct host_table *table;
	struct notices *notices;
	int limit_s;
	bool stopped;
	unsigned running;
	TAILQ_HEAD(, hook_host) hosts;
	TAILQ_HEAD(, hook_host) queue;	/* have changes, and none runs */
	struct event *due;		/* something may be started */
};

static void
change_free(struct hook_host *h, struct change *c)
{
	TAILQ_REMOVE(&h->changes, c, entry);
	free(c->forward);
	free(c->from);
	free(c->to);
	free(c->class_);
	free(c->text);
	free(c);
}

static void
leave_queue(struct hook_host *h)
{
	if (h->queued)
		TAILQ_REMOVE(&h->hooks->queue, h, place);
	h->queued = false;
}

static void
forget_changes(struct hook_host *h)
{
	struct change *c;

	while ((c = TAILQ_FIRST(&h->changes)) != NULL)
		change_free(h, c);
	leave_queue(h);
}

static void
host_free(struct hook_host *h)
{
	forget_changes(h);
	helper_free(h->helper);
	TAILQ_REMOVE(&h->hooks->hosts, h, entry);
	free(h->name);
	free(h->command);
	free(h);
}

static void
free_if_done(struct hook_host *h)
{
	if (h->gone && h->helper == NULL && TAILQ_EMPTY(&h->changes))
		host_free(h);
}

static struct hook_host *
find(struct hooks *hooks, const char *name)
{
	struct hook_host *h;

	TAILQ_FOREACH(h, &hooks->hosts, entry)
		if (str_equal(h->name, name))
			break;
	return h;
}

static struct hook_host *
host_new(struct hooks *hooks, const char *name)
{
	struct hook_host *h = mem_alloc(sizeof(*h));

	h->hooks = hooks;
	h->name = str_dup(name);
	TAILQ_INIT(&h->changes);
	TAILQ_INSERT_TAIL(&hooks->hosts, h, entry);
	return h;
}

static void
enqueue(struct hook_host *h)
{
	if (!h->queued && h->helper == NULL) {
		TAILQ_INSERT_TAIL(&h->hooks->queue, h, place);
		h->queued = true;
	}
	/* By way of the loop: this is told while the table changes. */
	event_active(h->hooks->due, EV_TIMEOUT, 0);
}

static void
set_text(char **out, const char *text)
{
	free(*out);
	*out = text != NULL ? str_dup(text) : NULL;
}

/* Adds what happened to what is to be told. */
static void
note(struct hook_host *h, const struct notice *n)
{
	struct change *c;

	TAILQ_FOREACH(c, &h->changes, entry)
		if (c->kind == n->kind && str_equal(c->forward, n->forward))
			break;
	if (c == NULL) {
		c = mem_alloc(sizeof(*c));
		c->kind = n->kind;
		set_text(&c->forward, n->forward);
		set_text(&c->from, n->from);
		TAILQ_INSERT_TAIL(&h->changes, c, entry);
	} else {
		c->merged++;
	}
	set_text(&c->to, n->to);
	set_text(&c->class_, n->class_);
	set_text(&c->text, n->text);
	if (c->text != NULL)	/* some of it may be a server's words */
		str_make_printable(c->text);
	c->wall_ms = n->wall_ms;
	enqueue(h);
}

static void
on_notice(void *arg, const struct notice *n)
{
	struct hooks *hooks = arg;
	struct hook_host *h;
	const char *command;

	if (hooks->stopped ||
	    (n->kind != NOTICE_HOST && n->kind != NOTICE_FORWARD))
		return;
	h = find(hooks, n->host);
	if (n->kind == NOTICE_HOST && n->to == NULL && h != NULL) {
		h->gone = true;
		free_if_done(h);
	}
	if (n->from == NULL || n->to == NULL || str_equal(n->from, n->to))
		return;
	command = view_on_change(hooks->table, n->host);
	if (command == NULL || *command == '\0')
		return;
	if (h == NULL)
		h = host_new(hooks, n->host);
	h->gone = false;
	set_text(&h->command, command);
	note(h, n);
}

static void
on_done(void *arg, int fd, const char *error)
{
	struct hook_host *h = arg;
	struct hooks *hooks = h->hooks;

	(void)fd;
	if (error != NULL && episode_begins(&h->failing))
		log_warn(KEYWORD " failed host=%s why=\"%s\"", h->name,
		    error);
	else if (error == NULL && episode_ends(&h->failing))
		log_info(KEYWORD " works again host=%s", h->name);
	helper_free(h->helper);
	h->helper = NULL;
	hooks->running--;
	if (!TAILQ_EMPTY(&h->changes))
		enqueue(h);
	free_if_done(h);
	event_active(hooks->due, EV_TIMEOUT, 0);
}

/* New, with new strings. */
static char **
make_environment(const struct hook_host *h, const struct change *c)
{
	char **env = mem_alloc((VARIABLES_MAX + 1) * sizeof(*env));
	char at[CLOCK_TEXT_SIZE];
	int n = 0;

	clock_format(at, sizeof(at), c->wall_ms);
	env[n++] = str_dupf("HAWSER_EVENT=%s", notice_kind_name(c->kind));
	env[n++] = str_dupf("HAWSER_HOST=%s", h->name);
	env[n++] = str_dupf("HAWSER_FORWARD=%s",
	    c->forward != NULL ? c->forward : "");
	env[n++] = str_dupf("HAWSER_FROM=%s", c->from);
	env[n++] = str_dupf("HAWSER_TO=%s", c->to);
	env[n++] = str_dupf("HAWSER_CLASS=%s",
	    c->class_ != NULL ? c->class_ : "");
	env[n++] = str_dupf("HAWSER_TEXT=%s",
	    c->text != NULL ? c->text : "");
	env[n++] = str_dupf("HAWSER_AT=%s", at);
	env[n++] = str_dupf("HAWSER_SUPPRESSED=%u", c->merged);
	return env;
}

static void
free_environment(char **env)
{
	for (size_t i = 0; env[i] != NULL; i++)
		free(env[i]);
	free(env);
}

/* Tells the oldest change. -1: no process can be had now. */
static int
run(struct hook_host *h, const char *command)
{
	struct change *c = TAILQ_FIRST(&h->changes);
	char **env = make_environment(h, c);
	struct helper_spec spec = { .what = KEYWORD, .host = h->name,
	    .command = command, .env = env, .limit_s = h->hooks->limit_s,
	    .no_output = true, .lines_max = LINES_MAX };
	struct err err;

	h->helper = helper_start(h->hooks->base, &spec, on_done, h, &err);
	free_environment(env);
	if (h->helper == NULL) {
		if (episode_begins(&h->failing))
			log_warn(KEYWORD " is tried again and again host=%s "
			    "why=\"%s\"", h->name, err.text);
		return -1;
	}
	log_debug(KEYWORD " runs host=%s forward=%s from=%s to=%s", h->name,
	    c->forward != NULL ? c->forward : "", c->from, c->to);
	h->hooks->running++;
	leave_queue(h);
	change_free(h, c);
	return 0;
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct timeval later = { RETRY_MS / 1000, RETRY_MS % 1000 * 1000 };
	struct hooks *hooks = arg;
	struct hook_host *h;

	(void)fd;
	(void)what;
	while (hooks->running < HOOKS_RUNNING_MAX &&
	    (h = TAILQ_FIRST(&hooks->queue)) != NULL) {
		/* A reload may have brought another one, or taken it. */
		const char *command = view_on_change(hooks->table, h->name);

		if (command == NULL)	/* the host's last words */
			command = h->command;
		if (*command == '\0') {
			forget_changes(h);
		} else if (run(h, command) == -1) {
			evtimer_add(hooks->due, &later);
			break;
		}
	}
}

struct hooks *
hooks_new(struct event_base *base, const struct host_table *table,
    struct notices *notices, int limit_s)
{
	struct hooks *hooks = mem_alloc(sizeof(*hooks));

	hooks->base = base;
	hooks->table = table;
	hooks->notices = notices;
	hooks->limit_s = limit_s;
	TAILQ_INIT(&hooks->hosts);
	TAILQ_INIT(&hooks->queue);
	if ((hooks->due = evtimer_new(base, on_due, hooks)) == NULL)
		abort();
	notices_join(notices, on_notice, hooks);
	return hooks;
}

void
hooks_stop(struct hooks *hooks)
{
	struct hook_host *h;

	hooks->stopped = true;
	TAILQ_FOREACH(h, &hooks->hosts, entry)
		forget_changes(h);
}

void
hooks_free(struct hooks *hooks)
{
	struct hook_host *h;

	if (hooks == NULL)
		return;
	notices_leave(hooks->notices, on_notice, hooks);
	while ((h = TAILQ_FIRST(&hooks->hosts)) != NULL)
		host_free(h);
	event_free(hooks->due);
	free(hooks);
}
