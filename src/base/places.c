/* SPDX-License-Identifier: ISC */
#include "base/places.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/endpoint.h"
#include "base/sha256.h"
#include "base/str.h"

/* A variable's value; an empty one counts as unset, as XDG wants it. */
static const char *
env(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* Borrowed from the environment or from passwd's static memory. */
static const char *
home(void)
{
	const char *dir = env("HOME");
	const struct passwd *pw;

	if (dir == NULL && (pw = getpwuid(getuid())) != NULL)
		dir = pw->pw_dir;
	return dir;
}

char *
place_state_dir(struct err *err)
{
	const char *dir;

	if ((dir = env("HAWSER_STATE")) != NULL)
		return str_dup(dir);
	if (geteuid() == 0)
		return str_dup(HAWSER_STATEDIR);
	if ((dir = env("XDG_STATE_HOME")) != NULL)
		return str_dupf("%s/hawser", dir);
	if ((dir = home()) != NULL)
		return str_dupf("%s/.local/state/hawser", dir);
	err_set(err, ERR_NOTFOUND,
	    "neither HOME nor passwd names a home folder for user %ld",
	    (long)getuid());
	return NULL;
}

char *
place_socket(bool system, struct err *err)
{
	const char *value;
	char *path, *dir;

	if (!system && (value = env("HAWSER_SOCKET")) != NULL) {
		path = str_dup(value);
	} else if (system || geteuid() == 0) {
		path = str_dup(HAWSER_RUNDIR "/" PLACE_SOCKET_NAME);
	} else if ((value = env("XDG_RUNTIME_DIR")) != NULL) {
		path = str_dupf("%s/hawser/" PLACE_SOCKET_NAME, value);
	} else {
		if ((dir = place_state_dir(err)) == NULL)
			return NULL;
		path = str_dupf("%s/" PLACE_SOCKET_NAME, dir);
		free(dir);
	}
	if (strlen(path) > ENDPOINT_PATH_MAX) {
		err_set(err, ERR_INPUT,
		    "the socket's path is longer than %d bytes: %s",
		    ENDPOINT_PATH_MAX, path);
		free(path);
		return NULL;
	}
	return path;
}

char *
place_ledger(const char *socket, struct err *err)
{
	char *dir = place_state_dir(err), *usual, *path;
	uint8_t digest[SHA256_SIZE];

	if (dir == NULL)
		return NULL;
	usual = place_socket(false, NULL);
	if (str_equal(usual, socket)) {
		path = str_dupf("%s/ledger.sqlite", dir);
	} else {
		sha256(digest, socket, strlen(socket));
		path = str_dupf("%s/ledger-%02x%02x%02x%02x.sqlite", dir,
		    digest[0], digest[1], digest[2], digest[3]);
	}
	free(usual);
	free(dir);
	return path;
}
