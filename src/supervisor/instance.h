/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_INSTANCE_H
#define HAWSER_SUPERVISOR_INSTANCE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * instance: the socket of this hawserd, and the lock beside it that keeps a
 * second one away. Which socket it has is what tells two hawserd apart: with
 * different ones they run side by side.
 */
struct instance {
	char *path;		/* of the socket */
	char *pid_file;		/* NULL: none was written */
	int lock;
	bool lent;		/* instance_lend() has given it to group */
	gid_t group;
};

/*
 * Makes the socket's folder (0700) if it is missing, takes the lock PATH.lock,
 * removes a socket that a killed hawserd left, and listens (mode 0600). The
 * new socket goes to *sock. 0, or -1 with ERR_REFUSED (another one runs; the
 * text names its pid), ERR_PERM, ERR_SYS.
 */
int instance_open(struct instance *, const char *path, int *sock,
    struct err *);

/*
 * Is there no hawserd with this socket? Makes and changes nothing. 0, or -1
 * with ERR_REFUSED as above.
 */
int instance_check(const char *path, struct err *);

/*
 * Lets a group connect to the socket (mode 0660), or nobody else (NULL). A
 * folder that is named "hawser" and open to us alone, or was made so here, is
 * opened for the group to pass through. 0, or -1 with ERR_SYS.
 */
int instance_lend(struct instance *, const gid_t *group, struct err *);

/* The process forked: the lock file names this one from now on. */
void instance_write_pid(const struct instance *);

/* Writes our pid into a file, which goes with the instance. */
int instance_write_pid_file(struct instance *, const char *path,
    struct err *);

/* Removes the socket and lets go of the lock. */
void instance_close(struct instance *);

/* Makes a folder and those above it, 0700. 0, or -1 with ERR_SYS. */
int instance_make_dir(const char *path, struct err *);

#endif
