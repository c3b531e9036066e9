/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_API_STREAM_H
#define HAWSER_SUPERVISOR_API_STREAM_H

#include <microhttpd.h>
#include <stdbool.h>

#include "supervisor/event_stream.h"

struct event_base;

/*
 * api_stream: an answer of the API that goes on: the lines of an event_stream.
 * It notices when its reader has gone, though it may have nothing to say for
 * days.
 */
struct api_stream;

/*
 * New: answers the request with it. Takes the event_stream, borrows the rest.
 * on_more is called when libmicrohttpd has something to do; last: what is left
 * was cut off, and after it the answer ends. NULL if libmicrohttpd refused.
 */
struct api_stream *api_stream_start(struct event_base *,
    struct MHD_Connection *, struct event_stream *,
    void (*on_more)(void *arg, bool last), void *arg);

/* Has it end when libmicrohttpd runs next: that must not be suspended then. */
void api_stream_end(struct api_stream *);

/* The request is over, its socket still open. NULL is fine. */
void api_stream_free(struct api_stream *);

#endif
