/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_API_CALL_H
#define HAWSER_CLI_API_CALL_H

#include <jansson.h>

#include "base/err.h"

/* api_call: one request to the supervisor's API, over its Unix socket. */

#define API_CALL_MS	5000	/* enough for every answer from memory */
#define API_RELOAD_MS	30000	/* a reload reads files and may run commands */

enum api_method { API_GET, API_POST };

/*
 * New: the JSON object that the supervisor behind socket answers; the caller
 * drops the reference. path begins with "/v1/". send is the body of a POST, ""
 * for none. NULL with err set, its text a sentence for people:
 *	ERR_CLOSED	no supervisor runs there
 *	ERR_PERM	the socket or the supervisor refuses this user
 *	ERR_TIMEOUT	no answer within timeout_ms
 *	ERR_REFUSED	the supervisor said no; the text is its "error"
 *	ERR_NOTFOUND	the same, of a host or a path that isn't known (404)
 *	ERR_PROTOCOL	something else than hawserd answered
 */
json_t *api_call(const char *socket, enum api_method, const char *path,
    const char *send, long timeout_ms, struct err *);

/* New: "/v1/hosts/NAME/verb", the name percent-encoded. The caller frees. */
char *api_host_path(const char *name, const char *verb);

#endif
