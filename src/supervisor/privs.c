/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/privs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/places.h"
#include "base/str.h"
#include "config/inifile.h"
#include "supervisor/instance.h"

extern char **environ;

/* What hawser.ini says, which only root may have written. */
static int
ask_inifile(struct runas *out, const char *dir, struct err *err)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct inifile f;
	char *error;

	inifile_load(&f, dir, report);
	if ((error = config_first_error(report)) != NULL)
		err_set(err, ERR_INPUT, "%s", error);
	*out = f.user;
	f.user = (struct runas){ 0 };
	inifile_fini(&f);
	config_free(report);
	free(error);
	return error == NULL ? 0 : -1;
}

/* Whom root is to become: the command line's, or hawser.ini's. */
static int
find_for_root(struct runas *out, const struct options *o, struct err *err)
{
	struct runas named;

	if (o->config_dir != NULL &&
	    ask_inifile(out, o->config_dir, err) == -1)
		return -1;
	if (o->user == NULL)
		return 0;
	if (runas_find(&named, o->user, err) == -1)
		return -1;
	if (out->name != NULL && out->uid != named.uid) {
		err_set(err, ERR_INPUT, "--user says %s, but %s/hawser.ini "
		    "says %s: drop one of them", o->user, o->config_dir,
		    out->name);
		runas_fini(&named);
		return -1;
	}
	/* hawser.ini's may have a group. */
	if (out->name == NULL)
		*out = named;
	else
		runas_fini(&named);
	return 0;
}

int
privs_find(struct runas *out, const struct options *o, struct err *err)
{
	*out = (struct runas){ 0 };
	if (getuid() == 0) {
		if (find_for_root(out, o, err) == -1)
			return -1;
	} else if (o->user != NULL) {
		/* hawser.ini's user is compared whenever it is loaded. */
		if (runas_find(out, o->user, err) == -1)
			return -1;
		if (!runas_is_us(out))
			return err_set(err, ERR_PERM, "only root can start "
			    "hawserd as %s: leave --user out, or start it as "
			    "root", o->user);
	}
	if (out->name != NULL && (out->uid == 0 || runas_is_us(out)))
		runas_fini(out);
	return 0;
}

/* A file, given away by what is open, whatever has its name by then. */
static int
give_file(int folder, const char *name, const char *where,
    const struct runas *who, struct err *err)
{
	int fd = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = 0;
	struct stat st;

	if (fd == -1 || fstat(fd, &st) == -1)
		rc = err_sys(err, "cannot look at %s/%s", where, name);
	else if (!S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode))
		rc = 0;
	else if (st.st_uid == who->uid)
		rc = 0;
	else if (st.st_uid != 0)
		rc = err_set(err, ERR_PERM, "%s/%s belongs to user %ld, "
		    "neither to root nor to %s: chown or remove it", where,
		    name, (long)st.st_uid, who->name);
	else if (st.st_nlink > 1)
		rc = err_set(err, ERR_PERM, "%s/%s has a second name "
		    "elsewhere, so %s doesn't get it: replace it by a copy",
		    where, name, who->name);
	else if (fchownat(fd, "", who->uid, who->gid, AT_EMPTY_PATH) == -1)
		rc = err_sys(err, "cannot give %s/%s to %s", where, name,
		    who->name);
	fd_close(&fd);
	return rc;
}

/* Takes fd. */
static int
give_files(int fd, const char *where, const struct runas *who,
    struct err *err)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (dir == NULL) {
		err_sys(err, "cannot read the folder %s", where);
		fd_close(&fd);
		return -1;
	}
	while (rc == 0 && (e = readdir(dir)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = give_file(dirfd(dir), e->d_name, where, who, err);
	closedir(dir);
	return rc;
}

static int
give_open_folder(int fd, const char *path, const struct runas *who,
    struct err *err)
{
	struct stat st;
	int copy;

	if (fstat(fd, &st) == -1)
		return err_sys(err, "cannot look at the folder %s", path);
	if (st.st_uid == who->uid)
		return 0;
	if (st.st_uid != 0)
		return err_set(err, ERR_PERM, "the folder %s belongs to user "
		    "%ld, neither to root nor to %s: chown -R %s it, or remove "
		    "it", path, (long)st.st_uid, who->name, who->name);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_PERM, "the folder %s is writable by "
		    "others: look who has put what there, then chmod 700 it",
		    path);
	if ((copy = fcntl(fd, F_DUPFD_CLOEXEC, 0)) == -1)
		return err_sys(err, "cannot read the folder %s", path);
	/* It comes last: nobody else could put anything there until then. */
	if (give_files(copy, path, who, err) == -1)
		return -1;
	if (fchmod(fd, 0700) == -1 || fchown(fd, who->uid, who->gid) == -1)
		return err_sys(err, "cannot give the folder %s to %s", path,
		    who->name);
	return 0;
}

