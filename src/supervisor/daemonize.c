/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"

static void
wait_for(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	_exit(n == 1 ? 0 : 1);
}

int
daemonize_begin(struct err *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return err_sys(err, "cannot go to the background");
	if ((pid = fork()) == -1) {
		err_sys(err, "cannot go to the background");
		fd_close(&ends[0]);
		fd_close(&ends[1]);
		return -1;
	}
	if (pid > 0) {
		fd_close(&ends[1]);
		wait_for(ends[0]);
	}
	fd_close(&ends[0]);
	setsid();
	return ends[1];
}

static int
redirect(const char *log_path, struct err *err)
{
	struct stat st;
	int null, log;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null == -1)
		return err_sys(err, "cannot open /dev/null");
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	fd_close(&null);
	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (log == -1)
		return err_sys(err, "cannot open %s", log_path);
	dup2(log, STDERR_FILENO);
	fd_close(&log);
	return 0;
}

int
daemonize_ready(int fd, const char *log_path, struct err *err)
{
	int rc = redirect(log_path, err);

	if (rc == 0 && chdir("/") == -1)
		rc = err_sys(err, "cannot leave the current folder");
	if (rc == 0 && write(fd, "", 1) != 1)
		rc = err_sys(err, "cannot report to the first process");
	fd_close(&fd);
	return rc;
}
