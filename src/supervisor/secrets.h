/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_SECRETS_H
#define HAWSER_SUPERVISOR_SECRETS_H

#include <stdbool.h>

#include "base/err.h"
#include "config/config.h"
#include "ipc/end.h"
#include "ipc/message.h"
#include "ipc/order.h"

struct event_base;

/*
 * secrets: finds the passphrases, passwords and answers that one worker asks
 * for, and hands them on unread. The first of these that is there is asked:
 *
 *	HawserPassphraseCommand		has SECRETS_COMMAND_S
 *	a credential (credential.h)
 *	the program of SSH_ASKPASS	has SECRETS_ASKPASS_S; unless
 *					SSH_ASKPASS_REQUIRE is "never", or
 *					BatchMode yes
 *
 * Only the last one, a person, is asked again after a wrong answer. The worker
 * may be the server's by then: it is told only what its order gives it a use
 * for, one secret at a time, and not too many.
 */
struct secrets;

#define SECRETS_COMMAND_S	30
#define SECRETS_ASKPASS_S	120

/*
 * Comes once per question: either a descriptor (taken by the callee) and where
 * it comes from, or -1 and an error, a sentence.
 */
typedef void secrets_answer(void *arg, int fd, const char *source,
    const char *error);

/* Is there a source of secrets for this host, which may also be asked? */
bool secrets_exist(const struct host *);

/*
 * New, for a worker with this order, which is borrowed; the host is not needed
 * after the call.
 */
struct secrets *secrets_new(struct event_base *, const struct session_order *,
    const struct host *, secrets_answer *, void *arg);

/* Ends the question, if there is one, without an answer. NULL is fine. */
void secrets_free(struct secrets *);

/*
 * FACT_SECRET of the worker, which is in this phase. The answer comes from the
 * loop, or already during the call. 0; -1 with ERR_PROTOCOL or ERR_REFUSED if
 * the worker may not ask this: there is no answer then.
 */
int secrets_ask(struct secrets *, enum phase, const struct message *,
    struct err *);

/* Ends the question, if there is one, without an answer. */
void secrets_cancel(struct secrets *);

#endif