int
privs_give_folder(const char *path, const struct runas *who, struct err *err)
{
	int fd, rc;

	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return err_sys(err, "cannot make the folder %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return err_sys(err, "cannot open the folder %s (links are not "
		    "followed)", path);
	rc = give_open_folder(fd, path, who, err);
	fd_close(&fd);
	return rc;
}

/* Does the path stand right in the folder? */
static bool
is_in(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return strncmp(path, folder, n) == 0 && path[n] == '/' &&
	    strchr(path + n + 1, '/') == NULL;
}

static int
give_places(const struct runas *who, const char *state, const char *socket,
    struct err *err)
{
	/* Its files would be taken from under the one that runs. */
	if (instance_check(socket, err) == -1)
		return -1;
	if (strcmp(state, HAWSER_STATEDIR) == 0 &&
	    privs_give_folder(state, who, err) == -1)
		return -1;
	if (is_in(socket, HAWSER_RUNDIR))
		return privs_give_folder(HAWSER_RUNDIR, who, err);
	return 0;
}

static void
unset_xdg(void)
{
	char **e = environ;

	while (*e != NULL) {
		char *name = str_dupf("%.*s", (int)strcspn(*e, "="), *e);

		if (strncmp(name, "XDG_", strlen("XDG_")) == 0) {
			unsetenv(name);
			e = environ;	/* it has been moved */
		} else {
			e++;
		}
		free(name);
	}
}

static int
set_environment(const struct runas *who, const char *state,
    const char *socket, struct err *err)
{
	/* Where root's are, base/places.h would not look for a user's. */
	if (setenv("HAWSER_STATE", state, 1) == -1 ||
	    setenv("HAWSER_SOCKET", socket, 1) == -1 ||
	    setenv("HOME", who->home, 1) == -1 ||
	    setenv("USER", who->name, 1) == -1 ||
	    setenv("LOGNAME", who->name, 1) == -1)
		return err_sys(err, "cannot set the environment");
	unset_xdg();
	return 0;
}

static int
change_ids(const struct runas *who, struct err *err)
{
	/* While we are root and may. */
	caps_forbid_gain();
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == -1 ||
	    initgroups(who->name, who->gid) == -1 ||
	    setresgid(who->gid, who->gid, who->gid) == -1 ||
	    setresuid(who->uid, who->uid, who->uid) == -1)
		return err_sys(err, "cannot become %s", who->name);
	if (caps_keep(CAPS_LOW_PORTS, err) == -1)
		return -1;
	/* sudo and other setuid programs would have more than we. */
	if (prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) == -1 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return err_sys(err, "cannot give up privileges");
	/* The environment and memory were root's. */
	prctl(PR_SET_DUMPABLE, 0);
	if (setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
		return err_set(err, ERR_PERM,
		    "root's privileges come back: they cannot be given up");
	return 0;
}

/* Where the user's own files have to find room. */
static int
check_state(const struct runas *who, const char *state, struct err *err)
{
	if (instance_make_dir(state, err) == -1)
		return -1;
	if (access(state, W_OK | X_OK) == -1)
		return err_set(err, ERR_PERM, "%s may not write to the state "
		    "folder %s: chown it", who->name, state);
	return 0;
}

/* systemd gives them to whom its unit names, and we aren't that any more. */
static void
warn_of_credentials(const struct runas *who)
{
	const char *path = getenv("CREDENTIALS_DIRECTORY");

	if (path != NULL && access(path, R_OK | X_OK) == -1)
		log_warn("credentials are out of reach: say User=%s in the "
		    "unit, and no other user here", who->name);
}

static int
become(const struct runas *who, const struct options *o, const char *state,
    const char *socket, struct err *err)
{
	if (give_places(who, state, o->socket, err) == -1 ||
	    set_environment(who, state, socket, err) == -1 ||
	    change_ids(who, err) == -1)
		return -1;
	if (chdir("/") == -1)
		return err_sys(err, "cannot leave the current folder");
	if (check_state(who, state, err) == -1)
		return -1;
	log_info("root's privileges are given up user=%s uid=%ld gid=%ld "
	    "low_ports=%s", who->name, (long)who->uid, (long)who->gid,
	    caps_effective() == CAPS_LOW_PORTS ? "yes" : "no");
	warn_of_credentials(who);
	return 0;
}

int
privs_become(const struct runas *who, const struct options *o,
    struct err *err)
{
	char *state = place_state_dir(err);
	char *socket = state != NULL ? place_socket(false, err) : NULL;
	int rc = -1;

	if (socket != NULL)
		rc = become(who, o, state, socket, err);
	free(state);
	free(socket);
	return rc;
}

int
privs_stay(const struct options *o, struct err *err)
{
	if (getuid() != 0)
		return caps_keep(CAPS_LOW_PORTS, err);
	log_info("hawserd runs as root: --user NAME%s gives that up",
	    o->config_dir != NULL ? ", or user = NAME in hawser.ini," : "");
	return 0;
}
