/* SPDX-License-Identifier: ISC */
#include "own_worker.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "ipc/end.h"
#include "ipc/message.h"

static int asked;	/* for a remote forward, by "held" */

static void
say(enum message_name name, json_t *body)
{
	struct err err;

	if (message_send(MESSAGE_FD, name, body, NULL, 0, &err) == -1)
		_exit(9);
}

static void
end(const char *class_, const char *text)
{
	say(FACT_END, json_pack("{s:s, s:s}", "class", class_, "text", text));
	_exit(0);
}

static void
count(const char *id, long long n)
{
	say(FACT_COUNTERS, json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}",
	    "id", id, "open", n, "total", n, "failed", n, "in", n, "out", n));
}

/* The seconds between pings, 100 for a log in JSON, and asked thousands. */
static void
count_settings(const struct message *m)
{
	count("R:9", message_int(m, "alive_interval_s", -1) +
	    (json_is_true(json_object_get(m->body, "log_json")) ? 100 : 0) +
	    1000 * asked);
}

/* Numbers and forwards that no honest worker has. */
static void
lie(void)
{
	for (int i = 0; i < 100; i++) {
		char *id = str_dupf("R:%d", 1000 + i);

		count(id, 1);
		free(id);
	}
	for (int i = 0; i < 3; i++) {
		count("R:9", INT64_MAX);
		count("R:9", INT64_MIN);
	}
	count("R:9", 7);
}

/* One answer would have been due. */
static void
take_over(const struct message *m)
{
	for (int i = 0; i < 3; i++)
		say(FACT_TAKEOVER, json_pack("{s:s, s:i, s:s, s:s}", "id",
		    message_string(m, "id"), "status", 0, "text", "",
		    "output", ""));
}

/*
 * "held-once" refuses a remote forward the first time only, "fumbles" a local
 * one, "held" each time,
 * and counts how often it was asked for it.
 */
static void
answer_forward(const struct message *m, const char *how)
{
	static int refused;
	const char *state = "up";

	if (m->name == ORDER_FORWARD && strcmp(how, "held") == 0) {
		state = "held";
		count(message_string(m, "id"), ++asked);
	}
	if (m->name == ORDER_FORWARD && strcmp(how, "held-once") == 0 &&
	    refused++ == 0)
		state = "held";
	if (m->name == ORDER_LISTEN && strcmp(how, "fumbles") == 0 &&
	    refused++ == 0)
		state = "bind-failed";
	if (strcmp(how, "denies") == 0)
		state = "denied";
	say(FACT_FORWARD, json_pack("{s:s, s:s}", "id",
	    message_string(m, "id"), "state", state));
	if (strcmp(how, "one-each") == 0)
		count(message_string(m, "id"), 1);
	if (strcmp(how, "lies") == 0)
		lie();
}

static void
serve(const char *how)
{
	struct message m;
	struct err err;

	while (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) == 1) {
		if (m.name == ORDER_LISTEN || m.name == ORDER_FORWARD)
			answer_forward(&m, how);
		if (m.name == ORDER_LISTEN && strcmp(how, "clings") == 0)
			m.fd_count = 0;	/* to what it was lent, for ever */
		if (m.name == ORDER_TAKEOVER)
			take_over(&m);
		if (m.name == ORDER_SET && strcmp(how, "quiet") != 0)
			count_settings(&m);
		if (m.name == ORDER_PING)
			say(FACT_RTT, json_pack("{s:I}", "us", (json_int_t)
			    message_int(&m, "ms", 0) * 1000));
		if (m.name == ORDER_CANCEL)
			say(FACT_FORWARD, json_pack("{s:s, s:s}", "id",
			    message_string(&m, "id"), "state", "down"));
		while (m.name == ORDER_DRAIN && strcmp(how, "freezes") == 0)
			pause();
		if (m.name == ORDER_BEAT)
			say(FACT_BEAT, json_object());
		if (m.name == ORDER_STOP && strcmp(how, "deaf") == 0)
			continue;
		if (m.name == ORDER_DRAIN && strcmp(how, "lingers") == 0)
			say(FACT_FORWARD, json_pack("{s:s, s:s}", "id", "R:9",
			    "state", "down"));
		if (m.name == ORDER_DRAIN && (strcmp(how, "narrow") == 0 ||
		    strcmp(how, "lingers") == 0))
			continue;
		if (m.name == ORDER_STOP || m.name == ORDER_DRAIN)
			end("stopped", "stopped as ordered");
		message_fini(&m);
	}
	_exit(0);
}

int
own_worker_main(void)
{
	struct message m;
	struct err err;
	char how[32];

	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1 ||
	    m.name != ORDER_START)
		return 8;
	snprintf(how, sizeof(how), "%s", message_string(&m, "user"));
	message_fini(&m);
	say(FACT_PHASE, json_pack("{s:s, s:[s]}", "phase", "connect",
	    "addresses", "127.0.0.1"));
	if (strcmp(how, "refuse") == 0)
		end("refused", "nobody listens");
	if (strcmp(how, "wrong-key") == 0)
		end("hostkey", "the host key is unknown");
	if (strcmp(how, "segv") == 0) {
		signal(SIGSEGV, SIG_DFL);	/* not a sanitizer's */
		raise(SIGSEGV);
	}
	if (strcmp(how, "hang") == 0)
		for (;;)
			pause();
	if (strcmp(how, "narrow") == 0)
		say(FACT_UP, json_pack("{s:s, s:{s:b, s:b, s:[]}}", "server",
		    "SSH-2.0-test", "targets", "any_port", 0, "unix", 0,
		    "ports"));
	else
		say(FACT_UP, json_pack("{s:s}", "server", "SSH-2.0-test"));
	if (strcmp(how, "counts") == 0)
		say(FACT_COUNTERS, json_pack(
		    "{s:s, s:i, s:i, s:i, s:i, s:i}", "id", "R:9", "open", 1,
		    "total", 2, "failed", 3, "in", 40, "out", 50));
	if (strcmp(how, "spins") == 0)
		for (volatile unsigned turns = 0;; turns++)
			continue;
	serve(how);
	return 0;
}
