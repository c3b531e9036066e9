/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "ipc/secret.h"
#include "supervisor/credential.h"
#include "supervisor/guard.h"
#include "supervisor/helper.h"
#include "supervisor/secrets.h"

/* Secrets by real commands and files: this program is its own guard. */

static char *keys[] = { (char *)"/k/one", (char *)"/k/two" };
static char *methods[] = { (char *)"publickey", (char *)"password",
	(char *)"keyboard-interactive" };

struct fixture {
	struct event_base *base;
	char dir[64];		/* of credentials, and of scripts */
	struct host host;
	struct session_order order;
	struct secrets *secrets;
	int answers;
	char *secret;		/* NULL: there was none */
	char *source, *error;
};

static void
forget(struct fixture *f)
{
	free(f->secret);
	free(f->source);
	free(f->error);
	f->secret = f->source = f->error = NULL;
	f->answers = 0;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	strcpy(f->dir, "/tmp/hawser-test-XXXXXX");
	if (mkdtemp(f->dir) == NULL)
		return -1;
	f->base = event_base_new();
	f->host = (struct host){ .name = (char *)"vps",
	    .passphrase_command = (char *)"", .password_tries = 3 };
	f->order = (struct session_order){ .host = (char *)"vps",
	    .hostname = (char *)"vps.example", .user = (char *)"me",
	    .port = 2222, .identity_files = keys, .identity_file_count = 2,
	    .auth_methods = methods, .auth_method_count = 3 };
	unsetenv("CREDENTIALS_DIRECTORY");
	unsetenv("SSH_ASKPASS");
	unsetenv("SSH_ASKPASS_REQUIRE");
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char *command = str_dupf("rm -r %s", f->dir);
	int rc = system(command);

	free(command);
	secrets_free(f->secrets);
	event_base_free(f->base);
	forget(f);
	free(f);
	return rc;
}

static void
on_answer(void *arg, int fd, const char *source, const char *error)
{
	struct fixture *f = arg;
	char bytes[2 * SECRET_SIZE_MAX];
	size_t n = 0;
	ssize_t got;

	f->answers++;
	if (fd != -1) {
		/* As the worker reads: to the end, which is there. */
		while ((got = read(fd, bytes + n, sizeof(bytes) - n)) > 0)
			n += (size_t)got;
		assert_int_equal(got, 0);
		f->secret = str_dupf("%.*s", (int)n, bytes);
		f->source = str_dup(source);
		assert_null(error);
		close(fd);
	} else {
		f->error = str_dup(error);
	}
}

static void
on_helper_done(void *arg, int fd, const char *error)
{
	on_answer(arg, fd, "X", error);
}

static void
begin(struct fixture *f, const char *command)
{
	f->host.passphrase_command = (char *)command;
	f->secrets = secrets_new(f->base, &f->order, &f->host, on_answer, f);
}

/* New: a question as the worker asks it. */
static struct message
question(const char *kind, const char *prompt, const char *key, int number)
{
	struct message m = { .name = FACT_SECRET };

	m.body = json_pack("{s:s, s:s, s:i, s:s*}", "kind", kind, "prompt",
	    prompt, "try", number, "key", key);
	assert_non_null(m.body);
	return m;
}

static int
ask_in(struct fixture *f, enum phase phase, const char *kind,
    const char *prompt, const char *key, int number)
{
	struct message m = question(kind, prompt, key, number);
	struct err err;
	int rc;

	forget(f);
	rc = secrets_ask(f->secrets, phase, &m, &err);
	message_fini(&m);
	return rc;
}

static void
wait_answer(struct fixture *f)
{
	while (f->answers == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->answers, 1);
}

static void
ask(struct fixture *f, const char *kind, const char *prompt,
    const char *key, int number)
{
	assert_int_equal(ask_in(f, PHASE_AUTH, kind, prompt, key, number), 0);
	wait_answer(f);
}

static void
ask_passphrase(struct fixture *f, int number)
{
	ask(f, "passphrase", "Passphrase for key /k/one", "/k/one", number);
}

