/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_BASE_PLACES_H
#define HAWSER_BASE_PLACES_H

#include <stdbool.h>

#include "base/err.h"

/*
 * places: where the supervisor and the command line meet. Both ask here, so
 * that neither has an opinion of its own.
 */

#define PLACE_SOCKET_NAME	"api.sock"

/*
 * New: the path of the API's socket, which the caller frees:
 *	$HAWSER_SOCKET, if it is set and system is false;
 *	for root, or if system is true, HAWSER_RUNDIR/api.sock;
 *	for a user $XDG_RUNTIME_DIR/hawser/api.sock, or, without that variable,
 *	api.sock in the state folder.
 * NULL with ERR_NOTFOUND if the user has no home folder, ERR_INPUT if the path
 * is longer than a Unix socket's address holds (107 bytes).
 */
char *place_socket(bool system, struct err *);

/*
 * New: the folder of the lock, the ledger and our own known_hosts, which the
 * caller frees:
 *	$HAWSER_STATE, if it is set;
 *	for root HAWSER_STATEDIR;
 *	for a user $XDG_STATE_HOME/hawser or ~/.local/state/hawser.
 * NULL with ERR_NOTFOUND if the user has no home folder.
 */
char *place_state_dir(struct err *);

/*
 * New: the path of the ledger of the hawserd with this socket, in the state
 * folder, which the caller frees: ledger.sqlite; with another socket than
 * place_socket(false) has, ledger-XXXXXXXX.sqlite by a digest of its path. NULL
 * with ERR_NOTFOUND as above.
 */
char *place_ledger(const char *socket, struct err *);

#endif
