/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_PRIVS_H
#define HAWSER_SUPERVISOR_PRIVS_H

#include "base/err.h"
#include "config/runas.h"
#include "supervisor/options.h"

/*
 * privs: hawserd that root has started becomes the user that --user or
 * hawser.ini names. What it keeps is CAP_NET_BIND_SERVICE, for local forwards
 * on ports below 1024, also those of a reload. Nothing else that hawserd does
 * (interfaces, types of service, signals to its own children) needs more.
 */

/*
 * Whom to become; without a name if we are to stay who we are. runas_fini()
 * frees it, also after failure. 0; -1 with ERR_NOTFOUND (no such user),
 * ERR_INPUT (hawser.ini has an error, or names another one than --user does),
 * ERR_PERM (we are somebody else, and not root).
 */
int privs_find(struct runas *out, const struct options *, struct err *);

/*
 * Becomes the user, for good: its groups, its ids, the one capability. What is
 * executed from here on never has any, setuid or not. Before that the user
 * gets those places that would be root's (privs_give_folder), and the
 * environment becomes the user's: HOME, USER, LOGNAME, nothing of XDG. / is the
 * current folder, so paths in options have to be absolute. 0, or -1 with
 * ERR_REFUSED (another hawserd runs there), ERR_PERM, ERR_SYS: then this
 * process must end.
 */
int privs_become(const struct runas *, const struct options *, struct err *);

/*
 * For who didn't have to become anybody: a user gives up what capabilities
 * hawserd was started with, but the one; what is executed has none. 0, or -1
 * with ERR_SYS.
 */
int privs_stay(const struct options *, struct err *);

/*
 * Gives a folder to the user; it is made if it is missing (not those above).
 * In one that was root's the files and sockets change hands, too; links and
 * folders don't. One that isn't root's and writable by nobody else, or holds
 * what isn't root's, or a file with a second name, is refused; nothing in it
 * is touched if it is the user's already. 0, or -1 with ERR_PERM, ERR_SYS.
 */
int privs_give_folder(const char *path, const struct runas *, struct err *);

#endif