/* A file in the folder; mode 0700 so that it may be a script. */
static char *
put(struct fixture *f, const char *name, const char *text)
{
	char *path = str_dupf("%s/%s", f->dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	return path;
}

static void
a_command_answers_what_it_is_asked(void **state)
{
	struct fixture *f = *state;

	begin(f, "printf '%s|' $HAWSER_HOST $HAWSER_HOSTNAME $HAWSER_PORT "
	    "$HAWSER_USER $HAWSER_SECRET \"$HAWSER_PROMPT\" $HAWSER_KEY");
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "vps|vps.example|2222|me|passphrase|"
	    "Passphrase for key /k/one|/k/one|");
	assert_string_equal(f->source, "HawserPassphraseCommand");
	ask(f, "password", "Password of me@vps.example", NULL, 1);
	assert_string_equal(f->secret, "vps|vps.example|2222|me|password|"
	    "Password of me@vps.example|");
	ask(f, "answer", "PIN\033[2J $(id) \"'", NULL, 1);
	assert_string_equal(f->secret, "vps|vps.example|2222|me|answer|"
	    "PIN?[2J $(id) \"'|");
}

static void
a_commands_failure_is_told(void **state)
{
	static const struct {
		const char *command, *error;
	} rows[] = {
		{ "echo x; exit 3",
		    "HawserPassphraseCommand ended with exit code 3" },
		{ "sh -c 'echo x; echo it is locked >&2; exit 1'",
		    "HawserPassphraseCommand ended with exit code 1: "
		    "it is locked" },
		{ "sh -c 'echo x; kill -TERM $$'",
		    "HawserPassphraseCommand ended with exit code 143" },
		{ "true", "HawserPassphraseCommand wrote nothing to its "
		    "standard output" },
		{ "/no/such/program",
		    "HawserPassphraseCommand ended with exit code 127: " },
		/* More than the pipe holds: it would never end. */
		{ "head -c 100000 /dev/zero", "HawserPassphraseCommand writes "
		    "more than 4096 bytes, which can be no passphrase or "
		    "password" },
		{ "head -c 4097 /dev/zero", "HawserPassphraseCommand writes "
		    "more than 4096 bytes, which can be no passphrase or "
		    "password" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin(f, rows[i].command);
		ask_passphrase(f, 1);
		assert_null(f->secret);
		/* A shell may add what it thinks of it. */
		if (strncmp(f->error, rows[i].error,
		    strlen(rows[i].error)) != 0)
			fail_msg("%s: %s", rows[i].command, f->error);
		secrets_free(f->secrets);
		f->secrets = NULL;
	}
}

/* Until nobody can write any more, the worker's read would not end. */
static void
what_a_command_leaves_behind_is_killed(void **state)
{
	struct fixture *f = *state;

	begin(f, "sh -c 'sleep 600 & echo hidden'");
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "hidden\n");
}

static bool
is_alive(const char *path)
{
	FILE *file = fopen(path, "r");
	int pid = 0;

	if (file == NULL || fscanf(file, "%d", &pid) != 1)
		pid = -1;
	if (file != NULL)
		fclose(file);
	return pid != -1 && kill(pid, 0) == 0;
}

static void
a_question_that_is_cancelled_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	char *path = str_dupf("%s/pid", f->dir), *command;

	command = str_dupf("sh -c 'sleep 600 & echo $! >%s.new; "
	    "mv %s.new %s; wait'", path, path, path);
	begin(f, command);
	assert_int_equal(ask_in(f, PHASE_START, "passphrase", "?", "/k/two",
	    1), 0);
	while (!is_alive(path))
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	secrets_cancel(f->secrets);
	/* The orphan is ours. */
	while (is_alive(path))
		wait(NULL);
	assert_int_equal(f->answers, 0);
	free(command);
	free(path);
}

static void
credentials_have_their_order(void **state)
{
	struct fixture *f = *state;

	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	begin(f, "");
	assert_false(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_string_equal(f->error, "nothing gives the passphrase: set "
	    "HawserPassphraseCommand, or give hawserd a systemd credential "
	    "called vps.passphrase or an SSH_ASKPASS in its environment");
	free(put(f, "hawser.passphrase", "for all\n"));
	assert_true(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "for all\n");
	assert_string_equal(f->source, "credential hawser.passphrase");
	free(put(f, "vps.passphrase", "for vps"));
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "for vps");
	assert_string_equal(f->source, "credential vps.passphrase");
	/* It has nothing else to say. */
	ask_passphrase(f, 2);
	assert_string_equal(f->error,
	    "the passphrase of credential vps.passphrase is wrong");
}

