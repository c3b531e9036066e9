/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

int
instance_make_dir(const char *path, struct err *err)
{
	char *copy = str_dup(path), *p = copy;
	int rc = 0;

	while (rc == 0 && *p != '\0') {
		p += strspn(p, "/");
		p += strcspn(p, "/");
		if (*p == '\0')
			break;
		*p = '\0';
		if (mkdir(copy, 0700) == -1 && errno != EEXIST)
			rc = err_sys(err, "cannot make the folder %s", copy);
		*p = '/';
	}
	if (rc == 0 && mkdir(copy, 0700) == -1 && errno != EEXIST)
		rc = err_sys(err, "cannot make the folder %s", copy);
	free(copy);
	return rc;
}

/* In a folder that others may write, they could put theirs in its place. */
static int
check_dir(const char *dir, struct err *err)
{
	struct stat st;

	if (stat(dir, &st) == -1)
		return err_sys(err, "cannot use the folder %s", dir);
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_INPUT, "%s is not a folder", dir);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, ERR_PERM, "the folder %s belongs to "
		    "another user: chown or remove it, or start hawserd as "
		    "that user", dir);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st.st_mode & S_ISVTX) == 0)
		return err_set(err, ERR_PERM,
		    "the folder %s is writable by others", dir);
	return 0;
}

/* The folder of the socket. New. */
static char *
folder_of(const char *socket_path)
{
	const char *slash = strrchr(socket_path, '/');

	if (slash == NULL)
		return str_dup(".");
	if (slash == socket_path)
		return str_dup("/");
	return str_dupf("%.*s", (int)(slash - socket_path), socket_path);
}

static int
prepare_dir(const char *socket_path, struct err *err)
{
	const char *slash = strrchr(socket_path, '/');
	char *dir = folder_of(socket_path);
	int rc = 0;

	if (slash != NULL && slash != socket_path)
		rc = instance_make_dir(dir, err);
	if (rc == 0)
		rc = check_dir(dir, err);
	free(dir);
	return rc;
}

static int
say_who_runs(int lock, const char *path, struct err *err)
{
	char text[32] = "";
	ssize_t n = pread(lock, text, sizeof(text) - 1, 0);
	long pid = n > 0 ? strtol(text, NULL, 10) : 0;

	if (pid > 0)
		return err_set(err, ERR_REFUSED, "hawserd is already running "
		    "(pid %ld) with the socket %s; --socket names another",
		    pid, path);
	return err_set(err, ERR_REFUSED,
	    "hawserd is already running with the socket %s", path);
}

static int
take_lock(struct instance *in, struct err *err)
{
	char *path = str_dupf("%s.lock", in->path);
	int rc = 0;

	in->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (in->lock == -1)
		rc = err_sys(err, "cannot open %s", path);
	else if (flock(in->lock, LOCK_EX | LOCK_NB) == -1)
		rc = errno == EWOULDBLOCK ?
		    say_who_runs(in->lock, in->path, err) :
		    err_sys(err, "cannot lock %s", path);
	free(path);
	return rc;
}

int
instance_check(const char *path, struct err *err)
{
	char *lock_path = str_dupf("%s.lock", path);
	int lock = open(lock_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK), rc = 0;

	if (lock != -1 && flock(lock, LOCK_SH | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK)
		rc = say_who_runs(lock, path, err);
	fd_close(&lock);
	free(lock_path);
	return rc;
}

void
instance_write_pid(const struct instance *in)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	/* Only a help for people: the lock is what counts. */
	if (ftruncate(in->lock, 0) == 0 &&
	    pwrite(in->lock, text, (size_t)n, 0) != n)
		errno = 0;
}

static int
listen_at(const char *path, struct err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct stat st;
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(un.sun_path))
		return err_set(err, ERR_INPUT,
		    "the socket's path is too long: %s", path);
	memcpy(un.sun_path, path, strlen(path) + 1);
	/* We have the lock: whoever made it is gone. */
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(err, ERR_INPUT,
			    "%s exists and is not a socket", path);
		unlink(path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return err_sys(err, "cannot make a socket");
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&un, sizeof(un));
	umask(mask);
	if (rc == -1 || listen(fd, SOMAXCONN) == -1) {
		err_sys(err, "cannot listen on %s", path);
		fd_close(&fd);
		return -1;
	}
	return fd;
}

int
instance_open(struct instance *in, const char *path, int *sock,
    struct err *err)
{
	*in = (struct instance){ .path = str_dup(path), .lock = -1 };
	if (prepare_dir(path, err) == -1 || take_lock(in, err) == -1 ||
	    (*sock = listen_at(path, err)) == -1) {
		fd_close(&in->lock);
		free(in->path);
		in->path = NULL;
		return -1;
	}
	instance_write_pid(in);
	return 0;
}

/* Gives path to the group, or back to us, with these modes. */
static int
give(const char *path, const gid_t *group, mode_t lent, mode_t own,
    struct err *err)
{
	/* While it changes hands it is ours alone. */
	if (chmod(path, own) == -1 ||
	    chown(path, (uid_t)-1, group != NULL ? *group : getegid()) == -1 ||
	    (group != NULL && chmod(path, lent) == -1))
		return err_sys(err, "cannot give %s to the group %ld (only a "
		    "member of it can)", path,
		    group != NULL ? (long)*group : (long)getegid());
	return 0;
}

/* Is the folder there for the socket alone? */
static bool
is_own_folder(const char *dir)
{
	const char *slash = strrchr(dir, '/');
	struct stat st;

	return strcmp(slash != NULL ? slash + 1 : dir, "hawser") == 0 &&
	    stat(dir, &st) == 0 && st.st_uid == geteuid() &&
	    ((st.st_mode & 0777) == 0700 || (st.st_mode & 0777) == 0710);
}

int
instance_lend(struct instance *in, const gid_t *group, struct err *err)
{
	char *dir;
	int rc;

	if (group == NULL ? !in->lent : in->lent && in->group == *group)
		return 0;
	in->lent = group != NULL;
	in->group = group != NULL ? *group : 0;
	dir = folder_of(in->path);
	rc = give(in->path, group, 0660, 0600, err);
	if (rc == 0 && is_own_folder(dir))
		rc = give(dir, group, 0710, 0700, err);
	free(dir);
	return rc;
}

int
instance_write_pid_file(struct instance *in, const char *path,
    struct err *err)
{
	FILE *f = fopen(path, "we");

	if (f == NULL)
		return err_sys(err, "cannot write %s", path);
	fprintf(f, "%ld\n", (long)getpid());
	if (fclose(f) == EOF) {
		err_sys(err, "cannot write %s", path);
		unlink(path);	/* an empty one would be taken for a pid */
		return -1;
	}
	in->pid_file = str_dup(path);
	return 0;
}

void
instance_close(struct instance *in)
{
	if (in->path == NULL)
		return;
	unlink(in->path);
	if (in->pid_file != NULL)
		unlink(in->pid_file);
	/* The lock's file stays: removing it would let two in. */
	if (ftruncate(in->lock, 0) == -1)
		errno = 0;
	fd_close(&in->lock);
	free(in->path);
	free(in->pid_file);
	*in = (struct instance){ .lock = -1 };
}
