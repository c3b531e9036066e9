/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "config/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"

/* Is it the group of that user alone? */
static bool
is_private(gid_t gid, uid_t owner)
{
	struct passwd *pw = getpwuid(owner);
	struct group *gr;
	char *name;
	bool private;

	if (pw == NULL || pw->pw_gid != gid)
		return false;
	name = str_dup(pw->pw_name);
	gr = getgrgid(gid);
	private = gr != NULL && strcmp(gr->gr_name, name) == 0;
	for (char **m = private ? gr->gr_mem : NULL;
	    private && *m != NULL; m++)
		private = strcmp(*m, name) == 0;
	free(name);
	return private;
}

const char *
files_find_fault(const struct stat *st)
{
	bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) != 0;

	if (st->st_uid != 0 && st->st_uid != getuid())
		return "belongs to another user";
	if ((st->st_mode & S_IWOTH) != 0 && !sticky)
		return "can be written by everybody";
	if ((st->st_mode & S_IWGRP) != 0 && !sticky &&
	    !is_private(st->st_gid, st->st_uid))
		return "can be written by its group";
	return NULL;
}

static int
check(int fd, const char *what, const char *path, struct err *err)
{
	const char *fault;
	struct stat st;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "cannot look at %s%s", what, path);
	if ((fault = files_find_fault(&st)) != NULL)
		return err_set(err, ERR_PERM, "%s%s %s: it isn't used",
		    what, path, fault);
	return 0;
}

/* Says that "it" or "the folder" was not opened; by errno. */
static int
explain(const char *what, struct err *err)
{
	const struct passwd *pw;
	char number[24];

	if (errno != EACCES)
		return err_sys(err, "cannot open %s", what);
	pw = getpwuid(getuid());
	snprintf(number, sizeof(number), "%ld", (long)getuid());
	return err_set(err, ERR_PERM, "cannot open %s: permission denied; let "
	    "user %s, or a group of that user, read it and pass the folders "
	    "above", what, pw != NULL ? pw->pw_name : number);
}

/* The folder in which an open file really stands. */
static int
check_folder_of(int fd, struct err *err)
{
	char link[64], real[PATH_MAX], *slash;
	ssize_t n;
	int folder, rc;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if ((n = readlink(link, real, sizeof(real) - 1)) == -1)
		return err_sys(err, "cannot see where the file stands (%s)",
		    link);
	real[n] = '\0';
	if ((slash = strrchr(real, '/')) == NULL)
		return 0;	/* no file of a file system: a pipe */
	slash[slash == real] = '\0';
	folder = open(real, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder == -1)
		return err_sys(err, "cannot open the folder %s", real);
	rc = check(folder, "its folder ", real, err);
	close(folder);
	return rc;
}

char *
files_read(const char *path, size_t max, size_t *len, struct err *err)
{
	/* A FIFO without a writer must not hold us up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	char *text = NULL;

	*len = 0;
	if (fd == -1) {
		if (explain("it", err) == -1 && errno == ENOENT)
			err->code = ERR_NOTFOUND;
		return NULL;
	}
	if (fstat(fd, &st) == -1)
		err_sys(err, "cannot look at it");
	else if (S_ISDIR(st.st_mode))
		text = str_dup("");
	else if (!S_ISREG(st.st_mode))
		err_set(err, ERR_INPUT, "it is not a file");
	else if ((uintmax_t)st.st_size > max)
		err_set(err, ERR_INPUT, "it is larger than %zu bytes", max);
	else if (check(fd, "", "it", err) == 0 &&
	    check_folder_of(fd, err) == 0)
		text = fd_read_all(fd, max, len, err);
	close(fd);
	return text;
}

static void
add_path(struct files_list *l, char *path)
{
	if ((l->count & (l->count - 1)) == 0)
		l->paths = mem_grow(l->paths, l->count == 0 ? 1 :
		    2 * l->count, sizeof(*l->paths));
	l->paths[l->count++] = path;
}

void
files_list_fini(struct files_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->paths[i]);
	free(l->paths);
	*l = (struct files_list){ 0 };
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

bool
files_has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), m = strlen(suffix);

	return n > m && strcmp(name + n - m, suffix) == 0;
}

static bool
has_one_of(const char *name, const char *const *suffixes)
{
	while (*suffixes != NULL && !files_has_suffix(name, *suffixes))
		suffixes++;
	return *suffixes != NULL;
}

int
files_in_folder(const char *folder, const char *const *suffixes,
    struct files_list *out, struct err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	DIR *dir;

	if (fd == -1)
		return explain("the folder", err);
	if (check(fd, "", "it", err) == -1) {
		close(fd);
		return -1;
	}
	if ((dir = fdopendir(fd)) == NULL) {
		err_sys(err, "cannot read the folder");
		close(fd);
		return -1;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' && has_one_of(e->d_name, suffixes))
			add_path(out, str_dupf("%s/%s", folder, e->d_name));
	closedir(dir);
	if (out->count > 0)
		qsort(out->paths, out->count, sizeof(*out->paths), compare);
	return 0;
}

int
files_glob(const char *pattern, struct files_list *out, struct err *err)
{
	glob_t g;
	int rc = glob(pattern, GLOB_TILDE, NULL, &g);

	if (rc == GLOB_NOMATCH)
		return 0;
	if (rc != 0)
		return err_sys(err, "cannot look for %s", pattern);
	for (size_t i = 0; i < g.gl_pathc; i++)
		add_path(out, str_dup(g.gl_pathv[i]));
	globfree(&g);
	return 0;
}