static void
each_kind_has_its_credential(void **state)
{
	struct fixture *f = *state;

	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	begin(f, "");
	free(put(f, "hawser.password", "mine"));
	free(put(f, "hawser.answer", "nobody's"));
	ask(f, "password", "Password of me", NULL, 1);
	assert_string_equal(f->secret, "mine");
	ask(f, "answer", "Verification code: ", NULL, 1);
	assert_non_null(strstr(f->error, "nothing gives the answer"));
	free(put(f, "vps.answer", "code"));
	ask(f, "answer", "Verification code: ", NULL, 1);
	assert_string_equal(f->secret, "code");
}

static void
bad_credentials_are_named(void **state)
{
	struct fixture *f = *state;
	char *path = put(f, "vps.passphrase", ""), *big;

	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	free(put(f, "hawser.passphrase", "not this one"));
	begin(f, "");
	ask_passphrase(f, 1);
	assert_string_equal(f->error, "credential vps.passphrase is empty");
	big = str_dupf("%5000d", 1);
	free(put(f, "vps.passphrase", big));
	free(big);
	ask_passphrase(f, 1);
	assert_string_equal(f->error,
	    "credential vps.passphrase has more than 4096 bytes");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("hawser.passphrase", path), 0);
	ask_passphrase(f, 1);
	assert_string_equal(f->error, "credential vps.passphrase is a link, "
	    "which is not followed");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	ask_passphrase(f, 1);
	assert_string_equal(f->error,
	    "credential vps.passphrase is not a file");
	free(path);
}

static void
a_hosts_name_is_no_path(void **state)
{
	struct fixture *f = *state;

	setenv("CREDENTIALS_DIRECTORY", "/proc/self/cwd", 1);
	f->order.host = (char *)"../x";
	begin(f, "");
	ask_passphrase(f, 1);
	assert_non_null(strstr(f->error, "nothing gives the passphrase"));
}

static void
a_person_is_asked_again(void **state)
{
	struct fixture *f = *state;
	char *path = put(f, "askpass",
	    "#!/bin/sh\necho \"$#:$1\"\n");

	setenv("SSH_ASKPASS", path, 1);
	begin(f, "");
	assert_true(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "1:Passphrase for key /k/one\n");
	assert_string_equal(f->source, "SSH_ASKPASS");
	ask_passphrase(f, 2);
	assert_string_equal(f->secret,
	    "1:That was wrong. Passphrase for key /k/one\n");
	free(path);
}

