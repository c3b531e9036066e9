/* SPDX-License-Identifier: ISC */
#include "cli/cmd_wait.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api_call.h"
#include "cli/field.h"
#include "cli/wait_rule.h"

#define TIMEOUT_MAX_S	(366 * 24 * 60 * 60)
#define TRY_MS		200	/* between looks for a hawserd that starts */
#define CROWD_MS	1000	/* when too many others listen */
#define REFUSALS_MAX	5	/* in a row: one that ends hangs up, too */

/* What is waited for. */
struct goal {
	char *host;
	const char *forward;		/* borrowed; NULL: the whole host */
	enum wait_verdict verdict;
	bool told;			/* that it is waited for */
	bool stuck;			/* that was told */
};

struct wait {
	struct goal *goals;		/* all hosts, as they come, if none
					   was named */
	size_t goal_count;
	bool all;
	bool verified;
	int64_t deadline_ms;		/* clock_now_ms(); 0: none */
	unsigned refusals;		/* in a row */
	json_t *status;			/* of hawserd, as it is now */
	enum wait_verdict verdict;	/* DONE and NEVER are final */
};

static void
say(const struct goal *g, const char *before, const char *why)
{
	struct err err;

	err_set(&err, ERR_NONE, "%s%s%s%s: %s", before, g->host,
	    g->forward != NULL ? ":" : "",
	    g->forward != NULL ? g->forward : "", why);
	command_fail(&err);
}

static bool
is_late(const struct wait *w)
{
	return w->deadline_ms != 0 && clock_now_ms() >= w->deadline_ms;
}

/* Tells what keeps a goal: once, and when somebody had better know. */
static void
tell(struct goal *g, bool late, const char *why)
{
	enum wait_verdict v = g->verdict;

	if (v == WAIT_NEVER)
		say(g, "", why);
	else if (late)
		say(g, "still not there: ", why);
	else if (!g->told || (v == WAIT_STUCK && !g->stuck))
		say(g, "waiting for ", why);
	g->told = true;
	g->stuck = v == WAIT_STUCK;
}

/* Of all hosts, those that shall not run don't count. */
static void
judge_goal(struct wait *w, struct goal *g, bool late)
{
	struct str why = { 0 };

	g->verdict = wait_judge(w->status, g->host, g->forward, w->verified,
	    clock_wall_ms(), &why);
	if (w->all && g->verdict == WAIT_NEVER)
		g->verdict = WAIT_DONE;
	if (g->verdict != WAIT_DONE)
		tell(g, late, why.p);
	str_fini(&why);
}

/* The goals of that host, or (NULL) all. */
static void
judge(struct wait *w, const char *host, bool late)
{
	for (size_t i = 0; i < w->goal_count; i++)
		if (host == NULL || strcmp(w->goals[i].host, host) == 0)
			judge_goal(w, &w->goals[i], late);
}

static enum wait_verdict
worst(const struct wait *w)
{
	enum wait_verdict v = WAIT_DONE;

	for (size_t i = 0; i < w->goal_count; i++)
		if (w->goals[i].verdict > v)
			v = w->goals[i].verdict;
	return v;
}

static struct goal *
add_goal(struct wait *w)
{
	w->goals = mem_grow(w->goals, w->goal_count + 1, sizeof(*w->goals));
	w->goals[w->goal_count] = (struct goal){ .verdict = WAIT_MOVING };
	return &w->goals[w->goal_count++];
}

/* This host is a goal, too, if all are. */
static void
aim_at(struct wait *w, const char *host)
{
	if (!w->all)
		return;
	for (size_t i = 0; i < w->goal_count; i++)
		if (strcmp(w->goals[i].host, host) == 0)
			return;
	add_goal(w)->host = str_dup(host);
}

static void
on_status(struct wait *w, const json_t *event)
{
	json_t *h;
	size_t i;

	json_decref(w->status);
	w->status = json_deep_copy(event);
	json_array_foreach(json_object_get(w->status, "hosts"), i, h)
		aim_at(w, field_text(h, "name"));
	judge(w, NULL, false);
}

static void
on_event(struct wait *w, const json_t *event)
{
	const char *host = json_string_value(json_object_get(event, "host"));

	if (w->status == NULL || host == NULL)
		return;
	wait_note(w->status, event);
	aim_at(w, host);
	judge(w, host, false);
}

static bool
on_line(void *arg, const char *line, const json_t *event)
{
	struct wait *w = arg;

	(void)line;
	if (strcmp(field_text(event, "event"), "status") == 0)
		on_status(w, event);
	else
		on_event(w, event);
	if (w->status == NULL)
		return true;
	w->verdict = worst(w);
	return w->verdict != WAIT_DONE && w->verdict != WAIT_NEVER &&
	    !is_late(w);
}

static void
free_goals(struct wait *w)
{
	for (size_t i = 0; i < w->goal_count; i++)
		free(w->goals[i].host);
	free(w->goals);
}

