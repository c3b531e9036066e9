/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/spawn.h"

/* Waits for the end by the pidfd, and reaps. */
static struct process_exit
wait_for(struct process *p)
{
	struct pollfd poller = { .fd = p->pidfd, .events = POLLIN };
	struct process_exit how;

	assert_int_equal(poll(&poller, 1, 20000), 1);
	assert_int_equal(process_reap(p, &how), 1);
	assert_int_equal(p->pid, -1);
	assert_int_equal(p->pidfd, -1);
	return how;
}

static void
start_shell(struct process *p, const char *script, const int *fds,
    size_t fd_count)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	struct spawn s = { .path = "/bin/sh", .argv = argv, .fds = fds,
	    .fd_count = fd_count };
	struct err err;

	assert_int_equal(spawn_exec(p, &s, &err), 0);
}

/* What a script writes to descriptor 3. */
static void
read_shell(const char *script, char *out, size_t size)
{
	struct process p;
	int ends[2];
	size_t len = 0;
	ssize_t n;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	start_shell(&p, script, &ends[1], 1);
	close(ends[1]);
	while ((n = read(ends[0], out + len, size - 1 - len)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	close(ends[0]);
	assert_int_equal(wait_for(&p).code, 0);
}

static void
exit_codes(void **state)
{
	struct process p;
	struct process_exit how;

	(void)state;
	start_shell(&p, "exit 7", NULL, 0);
	how = wait_for(&p);
	assert_false(how.signalled);
	assert_int_equal(how.code, 7);
	start_shell(&p, "kill -SEGV $$", NULL, 0);
	how = wait_for(&p);
	assert_true(how.signalled);
	assert_int_equal(how.code, SIGSEGV);
}

static void
a_program_that_is_not_there(void **state)
{
	char *argv[] = { (char *)"nowhere", NULL };
	struct spawn s = { .path = "/nowhere/at/all", .argv = argv };
	struct process p;
	struct err err;

	(void)state;
	assert_int_equal(spawn_exec(&p, &s, &err), -1);
	assert_int_equal(err.code, ERR_SYS);
	assert_int_equal(err.sys, ENOENT);
	assert_non_null(strstr(err.text, "/nowhere/at/all"));
	/* Nothing is left to reap. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* An upgrade puts another file there; scripts run by their path. */
static void
a_program_that_is_kept(void **state)
{
	char dir[] = "/tmp/hawser-spawn-XXXXXX", path[64], other[64];
	char *argv[] = { path, (char *)"-c",
	    (char *)"echo $0 >&3; echo /proc/self/fd/* >&3", NULL };
	struct spawn s = { .path = path, .argv = argv, .fd_count = 1 };
	char out[256] = "";
	struct process p;
	struct err err;
	int ends[2];
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/program", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	assert_int_equal(symlink("/bin/sh", path), 0);
	s.program = spawn_open(path);
	assert_true(s.program > 0);
	f = fopen(other, "w");
	assert_non_null(f);
	fputs("#!/bin/sh\nexit 3\n", f);
	fchmod(fileno(f), 0700);
	fclose(f);
	assert_int_equal(rename(other, path), 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	s.fds = &ends[1];
	assert_int_equal(spawn_exec(&p, &s, &err), 0);
	close(ends[1]);
	assert_int_equal(wait_for(&p).code, 0);
	assert_true(read(ends[0], out, sizeof(out) - 1) > 0);
	assert_memory_equal(out, dir, strlen(dir));
	/* Of the program's own descriptor nothing is left. */
	assert_null(strstr(out, "/fd/5"));
	close(ends[0]);
	close(s.program);
	s.program = spawn_open(path);
	s.fd_count = 0;
	assert_int_equal(spawn_exec(&p, &s, &err), 0);
	assert_int_equal(wait_for(&p).code, 3);
	close(s.program);
	unlink(path);
	rmdir(dir);
	assert_int_equal(spawn_open(path), -1);
}

static void
only_what_was_named_is_open(void **state)
{
	char out[256];
	int leak;

	(void)state;
	/* Without the flag: what a library forgot. */
	leak = open("/dev/null", O_RDONLY);
	read_shell("cd /proc/self/fd && echo * >&3", out, sizeof(out));
	close(leak);
	/* 0, 1, 2, what was named, and the shell's own of the folder. */
	assert_memory_equal(out, "0 1 2 3", 7);
	assert_null(strchr(out, '5'));
	read_shell("readlink /proc/self/fd/0 >&3", out, sizeof(out));
	assert_string_equal(out, "/dev/null\n");
}

static void
several_descriptors_in_order(void **state)
{
	int a[2], b[2], swapped[2];
	struct process p;
	char text[8];

	(void)state;
	assert_int_equal(pipe2(a, O_CLOEXEC), 0);
	assert_int_equal(pipe2(b, O_CLOEXEC), 0);
	swapped[0] = b[1];
	swapped[1] = a[1];
	start_shell(&p, "echo three >&3; echo four >&4", swapped, 2);
	assert_int_equal(wait_for(&p).code, 0);
	assert_int_equal(read(b[0], text, sizeof(text)), 6);
	assert_memory_equal(text, "three\n", 6);
	assert_int_equal(read(a[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "four\n", 5);
	close(a[0]);
	close(a[1]);
	close(b[0]);
	close(b[1]);
}

static void
the_environment_is_clean(void **state)
{
	char out[4096];

	(void)state;
	setenv("HAWSER_TEST_SECRET", "s3cret", 1);
	setenv("TZ", "UTC", 1);
	read_shell("/usr/bin/env >&3", out, sizeof(out));
	assert_null(strstr(out, "s3cret"));
	assert_non_null(strstr(out, "TZ=UTC\n"));
	unsetenv("HAWSER_TEST_SECRET");
}

static void
signals_are_as_at_the_start(void **state)
{
	struct process p;
	sigset_t set;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	start_shell(&p, "kill -TERM $$; sleep 20", NULL, 0);
	assert_int_equal(wait_for(&p).code, SIGTERM);
	start_shell(&p, "kill -PIPE $$; sleep 20", NULL, 0);
	assert_int_equal(wait_for(&p).code, SIGPIPE);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	signal(SIGPIPE, SIG_DFL);
}

static void
the_group_goes_with_it(void **state)
{
	struct process p;
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* The grandchild holds the pipe for a minute, or until it's killed. */
	start_shell(&p, "sleep 60 & exit 0", &ends[1], 1);
	close(ends[1]);
	assert_int_equal(wait_for(&p).code, 0);
	assert_int_equal(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}

static void
killing(void **state)
{
	struct process p;
	struct process_exit how;

	(void)state;
	start_shell(&p, "sleep 60", NULL, 0);
	assert_int_equal(process_reap(&p, &how), 0);
	process_signal(&p, SIGTERM);
	assert_int_equal(wait_for(&p).code, SIGTERM);
	start_shell(&p, "sleep 60; true", NULL, 0);
	process_kill(&p);
	assert_int_equal(wait_for(&p).code, SIGKILL);
	/* Nobody: nothing happens. */
	process_kill(&p);
	process_signal(&p, SIGKILL);
}

static int
nothing(int fd, void *arg)
{
	(void)fd;
	(void)arg;
	return 0;
}

/* In a process of its own: 0 if the shortage is said as it should be. */
static int
run_short(int resource, const char *want)
{
	char *argv[] = { (char *)"true", NULL };
	struct spawn s = { .path = "/bin/true", .argv = argv };
	struct rlimit l = { resource == RLIMIT_NOFILE ? 3 : 1, 3 };
	struct process p;
	struct err err;

	/* Root has as many processes as it likes. */
	if (getuid() == 0 && setuid(65534) == -1)
		return 2;
	if (setrlimit(resource, &l) == -1)
		return 3;
	if (spawn_exec(&p, &s, &err) != -1 || err.code != ERR_SYS ||
	    strstr(err.text, "cannot start /bin/true: ") == NULL ||
	    strstr(err.text, want) == NULL)
		return 4;
	if (resource == RLIMIT_NPROC &&
	    (spawn_fork(&p, 0, nothing, NULL, &err) != -1 ||
	    strstr(err.text, want) == NULL))
		return 5;
	return 0;
}

static void
shortages_name_their_limit(void **state)
{
	static const struct {
		int resource;
		const char *want;
	} cases[] = {
		{ RLIMIT_NOFILE, "ulimit -n" },
		{ RLIMIT_NPROC, "ulimit -u" },
	};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0)
			_exit(run_short(cases[i].resource, cases[i].want));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* Starts a process that has this pid, if nobody else takes it. */
static bool
start_with_pid(struct process *p, pid_t pid)
{
	FILE *last = fopen("/proc/sys/kernel/ns_last_pid", "w");

	if (last == NULL)
		return false;
	fprintf(last, "%ld", (long)pid - 1);
	if (fclose(last) == EOF)
		return false;
	start_shell(p, "exec sleep 60", NULL, 0);
	return p->pid == pid;
}

static void
a_stranger_with_its_pid_lives(void **state)
{
	struct process p, stranger = { -1, -1 };
	struct process_exit how;
	pid_t old;
	bool met;

	(void)state;
	start_shell(&p, "exit 0", NULL, 0);
	old = p.pid;
	/* What has ended, but was not reaped, keeps its number. */
	while (process_reap(&p, &how) == 0)
		process_kill(&p);
	met = start_with_pid(&stranger, old);
	process_kill(&p);
	process_signal(&p, SIGKILL);
	if (stranger.pid != -1) {
		assert_int_equal(process_reap(&stranger, &how), 0);
		process_kill(&stranger);
		assert_int_equal(wait_for(&stranger).code, SIGKILL);
	}
	if (!met)
		skip();
}

static int
child(int fd, void *arg)
{
	return write(fd, arg, 5) == 5 && fcntl(4, F_GETFD) == -1 ? 3 : 1;
}

static void
a_function_of_ours(void **state)
{
	struct process p;
	struct err err;
	int ends[2];
	char text[8];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(spawn_fork(&p, ends[1], child, (void *)"hello",
	    &err), 0);
	assert_int_equal(wait_for(&p).code, 3);
	assert_int_equal(read(ends[0], text, sizeof(text)), 5);
	assert_memory_equal(text, "hello", 5);
	close(ends[0]);
	close(ends[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(a_program_that_is_not_there),
		cmocka_unit_test(a_program_that_is_kept),
		cmocka_unit_test(only_what_was_named_is_open),
		cmocka_unit_test(several_descriptors_in_order),
		cmocka_unit_test(the_environment_is_clean),
		cmocka_unit_test(signals_are_as_at_the_start),
		cmocka_unit_test(the_group_goes_with_it),
		cmocka_unit_test(killing),
		cmocka_unit_test(shortages_name_their_limit),
		cmocka_unit_test(a_stranger_with_its_pid_lives),
		cmocka_unit_test(a_function_of_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
