/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_AGENT_H
#define HAWSER_SSH_AGENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ssh/agent_reply.h"

/*
 * agent: a client of ssh-agent(1): lists keys and has them sign. Every call
 * ends by its deadline, a clock_now_ms() time. After an agent that was silent,
 * gone or wrong once, all calls fail at once.
 */
struct agent;

/*
 * Connects to the socket at path: before any sandbox. NULL with ERR_NOTFOUND
 * (there is no such socket), ERR_SYS.
 */
struct agent *agent_open(const char *path, struct err *);

/* NULL is fine. */
void agent_free(struct agent *);

/*
 * The keys that it has. 0; -1 with ERR_TIMEOUT, ERR_CLOSED, ERR_REFUSED,
 * ERR_PROTOCOL, ERR_SYS.
 */
int agent_list(struct agent *, int64_t deadline_ms, struct agent_keys *out,
    struct err *);

/*
 * A signature of data by key, which is to be of algorithm (as it is named in
 * the request that is signed, a certificate's suffix included): new, from
 * malloc(). Errors as of agent_list(), and ERR_INPUT: it signs by another
 * algorithm.
 */
int agent_sign(struct agent *, const struct public_key *,
    const char *algorithm, const uint8_t *data, size_t len,
    int64_t deadline_ms, uint8_t **sig, size_t *sig_len, struct err *);

#endif