/* New. */
static char *
make_path(const struct wait *w)
{
	struct str path = { 0 };

	str_append(&path, "/v1/events?status=1");
	for (size_t i = 0; i < w->goal_count && !w->all; i++) {
		str_append(&path, "&host=");
		api_encode(&path, w->goals[i].host);
	}
	return str_take(&path);
}

static void
nap(const struct wait *w, int64_t ms)
{
	int64_t left = w->deadline_ms - clock_now_ms();
	struct timespec ts;

	if (w->deadline_ms != 0 && left < ms)
		ms = left > 0 ? left : 0;
	ts = (struct timespec){ ms / 1000, ms % 1000 * 1000000 };
	nanosleep(&ts, NULL);
}

/*
 * May the next try have a better answer? A hawserd that is to start is waited
 * for only if there is a limit to that.
 */
static bool
is_passing(struct wait *w, const struct err *err)
{
	w->refusals = err->code == ERR_PERM ? w->refusals + 1 : 0;
	if (err->code == ERR_AGAIN)
		return true;
	if (err->code == ERR_PERM && w->refusals > REFUSALS_MAX)
		return false;
	return w->deadline_ms != 0 &&
	    (err->code == ERR_CLOSED || err->code == ERR_TIMEOUT ||
	    err->code == ERR_PERM);
}

/* An exit code. */
static int
wait_on(struct wait *w, const char *socket)
{
	char *path = make_path(w);
	struct api_follow what = { .socket = socket, .path = path,
	    .deadline_ms = w->deadline_ms, .on_line = on_line, .arg = w };
	struct err err = { 0 };
	int rc = -1;

	while (rc == -1) {
		int end = api_follow(&what, &err);

		if (end != -1 && (w->verdict == WAIT_DONE ||
		    w->verdict == WAIT_NEVER))
			rc = w->verdict == WAIT_DONE ? EXIT_FINE : EXIT_NO;
		else if (end != -1 && is_late(w)) {
			judge(w, NULL, true);
			rc = EXIT_NO;
		} else if (end == -1 && (!is_passing(w, &err) || is_late(w)))
			rc = command_fail(&err);
		else
			nap(w, end == -1 && err.code == ERR_AGAIN ? CROWD_MS :
			    TRY_MS);
	}
	free(path);
	return rc;
}

/* The command line's goals. */
static void
aim(struct wait *w, const struct args *args)
{
	w->all = args->operand_count == 0;
	for (size_t i = 0; i < args->operand_count; i++) {
		struct goal *g = add_goal(w);
		const char *word = args->operands[i];
		size_t n = strcspn(word, ":");

		g->host = str_dupf("%.*s", (int)n, word);
		g->forward = word[n] == ':' ? word + n + 1 : NULL;
	}
}

static int
read_options(struct wait *w, const struct args *args, struct err *err)
{
	const char *state = args->value[ARG_FOR];
	const char *timeout = args->value[ARG_TIMEOUT];
	char *end;
	long s;

	w->verified = state != NULL && strcmp(state, "verified") == 0;
	if (state != NULL && !w->verified && strcmp(state, "up") != 0)
		return err_set(err, ERR_INPUT, "--for takes up or verified, "
		    "not %s", state);
	if (timeout == NULL)
		return 0;
	s = strtol(timeout, &end, 10);
	if (end == timeout || *end != '\0' || s < 0 || s > TIMEOUT_MAX_S)
		return err_set(err, ERR_INPUT, "--timeout takes seconds, "
		    "from 0 to %d, not %s", TIMEOUT_MAX_S, timeout);
	w->deadline_ms = clock_now_ms() + s * 1000;
	return 0;
}

static int
run_wait(const struct command *c, const struct args *args)
{
	struct wait w = { .verdict = WAIT_MOVING };
	struct err err = { 0 };
	char *socket;
	int rc;

	(void)c;
	if (read_options(&w, args, &err) == -1) {
		command_fail(&err);
		return EXIT_USAGE;
	}
	if ((socket = command_socket(args, &err)) == NULL)
		return command_fail(&err);
	aim(&w, args);
	rc = wait_on(&w, socket);
	free_goals(&w);
	json_decref(w.status);
	free(socket);
	return rc;
}

const struct command cmd_wait = {
	.name = "wait", .operands = "[HOST[:FORWARD]...]",
	.operands_max = SIZE_MAX, .options = ARG_API | ARG_BIT(ARG_FOR) |
	    ARG_BIT(ARG_TIMEOUT), .run = run_wait,
	.summary = "wait until hosts or forwards are up",
	.help = "Without a HOST it waits for all that shall run. A FORWARD is "
	    "named by its id, as\nin vps:R:*:8080. The exit code is 0 when "
	    "all of them are up (or verified, with\n--for verified), and 1 "
	    "when the time is over or when it cannot come to that,\nbecause "
	    "one is disabled or not in the configuration.\n\nWith --timeout "
	    "it waits for hawserd to start, too.\n",
};
