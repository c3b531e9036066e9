/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/chain.h"
#include "supervisor/guard.h"
#include "supervisor/pulse.h"

/*
 * Chains of real processes: this program is its own worker and guard. What such
 * a worker does is the User of its host.
 */

/* The worker's side */

#define LINK_FD	4

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

/* The order to be a hop; its descriptor. */
static int
receive_link(void)
{
	struct message m;
	struct err err;

	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1 ||
	    m.name != ORDER_LINK)
		_exit(8);
	return m.fds[0];
}

static void
tell_settings(void)
{
	struct message m;
	struct err err;
	char text[64];

	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1 ||
	    m.name != ORDER_SET)
		_exit(8);
	snprintf(text, sizeof(text), "a ping each %lld s",
	    message_int(&m, "alive_interval_s", -1));
	end("closed", text);
}

static void
be_hop(const char *how)
{
	int far = receive_link();
	char byte;

	if (strcmp(how, "hop-blocked") == 0)
		end("unreachable", "no way on");
	if (strcmp(how, "hop-stuck") == 0)
		for (;;)
			pause();
	say(FACT_LINK, json_object());
	if (strcmp(how, "hop-told") == 0)
		tell_settings();
	if (strcmp(how, "hop-dies") == 0 && read(far, &byte, 1) == 1) {
		/* Those behind it see the end before we say why. */
		close(far);
		usleep(100000);
		end("closed-early", "the hop is the cause");
	}
	while (read(far, &byte, 1) > 0)
		continue;
	end("stopped", "its link was closed");
}

static void
be_main(const char *how)
{
	struct message m;
	struct err err;
	char byte = 'x';

	if (strcmp(how, "main-auth") == 0)
		end("auth", "no key fits");
	if (strcmp(how, "main-lost") == 0)
		end("lost", "silence");
	if (strcmp(how, "main-breaks") == 0) {
		/* Makes hop-dies die, and sees it. */
		if (write(LINK_FD, &byte, 1) != 1 ||
		    read(LINK_FD, &byte, 1) != 0)
			_exit(7);
		end("lost", "end of stream");
	}
	if (strcmp(how, "main-proxy") == 0) {
		while (read(LINK_FD, &byte, 1) > 0)
			continue;
		end("lost", "end of stream");
	}
	while (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) == 1)
		if (m.name == ORDER_STOP)
			end("stopped", "stopped as ordered");
		else if (m.name == ORDER_BEAT)
			say(FACT_BEAT, json_object());
	_exit(0);
}

static int
worker_main(void)
{
	struct message m;
	struct err err;
	char how[32];

	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1)
		return 8;
	snprintf(how, sizeof(how), "%s", message_string(&m, "user"));
	message_fini(&m);
	say(FACT_PHASE, json_pack("{s:s}", "phase", "connect"));
	if (strcmp(how, "refuse") == 0)
		end("refused", "nobody listens");
	if (strcmp(how, "early") == 0) {
		char byte;

		while (read(LINK_FD, &byte, 1) > 0)
			continue;
		end("closed-early", "no banner");
	}
	if (strcmp(how, "hang") == 0)
		for (;;)
			pause();
	say(FACT_UP, json_pack("{s:s}", "server", "SSH-2.0-test"));
	if (strncmp(how, "hop", 3) == 0)
		be_hop(how);
	else
		be_main(how);
	return 0;
}

/* The chain's side */

static struct worker_program program = { "/proc/self/exe", -1, NULL };

struct fixture {
	struct event_base *base;
	struct chain *chain;
	struct host host, hops[3];
	unsigned ups;
	struct worker_end end;
	char *text, *hop;
	bool ended;
};

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	chain_free(f->chain);
	pulse_free(program.pulse);
	program.pulse = NULL;
	event_base_free(f->base);
	free(f->text);
	free(f->hop);
	free(f);
	return 0;
}

static void
on_phase(void *arg, enum phase phase)
{
	struct fixture *f = arg;

	f->ups += phase == PHASE_UP;
}

static void
on_fact(void *arg, struct message *m)
{
	(void)arg;
	assert_int_equal(m->name, FACT_UP);
}

