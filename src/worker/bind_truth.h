/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_BIND_TRUTH_H
#define HAWSER_WORKER_BIND_TRUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/forward.h"

/*
 * bind_truth: what a server made of our wish to listen. sshd says yes to
 * "*:8080" and listens on loopback, or yes to "localhost:8080" and listens
 * everywhere, as its GatewayPorts has it; or on one family of two. It is found
 * out by connecting from the server to some of its addresses. Pure: which ones
 * to try, and what the answers mean.
 */

#define BIND_TRUTH_ADDRESSES	3

/* What came of a connection to one address. */
enum probe_verdict {
	PROBE_PENDING,
	PROBE_PROVED,		/* it came back to us */
	PROBE_REFUSED,		/* nobody listens there */
	PROBE_PROHIBITED,	/* the server does not let us look */
	PROBE_STRANGER,		/* somebody else answered */
	PROBE_SILENT,		/* connected, and nothing came */
	PROBE_SKIPPED,		/* another forward of ours listens there */
	PROBE_VERDICT_COUNT
};

struct probe_result {
	const char *address;	/* a literal or name, or a path */
	enum probe_verdict verdict;
};

/*
 * The addresses to connect to, for the forward's listening side; how many.
 * Borrowed from listen, or static.
 */
size_t bind_truth_addresses(const struct endpoint *listen,
    const char *out[BIND_TRUTH_ADDRESSES]);

/* Do clients of the forward look for us at this one of them? */
bool bind_truth_wants(const struct endpoint *listen, const char *address);

/*
 * Can a client of the forward that comes from this address ("": not told) be
 * on the server itself, as our own probes are? A literal tells, unless a name
 * listens, whose addresses we don't know.
 */
bool bind_truth_is_near(const struct endpoint *listen,
    const char *originator);

struct bind_truth {
	enum forward_state state;	/* up, verified or unprovable */
	char *detail;			/* a sentence, or NULL */
	char *bound[BIND_TRUTH_ADDRESSES];	/* "0.0.0.0:8080", or a path */
	size_t bound_count;
};

/*
 * Fills out: verified if what was asked for is proved; up with a sentence if
 * something else is bound than was asked for, or somebody else answers;
 * unprovable if nothing can be told. port is the one that listens; by the
 * server's banner a sentence names the setting to change.
 */
void bind_truth_tell(const struct endpoint *listen, uint16_t port,
    const char *banner, const struct probe_result *, size_t count,
    struct bind_truth *out);

void bind_truth_fini(struct bind_truth *);

#endif
