/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_CREDENTIAL_H
#define HAWSER_SUPERVISOR_CREDENTIAL_H

#include <stdbool.h>

#include "base/err.h"
#include "ipc/secret.h"

/*
 * credential: systemd's credentials (systemd.exec(5)), files in the folder
 * that CREDENTIALS_DIRECTORY names. Those of a host are called
 * HOST.passphrase, HOST.password and HOST.answer; hawser.passphrase and
 * hawser.password are for every host.
 */

/*
 * Opens the one that answers the question. Its file's name (new) goes to
 * *name. A new descriptor; -1 with ERR_NOTFOUND if there is none, or another
 * error if there is one that can't be used: then *name is set, too.
 */
int credential_open(const char *host, enum secret_kind, char **name,
    struct err *);

/* Is there any for this host? */
bool credential_exists(const char *host);

/* Calls f with the path of each one that there could be for this host. */
void credential_each(const char *host,
    void (*f)(void *arg, const char *path), void *arg);

#endif
