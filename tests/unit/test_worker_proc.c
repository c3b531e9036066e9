/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/guard.h"
#include "supervisor/worker_proc.h"

/*
 * Workers that ask for secrets: this program is its own worker and guard. What
 * such a worker does is the User of its host.
 */

/* The worker's side */

static void
say(enum message_name name, json_t *body)
{
	struct err err;

	if (message_send(MESSAGE_FD, name, body, NULL, 0, &err) == -1)
		_exit(9);
}

static void
end(const char *text)
{
	say(FACT_END, json_pack("{s:s, s:s}", "class", "auth", "text", text));
	_exit(0);
}

static void
ask(void)
{
	say(FACT_SECRET, json_pack("{s:s, s:s, s:s, s:i}", "kind",
	    "passphrase", "prompt", "?", "key", "/k", "try", 1));
}

/* Ends with the secret, or with why there is none. */
static int
worker_main(void)
{
	struct message m;
	struct err err;
	char how[32], text[64];
	ssize_t n;

	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1)
		return 8;
	snprintf(how, sizeof(how), "%s", message_string(&m, "user"));
	message_fini(&m);
	say(FACT_PHASE, json_pack("{s:s}", "phase", "connect"));
	if (strcmp(how, "up") == 0)
		say(FACT_UP, json_pack("{s:s}", "server", "SSH-2.0-test"));
	ask();
	if (strcmp(how, "twice") == 0)
		ask();
	if (strcmp(how, "gone") == 0)
		end("it changed its mind");
	if (message_recv(MESSAGE_FD, FROM_SUPERVISOR, &m, &err) != 1 ||
	    m.name != ORDER_SECRET)
		return 8;
	if (m.fd_count == 0)
		end(message_string(&m, "error"));
	if ((n = read(m.fds[0], text, sizeof(text) - 1)) < 0)
		return 7;
	text[n] = '\0';
	if (strcmp(how, "stuck") == 0)
		for (;;)
			pause();
	end(text);
	return 0;
}

/* Our side */

static const struct worker_program program = { "/proc/self/exe", -1, NULL };

struct fixture {
	struct event_base *base;
	struct worker_proc *worker;
	enum end_class class_;
	char *text;		/* NULL: it has not ended */
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

	worker_proc_free(f->worker);
	event_base_free(f->base);
	free(f->text);
	free(f);
	return 0;
}

static void
on_phase(void *arg, enum phase phase)
{
	(void)arg;
	(void)phase;
}

static void
on_fact(void *arg, struct message *m)
{
	(void)arg;
	assert_true(m->name == FACT_UP || m->name == FACT_PHASE);
}

static void
on_end(void *arg, const struct worker_end *how)
{
	struct fixture *f = arg;

	f->class_ = how->class_;
	f->text = str_dup(how->text);
}

static const struct worker_ops ops = {
	.on_phase = on_phase,
	.on_fact = on_fact,
	.on_end = on_end,
};

static void
start(struct fixture *f, const char *how, const char *command)
{
	static char *keys[] = { (char *)"/k" };
	struct host h = { .name = (char *)"a",
	    .hostname = (char *)"127.0.0.1", .port = 22, .user = (char *)how,
	    .agent = (char *)"", .bind_address = (char *)"",
	    .bind_interface = (char *)"", .host_key_alias = (char *)"",
	    .passphrase_command = (char *)command,
	    .identity_files = keys, .identity_file_count = 1,
	    .password_tries = 3, .connect_timeout_s = 1,
	    .alive_count_max = 3 };
	struct err err;

	f->worker = worker_proc_start(f->base, &program, &h, -1, &ops,
	    f, &err);
	if (f->worker == NULL)
		fail_msg("%s", err.text);
}

static void
wait_end(struct fixture *f, enum end_class class_, const char *text)
{
	while (f->text == NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	/* A timeout's sentence goes on with what to do. */
	if (strncmp(f->text, text, strlen(text)) != 0)
		fail_msg("%s", f->text);
	assert_int_equal(f->class_, class_);
}

static void
a_secret_is_handed_on(void **state)
{
	struct fixture *f = *state;

	start(f, "asks", "echo hunter2 for $HAWSER_HOST");
	wait_end(f, END_AUTH, "hunter2 for a\n");
}

static void
a_secret_that_is_not_there(void **state)
{
	struct fixture *f = *state;

	start(f, "asks", "exit 5");
	wait_end(f, END_AUTH,
	    "HawserPassphraseCommand ended with exit code 5");
}

/* The phase would be over after 2 s; with the answer its clock goes on. */
static void
a_question_stops_the_phases_clock(void **state)
{
	struct fixture *f = *state;

	start(f, "stuck", "sleep 2.5; echo slow");
	wait_end(f, END_TIMEOUT, "no progress in phase connect within 2 s");
}

static void
a_worker_that_asks_out_of_turn_is_killed(void **state)
{
	struct fixture *f = *state;

	start(f, "twice", "sleep 600");
	wait_end(f, END_CRASH, "the worker asked for a second secret before "
	    "it had the first");
}

static void
a_worker_that_is_up_gets_no_secret(void **state)
{
	struct fixture *f = *state;

	start(f, "up", "echo secret");
	wait_end(f, END_CRASH, "the worker asked for a passphrase that it has "
	    "no use for in phase up");
}

/*
 * A command that says that it runs, and whose end is seen, where it writes;
 * the reading end goes to *fd. New.
 */
static char *
make_endless(int *fd)
{
	char path[] = "/tmp/hawser-test-XXXXXX", *fifo, *command;

	assert_non_null(mkdtemp(path));
	fifo = str_dupf("%s/fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	*fd = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_int_not_equal(*fd, -1);
	command = str_dupf("exec >%s; rm -r %s; echo; sleep 600 | sleep 600",
	    fifo, path);
	free(fifo);
	return command;
}

static void
wait_for_byte(struct fixture *f, int fd)
{
	char byte;

	while (read(fd, &byte, 1) != 1)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

static void
wait_for_eof(int fd)
{
	char byte;

	assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
	assert_int_equal(read(fd, &byte, 1), 0);
	close(fd);
}

static void
a_question_ends_with_a_kill(void **state)
{
	struct fixture *f = *state;
	char *command;
	int fd;

	command = make_endless(&fd);
	start(f, "asks", command);
	wait_for_byte(f, fd);
	worker_proc_kill(f->worker, END_STOPPED, "not needed");
	wait_end(f, END_STOPPED, "not needed");
	wait_for_eof(fd);
	free(command);
}

static void
a_question_ends_with_the_worker(void **state)
{
	struct fixture *f = *state;
	char *command;
	int fd;

	command = make_endless(&fd);
	start(f, "asks", command);
	wait_for_byte(f, fd);
	kill(worker_proc_pid(f->worker), SIGKILL);
	wait_end(f, END_CRASH,
	    "the worker died in phase connect: signal 9 (Killed)");
	wait_for_eof(fd);
	free(command);
}

static void
last_words_end_a_question(void **state)
{
	struct fixture *f = *state;

	start(f, "gone", "sleep 600");
	wait_end(f, END_AUTH, "it changed its mind");
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_secret_is_handed_on),
		TEST(a_secret_that_is_not_there),
		TEST(a_question_stops_the_phases_clock),
		TEST(a_worker_that_asks_out_of_turn_is_killed),
		TEST(a_worker_that_is_up_gets_no_secret),
		TEST(a_question_ends_with_a_kill),
		TEST(a_question_ends_with_the_worker),
		TEST(last_words_end_a_question),
	};

	if (argc == 2 && strcmp(argv[0], "hawser-worker") == 0)
		return worker_main();
	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
