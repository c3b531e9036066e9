/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/credential.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

/* How a credential for all hosts is called. */
#define FOR_ALL		"hawser"

/* Whose one may be; the first that is there counts. */
enum owner { OWNER_HOST, OWNER_ALL, OWNER_COUNT };

/*
 * New: the file's name; NULL if there is none of this owner: other questions
 * are other ones on every server.
 */
static char *
make_name(const char *host, enum secret_kind kind, enum owner owner)
{
	if (owner == OWNER_ALL && kind == SECRET_ANSWER)
		return NULL;
	return str_dupf("%s.%s", owner == OWNER_ALL ? FOR_ALL : host,
	    secret_kind_name(kind));
}

/* The folder; NULL if there is none, or none for a host of this name. */
static const char *
folder(const char *host)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");

	return path != NULL && path[0] == '/' && strchr(host, '/') == NULL ?
	    path : NULL;
}

static int
check(int fd, const char *name, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "credential %s", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INPUT, "credential %s is not a file",
		    name);
	if (st.st_size == 0)
		return err_set(err, ERR_INPUT, "credential %s is empty", name);
	if (st.st_size > SECRET_SIZE_MAX)
		return err_set(err, ERR_INPUT, "credential %s has more than "
		    "%d bytes", name, SECRET_SIZE_MAX);
	return 0;
}

static int
open_file(int dir, const char *name, struct err *err)
{
	/* Not waiting, should it be a pipe: check() refuses it. */
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC |
	    O_NONBLOCK | O_NOCTTY);

	if (fd == -1 && errno == ENOENT)
		return err_set(err, ERR_NOTFOUND, "there is no credential %s",
		    name);
	if (fd == -1 && errno == ELOOP)
		return err_set(err, ERR_INPUT, "credential %s is a link, "
		    "which is not followed", name);
	if (fd == -1)
		return err_sys(err, "credential %s can't be opened", name);
	if (check(fd, name, err) == -1)
		fd_close(&fd);
	return fd;
}

int
credential_open(const char *host, enum secret_kind kind, char **name,
    struct err *err)
{
	const char *path = folder(host);
	int dir = -1, fd = -1;

	*name = NULL;
	if (path != NULL)
		dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err_set(err, ERR_NOTFOUND, "there is no folder of credentials");
	for (enum owner o = OWNER_HOST; o < OWNER_COUNT && dir != -1 &&
	    fd == -1 && err->code == ERR_NOTFOUND; o++) {
		free(*name);
		if ((*name = make_name(host, kind, o)) != NULL)
			fd = open_file(dir, *name, err);
	}
	if (fd == -1 && err->code == ERR_NOTFOUND) {
		free(*name);
		*name = NULL;
	}
	fd_close(&dir);
	return fd;
}

void
credential_each(const char *host, void (*f)(void *arg, const char *path),
    void *arg)
{
	const char *dir = folder(host);

	for (int i = 0; i < SECRET_KIND_COUNT * OWNER_COUNT && dir != NULL;
	    i++) {
		char *name = make_name(host,
		    (enum secret_kind)(i / OWNER_COUNT),
		    (enum owner)(i % OWNER_COUNT)), *path;

		if (name == NULL)
			continue;
		path = str_dupf("%s/%s", dir, name);
		f(arg, path);
		free(path);
		free(name);
	}
}

static void
look(void *arg, const char *path)
{
	bool *found = arg;

	*found = *found || access(path, F_OK) == 0;
}

bool
credential_exists(const char *host)
{
	bool found = false;

	credential_each(host, look, &found);
	return found;
}
