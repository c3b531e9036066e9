/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_ASK_H
#define HAWSER_WORKER_ASK_H

#include <jansson.h>
#include <stdint.h>

#include "ipc/message.h"
#include "worker/report.h"

/*
 * ask: a question to the supervisor on the straight line before the loop:
 * a fact goes up, and one order answers it.
 */

/*
 * Sends the fact with body (taken) and waits until deadline_ms, a
 * clock_now_ms() time, for the answer, which the caller ends with
 * message_fini(). sock is where orders come from; borrowed. 0; -1 with
 * ERR_TIMEOUT, ERR_CLOSED (there is no supervisor any more), ERR_PROTOCOL,
 * ERR_SYS.
 */
int ask(struct report *, int sock, enum message_name fact, json_t *body,
    enum message_name answer, int64_t deadline_ms, struct message *out,
    struct err *);

#endif