static void
on_end(void *arg, const struct worker_end *how)
{
	struct fixture *f = arg;

	assert_false(f->ended);
	f->ended = true;
	f->end = *how;
	f->text = str_dup(how->text);
	f->hop = how->hop != NULL ? str_dup(how->hop) : NULL;
	chain_free(f->chain);
	f->chain = NULL;
}

static const struct host *
get_host(void *arg)
{
	struct fixture *f = arg;

	return &f->host;
}

static const struct chain_ops ops = {
	.on_phase = on_phase,
	.on_fact = on_fact,
	.on_end = on_end,
	.host = get_host,
};

static struct host
host(const char *name, const char *how)
{
	return (struct host){ .name = (char *)name,
	    .hostname = (char *)"127.0.0.1", .port = 22, .user = (char *)how,
	    .agent = (char *)"", .bind_address = (char *)"",
	    .bind_interface = (char *)"", .host_key_alias = (char *)"",
	    .passphrase_command = (char *)"", .connect_timeout_s = 1,
	    .alive_count_max = 3 };
}

/* users: of the hops, the nearest first, then of the host; up to a NULL. */
static void
start(struct fixture *f, const char *command, ...)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct err err;
	const char *user;
	va_list ap;
	size_t n = 0;

	va_start(ap, command);
	while ((user = va_arg(ap, const char *)) != NULL) {
		if (n > 0)
			f->hops[n - 1] = f->host;
		f->host = host(names[n++], user);
	}
	va_end(ap);
	f->host.jumps = f->hops;
	f->host.jump_count = n - 1;
	*(n > 1 ? &f->hops[0].proxy_command : &f->host.proxy_command) =
	    (char *)command;
	f->chain = chain_start(f->base, &program, &ops, f, &err);
	if (f->chain == NULL)
		fail_msg("%s", err.text);
}

static void
wait_up(struct fixture *f)
{
	while (!f->ended && chain_phase(f->chain) != PHASE_UP)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_false(f->ended);
}

static void
wait_end(struct fixture *f, enum end_class class_, const char *hop,
    const char *text)
{
	while (!f->ended)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(f->text, text);
	assert_string_equal(end_class_name(f->end.class_),
	    end_class_name(class_));
	assert_string_equal(f->hop != NULL ? f->hop : "",
	    hop != NULL ? hop : "");
}

static void
a_chain_grows_hop_by_hop(void **state)
{
	struct fixture *f = *state;
	struct chain_member m[4];

	start(f, "cat", "hop", "hop", "main", NULL);
	assert_string_equal(chain_hop(f->chain), "a");
	assert_int_equal(chain_pid(f->chain), -1);
	wait_up(f);
	assert_int_equal(f->ups, 1);
	assert_null(chain_hop(f->chain));
	assert_int_equal(chain_size(f->chain), 4);
	assert_int_equal(chain_members(f->chain, m), 4);
	assert_string_equal(m[0].role, "proxy");
	assert_string_equal(m[1].role, "hop");
	assert_string_equal(m[1].name, "a");
	assert_string_equal(m[2].name, "b");
	assert_true(m[3].counts);
	assert_int_equal(m[3].pid, chain_pid(f->chain));
	chain_send(f->chain, ORDER_STOP, json_object(), NULL, 0);
	wait_end(f, END_STOPPED, NULL, "stopped as ordered");
}

/* Not of another host, should the way have changed. */
static void
a_hop_is_told_its_own_settings(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop-told", "main", NULL);
	wait_up(f);
	chain_set(f->chain);
	f->host.alive_interval_s = 4;
	chain_set(f->chain);
	f->hops[0].alive_interval_s = 6;
	f->hops[0].name = (char *)"other";
	chain_set(f->chain);
	f->hops[0].alive_interval_s = 5;
	f->hops[0].name = (char *)"a";
	chain_set(f->chain);
	wait_end(f, END_CLOSED, "a", "hop a: a ping each 5 s");
}

static void
a_hop_fails_by_its_own_class(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop", "refuse", "main", NULL);
	wait_end(f, END_REFUSED, "b", "hop b: nobody listens");
	assert_int_equal(f->ups, 0);
}

static void
a_hop_without_a_way_on(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop-blocked", "main", NULL);
	wait_end(f, END_UNREACHABLE, "a", "hop a: no way on");
}

