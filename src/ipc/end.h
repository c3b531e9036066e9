/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_IPC_END_H
#define HAWSER_IPC_END_H

/*
 * end: the classes of why an attempt or a connection ended (the schedule acts
 * on the class, people read the text), and the phases of an attempt.
 */

enum end_class {
	END_RESOLVE,
	END_UNREACHABLE,
	END_REFUSED,
	END_TIMEOUT,
	END_CLOSED_EARLY,
	END_KEX,
	END_PROTOCOL,
	END_HOSTKEY,
	END_AUTH,
	END_FORWARD,		/* refused, and ExitOnForwardFailure */
	END_LOST,
	END_CLOSED,
	END_PROXY,
	END_CRASH,
	END_STOPPED,		/* as ordered: no fault, no retry by itself */
	END_CLASS_COUNT
};

enum phase {
	PHASE_START,		/* spawned; keys and known_hosts are read */
	PHASE_RESOLVE,
	PHASE_CONNECT,
	PHASE_BANNER,		/* connected; waits for the server's banner */
	PHASE_KEX,
	PHASE_AUTH,		/* the host key was accepted */
	PHASE_UP,
	PHASE_COUNT
};

/* "closed-early", "kex"...; parse gives -1 for unknown names. */
const char *end_class_name(enum end_class);
int end_class_parse(const char *name, enum end_class *out);
const char *phase_name(enum phase);
int phase_parse(const char *name, enum phase *out);

#endif
