/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_FWDSPEC_H
#define HAWSER_CONFIG_FWDSPEC_H

#include "base/err.h"
#include "base/forward.h"
#include "base/str.h"

/*
 * fwdspec: the ways to write a forward, as ssh -L, -R and -D take them:
 *
 *	[bind:]port:host:hostport	[bind:]port:path
 *	path:host:hostport		path:path
 *	[bind:]port			path	(dynamic kinds: no target)
 *
 * A field in brackets is taken literally ([::1]); elsewhere a backslash
 * escapes the next byte. "*" and an empty bind mean every address. A field
 * that holds a slash is the path of a Unix socket. Ports may be service names.
 * ${VARIABLES} are expanded before anything else; "%" tokens are left alone.
 */

enum fwdspec_side {
	FWDSPEC_LOCAL,
	FWDSPEC_REMOTE,
	FWDSPEC_REMOTE_WORD,	/* RemoteForward with one word: two fields */
	FWDSPEC_DYNAMIC,
};

/*
 * Parses spec into a zeroed out (id included), and appends to shown (unless
 * NULL) what ssh -G prints behind the keyword: "[bind]:port [host]:port". With
 * the REMOTE sides, without a target it is a FORWARD_REMOTE_DYNAMIC. 0, or -1
 * with ERR_INPUT.
 */
int fwdspec_parse(struct forward *out, enum fwdspec_side, const char *spec,
    struct str *shown, struct err *);

#endif
