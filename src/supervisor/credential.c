/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/credential.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

/* What may be asked for, and by which names it is found: the first wins. */
enum need { NEED_PASSPHRASE, NEED_PASSWORD, NEED_ANSWER,
	NEED_PASSWORD_AS_ANSWER, NEED_COUNT };

#define NAMES_MAX	3

static const struct {
	const char *host;	/* whose it is; NULL: the host's */
	const char *kind;
} names[][NAMES_MAX] = {
	[NEED_PASSPHRASE] = { { NULL, "passphrase" },
	    { "hawser", "passphrase" } },
	[NEED_PASSWORD] = { { NULL, "password" }, { "hawser", "password" } },
	[NEED_ANSWER] = { { NULL, "answer" } },
	[NEED_PASSWORD_AS_ANSWER] = { { NULL, "password" },
	    { NULL, "answer" }, { "hawser", "password" } },
};
static_assert(sizeof(names) / sizeof(names[0]) == NEED_COUNT,
    "one row per need");

static enum need
need_of(const struct secret_question *q)
{
	switch (q->kind) {
	case SECRET_PASSPHRASE:
		return NEED_PASSPHRASE;
	case SECRET_PASSWORD:
		return NEED_PASSWORD;
	case SECRET_ANSWER:
	case SECRET_KIND_COUNT:
		break;
	}
	return strcasestr(q->prompt, "password") != NULL ?
	    NEED_PASSWORD_AS_ANSWER : NEED_ANSWER;
}

/* New: the file's name; NULL if there is none in that column. */
static char *
make_name(const char *host, enum need need, size_t column)
{
	const char *whose = names[need][column].host;

	if (names[need][column].kind == NULL)
		return NULL;
	return str_dupf("%s.%s", whose != NULL ? whose : host,
	    names[need][column].kind);
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
credential_open(const char *host, const struct secret_question *q,
    char **name, struct err *err)
{
	const char *path = folder(host);
	int dir = -1, fd = -1;

	*name = NULL;
	if (path != NULL)
		dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err_set(err, ERR_NOTFOUND, "there is no folder of credentials");
	for (size_t i = 0; i < NAMES_MAX && dir != -1 && fd == -1 &&
	    err->code == ERR_NOTFOUND; i++) {
		free(*name);
		if ((*name = make_name(host, need_of(q), i)) == NULL)
			break;
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

	for (enum need n = NEED_PASSPHRASE; n < NEED_COUNT && dir != NULL; n++)
		for (size_t i = 0; i < NAMES_MAX; i++) {
			char *name = make_name(host, n, i), *path;

			if (name == NULL)
				break;
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
