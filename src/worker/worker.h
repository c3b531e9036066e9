/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_WORKER_H
#define HAWSER_WORKER_WORKER_H

#include <stdbool.h>

#include "ipc/order.h"
#include "ssh/known_hosts.h"
#include "ssh/transport.h"
#include "worker/ending.h"
#include "worker/report.h"

/*
 * worker: the event loop of an authenticated session: obeys orders until the
 * connection ends, or is to end.
 */

#define WORKER_CANCEL_MS	3000	/* for confirmations after ORDER_STOP */
#define WORKER_BYE_MS		500	/* to hand the good-bye over */

/*
 * Runs the session on transport (taken); known (taken) is what known_hosts says
 * of the server. sock, borrowed, brings the orders, of which ORDER_SET changes
 * the record. True when it ended, with the ending set; false when the
 * supervisor is gone.
 */
bool worker_run(struct transport *, struct known_hosts *known,
    struct session_order *, int sock, struct report *, struct ending *);

#endif
