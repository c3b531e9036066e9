/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_ENDING_H
#define HAWSER_WORKER_ENDING_H

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/end.h"

/*
 * ending: why this worker's one connection ended, or never came about: what
 * FACT_END says.
 */
struct ending {
	enum end_class class;
	char text[ERR_TEXT_SIZE];	/* one plain sentence */
	json_t *host_key;		/* ipc/hostkey.h's, END_HOSTKEY only */
	int64_t silent_ms;		/* of the server; -1: not known */
};

/* Zeroed to begin with. Frees what it holds. */
void ending_fini(struct ending *);

/*
 * Fills it; there is neither key nor silence then. Control characters and bytes
 * that are not ASCII become '?', as texts may quote a peer. Always -1, so that
 * callers can return it.
 */
int ending_set(struct ending *, enum end_class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
