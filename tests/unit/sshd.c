/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <shadow.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/str.h"

#define SSHD		"/usr/sbin/sshd"
#define HANDSHAKE_MS	20000

extern char **environ;

static char dir[] = "/tmp/hawser-sshd-XXXXXX";

bool
sshd_is_there(void)
{
	return access(SSHD, X_OK) == 0;
}

int
sshd_setup(void)
{
	struct err err;

	if (mkdtemp(dir) == NULL)
		return -1;
	/* Where sshd's unprivileged half lives; Debian makes it at boot. */
	if (geteuid() == 0 && mkdir("/run/sshd", 0755) == -1 &&
	    errno != EEXIST)
		return -1;
	return transport_library_init(&err);
}

void
sshd_teardown(void)
{
	char *argv[] = { "rm", "-rf", dir, NULL };

	sshd_run(argv);
}

const char *
sshd_folder(void)
{
	return dir;
}

char *
sshd_path(const char *name)
{
	return str_dupf("%s/%s", dir, name);
}

void
sshd_run(char *const argv[])
{
	pid_t pid;
	int status;

	assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, argv,
	    environ), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

void
sshd_write(const char *name, const char *text)
{
	char *path = sshd_path(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
	free(path);
}

char *
sshd_read(const char *name)
{
	char *path = sshd_path(name), *text;
	int fd = open(path, O_RDONLY);
	struct err err;
	size_t len;

	assert_int_not_equal(fd, -1);
	assert_non_null(text = fd_read_all(fd, 1 << 20, &len, &err));
	close(fd);
	free(path);
	return text;
}

void
sshd_keygen(const char *name, const char *type, const char *bits,
    const char *format)
{
	char *path = sshd_path(name);
	char *argv[] = { "ssh-keygen", "-q", "-t", (char *)type, "-b",
	    (char *)bits, "-m", (char *)format, "-N", "", "-C", "", "-f",
	    path, NULL };

	sshd_run(argv);
	free(path);
}

char *
sshd_public_half(const char *name)
{
	char *file = str_dupf("%s.pub", name), *text = sshd_read(file);

	text[strcspn(text, "\n")] = '\0';
	free(file);
	return text;
}

/*
 * Without PAM, sshd refuses an account whose password is locked by "!", keys
 * or not. Who cannot read that runs an sshd that cannot either.
 */
static const char *
pam(void)
{
	const struct passwd *pw = getpwuid(geteuid());
	const struct spwd *sp = pw != NULL ? getspnam(pw->pw_name) : NULL;

	return sp != NULL && sp->sp_pwdp[0] == '!' ? "yes" : "no";
}

void
sshd_configure(const char *host_key, const char *options)
{
	char *text = str_dupf("%sHostKey %s/%s\nAuthorizedKeysFile "
	    "%s/authorized_keys\nStrictModes no\nUsePAM %s\nPidFile none\n"
	    "UseDNS no\nPermitRootLogin yes\nLogLevel DEBUG3\n"
	    "KbdInteractiveAuthentication no\n", options, dir, host_key, dir,
	    pam());

	sshd_write("sshd_config", text);
	free(text);
}

void
sshd_start(struct server *s)
{
	char *config = sshd_path("sshd_config"), *log = sshd_path("log");
	char *argv[] = { SSHD, "-i", "-f", config, "-E", log, NULL };
	posix_spawn_file_actions_t actions;
	struct err err;
	int pair[2];

	(void)unlink(log);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
	    pair), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pair[1], 0);
	posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
	assert_int_equal(posix_spawn(&s->pid, SSHD, &actions, NULL, argv,
	    environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	s->transport = transport_new(pair[0], &err);
	assert_non_null(s->transport);
	free(log);
	free(config);
}

void
sshd_start_session(struct server *s, const char *host_key_types)
{
	struct algorithms a = { .lists = {
		[ALGORITHM_HOST_KEY] = { .names = (char *)host_key_types },
	} };
	struct err err;

	sshd_start(s);
	if (transport_handshake(s->transport, &a, false,
	    clock_now_ms() + HANDSHAKE_MS, &err) == -1)
		fail_msg("handshake: %s", err.text);
}

void
sshd_stop(struct server *s)
{
	int status;

	transport_free(s->transport);
	kill(s->pid, SIGCONT);
	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
}