static void
a_way_on_has_a_deadline(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop-stuck", "main", NULL);
	wait_end(f, END_TIMEOUT, "a", "hop a: the server did not connect to b "
	    "in time (phase connect)");
}

static void
the_nearest_cause_counts(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop-dies", "main-breaks", NULL);
	wait_end(f, END_CLOSED_EARLY, "a", "hop a: the hop is the cause");
}

static void
what_only_the_host_can_know_counts_at_once(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop", "main-auth", NULL);
	wait_end(f, END_AUTH, NULL, "no key fits");
}

static void
without_another_cause_it_is_the_host(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, "hop", "main-lost", NULL);
	wait_end(f, END_LOST, NULL, "silence");
}

static void
a_killed_hop_is_a_crash(void **state)
{
	struct fixture *f = *state;
	struct chain_member m[2];

	start(f, NULL, "hop", "main", NULL);
	wait_up(f);
	assert_int_equal(chain_members(f->chain, m), 2);
	kill(m[0].pid, SIGKILL);
	wait_end(f, END_CRASH, "a",
	    "hop a: the worker died in phase up: signal 9 (Killed)");
}

/* What this program's hops do is read from their links, and nothing else. */
static void
a_hop_that_does_not_answer_is_killed(void **state)
{
	struct fixture *f = *state;

	program.pulse = pulse_new(f->base, 250);
	start(f, "", "hop", "main", NULL);
	wait_up(f);
	while (!f->ended)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->end.class_, END_CRASH);
	assert_string_equal(f->hop, "a");
	/* How long depends on what else this machine does. */
	assert_int_equal(strncmp(f->text,
	    "hop a: the worker did not answer for ", 37), 0);
}

static void
a_failed_command_is_the_cause(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'echo no >&2; exit 2'", "early", NULL);
	wait_end(f, END_PROXY, NULL,
	    "ProxyCommand ended with exit code 2: no");
}

static void
a_command_of_a_hop(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'exit 2'", "early", "main", NULL);
	wait_end(f, END_PROXY, "a",
	    "hop a: ProxyCommand ended with exit code 2");
}

static void
a_command_that_just_ends_is_not_the_cause(void **state)
{
	struct fixture *f = *state;

	start(f, "true", "early", NULL);
	wait_end(f, END_CLOSED_EARLY, NULL,
	    "no banner (ProxyCommand ended with exit code 0)");
}

static void
a_command_that_ends_later_loses_the_link(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'sleep 0.2; exit 3'", "main-proxy", NULL);
	wait_up(f);
	wait_end(f, END_LOST, NULL,
	    "end of stream (ProxyCommand ended with exit code 3)");
}

static void
a_worker_that_says_nothing_of_it(void **state)
{
	struct fixture *f = *state;

	start(f, "sh -c 'exit 3'", "hang", NULL);
	wait_end(f, END_PROXY, NULL, "ProxyCommand ended with exit code 3");
}

static void
a_kill_ends_all(void **state)
{
	struct fixture *f = *state;

	start(f, "sleep 600 | sleep 600", "hop", "hang", NULL);
	while (chain_hop(f->chain) != NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	chain_kill(f->chain, END_STOPPED, "not needed");
	wait_end(f, END_STOPPED, NULL, "not needed");
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_chain_grows_hop_by_hop),
		TEST(a_hop_is_told_its_own_settings),
		TEST(a_hop_fails_by_its_own_class),
		TEST(a_hop_without_a_way_on),
		TEST(a_way_on_has_a_deadline),
		TEST(the_nearest_cause_counts),
		TEST(what_only_the_host_can_know_counts_at_once),
		TEST(without_another_cause_it_is_the_host),
		TEST(a_killed_hop_is_a_crash),
		TEST(a_hop_that_does_not_answer_is_killed),
		TEST(a_failed_command_is_the_cause),
		TEST(a_command_of_a_hop),
		TEST(a_command_that_just_ends_is_not_the_cause),
		TEST(a_command_that_ends_later_loses_the_link),
		TEST(a_worker_that_says_nothing_of_it),
		TEST(a_kill_ends_all),
	};

	if (argc == 2 && strcmp(argv[0], "hawser-worker") == 0)
		return worker_main();
	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
