/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CLI_WAIT_RULE_H
#define HAWSER_CLI_WAIT_RULE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/*
 * wait_rule: what `hawser wait` makes of a status and of the events that
 * follow it. Pure.
 */

/* Makes status, as GET /v1/status tells it, what it is after the event. */
void wait_note(json_t *status, const json_t *event);

enum wait_verdict {
	WAIT_DONE,
	WAIT_MOVING,		/* not yet: it is on its way */
	WAIT_STUCK,		/* not yet, and something else has to happen */
	WAIT_NEVER,		/* it cannot become so */
};

/*
 * Is the forward with this id, or (NULL) the host as a whole, up, or verified?
 *
 * A forward is up when it is up, verified or unprovable. A host is up when its
 * state is and each of its forwards is; it is verified when besides each
 * forward that listens on the server is: the others are known by their use
 * alone. Unless it is done, the sentence why is appended.
 */
enum wait_verdict wait_judge(const json_t *status, const char *host,
    const char *forward, bool verified, int64_t now_ms, struct str *why);

#endif