static void
nobody_is_asked_who_must_not_be(void **state)
{
	struct fixture *f = *state;
	char *path = put(f, "askpass", "#!/bin/sh\necho x\n");

	setenv("SSH_ASKPASS", path, 1);
	setenv("SSH_ASKPASS_REQUIRE", "never", 1);
	begin(f, "");
	assert_false(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_non_null(strstr(f->error, "nothing gives the passphrase"));
	secrets_free(f->secrets);
	unsetenv("SSH_ASKPASS_REQUIRE");
	f->host.batch_mode = true;
	begin(f, "");
	assert_false(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_non_null(strstr(f->error, "nothing gives the passphrase"));
	secrets_free(f->secrets);
	/* Neither does it ask anybody, nor is it asked again. */
	begin(f, "echo y");
	assert_true(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, "y\n");
	ask_passphrase(f, 2);
	assert_string_equal(f->error,
	    "the passphrase of HawserPassphraseCommand is wrong");
	secrets_free(f->secrets);
	f->host.password_tries = 0;
	begin(f, "echo y");
	assert_false(secrets_exist(&f->host));
	ask_passphrase(f, 1);
	assert_string_equal(f->error,
	    "NumberOfPasswordPrompts 0 lets nothing be asked for");
	free(path);
}

/* One helper with a deadline of a second. */
static void
run_helper(struct fixture *f, const char *command)
{
	struct helper_spec spec = { .what = "X", .host = "vps",
	    .command = command, .limit_s = 1 };
	struct helper *h;
	struct err err;

	forget(f);
	h = helper_start(f->base, &spec, on_helper_done, f, &err);
	assert_non_null(h);
	wait_answer(f);
	helper_free(h);
}

static void
a_helper_has_a_deadline(void **state)
{
	struct fixture *f = *state;

	run_helper(f, "echo x; sleep 600 | sleep 600");
	assert_string_equal(f->error, "X did not end within 1 s");
	/* No part of its group, and so not killed with it. */
	run_helper(f, "trap 'exit 0' USR1; echo x; "
	    "setsid sh -c \"kill -USR1 $$; exec sleep 3\" & wait");
	assert_string_equal(f->error, "X has left a process behind that keeps "
	    "its standard output open");
	while (wait(NULL) != -1)
		continue;
}

static int
run_guarded(const char *command)
{
	int status, null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct process process;
	struct err err;

	if (guard_start(&process, command, (int[]){ null, null, null }, NULL,
	    &err) == -1 || waitpid(process.pid, &status, 0) == -1)
		return 99;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

/* As in a container: the group that hawserd is in has no number there. */
static void
a_guard_needs_no_group_but_its_own(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if ((pid = fork()) == 0) {
		if (unshare(CLONE_NEWPID) == -1)
			_exit(77);
		if ((pid = fork()) == 0)
			_exit(run_guarded("sleep 600 & exit 7"));
		if (waitpid(pid, &status, 0) != pid)
			_exit(99);
		_exit(WEXITSTATUS(status));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(status, 7 << 8);
}

/* What a worker may ask that is the server's. */
static void
a_worker_has_to_have_a_use_for_it(void **state)
{
	struct fixture *f = *state;

	begin(f, "echo x");
	/* A key that is not the host's, or not any more. */
	assert_int_equal(ask_in(f, PHASE_START, "passphrase", "?", "/k/three",
	    1), -1);
	assert_int_equal(ask_in(f, PHASE_UP, "passphrase", "?", "/k/one", 1),
	    -1);
	/* Before the host key is known, after, and without the method. */
	assert_int_equal(ask_in(f, PHASE_KEX, "password", "?", NULL, 1), -1);
	assert_int_equal(ask_in(f, PHASE_UP, "password", "?", NULL, 1), -1);
	assert_int_equal(ask_in(f, PHASE_KEX, "answer", "?", NULL, 1), -1);
	f->order.auth_method_count = 2;
	assert_int_equal(ask_in(f, PHASE_AUTH, "answer", "?", NULL, 1), -1);
	f->order.auth_method_count = 1;
	assert_int_equal(ask_in(f, PHASE_AUTH, "password", "?", NULL, 1), -1);
	/* A broken question; two at a time. */
	assert_int_equal(ask_in(f, PHASE_AUTH, "pin", "?", NULL, 1), -1);
	assert_int_equal(ask_in(f, PHASE_AUTH, "passphrase", "?", "/k/one",
	    1), 0);
	assert_int_equal(ask_in(f, PHASE_AUTH, "passphrase", "?", "/k/two",
	    1), -1);
	assert_int_equal(f->answers, 0);
}

static void
there_is_an_end_to_questions(void **state)
{
	struct fixture *f = *state;

	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	free(put(f, "vps.passphrase", "x"));
	begin(f, "");
	for (int i = 0; i < SECRET_QUESTIONS_MAX; i++) {
		ask_passphrase(f, 1);
		assert_string_equal(f->secret, "x");
	}
	ask_passphrase(f, 1);
	assert_string_equal(f->error,
	    "too much was asked for in one connection");
}

/* No secret of ours is in the environment, but what desktops need is. */
static void
the_environment_is_short(void **state)
{
	struct fixture *f = *state;

	setenv("DISPLAY", ":7", 1);
	setenv("HAWSER_TEST_UNRELATED", "1", 1);
	begin(f, "sh -c 'echo $DISPLAY$HAWSER_TEST_UNRELATED; "
	    "ls /proc/self/fd | wc -l'");
	ask_passphrase(f, 1);
	assert_string_equal(f->secret, ":7\n4\n");
	unsetenv("DISPLAY");
	unsetenv("HAWSER_TEST_UNRELATED");
}

int
main(int argc, char **argv)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_command_answers_what_it_is_asked),
		TEST(a_commands_failure_is_told),
		TEST(what_a_command_leaves_behind_is_killed),
		TEST(a_question_that_is_cancelled_leaves_nothing),
		TEST(credentials_have_their_order),
		TEST(each_kind_has_its_credential),
		TEST(bad_credentials_are_named),
		TEST(a_hosts_name_is_no_path),
		TEST(a_person_is_asked_again),
		TEST(nobody_is_asked_who_must_not_be),
		TEST(a_helper_has_a_deadline),
		TEST(a_guard_needs_no_group_but_its_own),
		TEST(a_worker_has_to_have_a_use_for_it),
		TEST(there_is_an_end_to_questions),
		TEST(the_environment_is_short),
	};

	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
