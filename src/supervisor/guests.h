/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_GUESTS_H
#define HAWSER_SUPERVISOR_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;

/*
 * guests: the connections of the API, whatever is spoken on them: how many
 * there may be, how long a request may take, how much of answers may wait to
 * be read. Who has to go is hung up on with shutdown(2).
 */
struct guests;
struct guest;

#define GUESTS_MAX		64
#define GUESTS_REQUEST_S	5
#define GUESTS_UNREAD_MAX	(16 * 1024 * 1024)
#define GUESTS_SMALL		4096	/* an answer that is always given */

/* New. on_cut: one was hung up on, which whoever reads there has to find. */
struct guests *guests_new(struct event_base *, void (*on_cut)(void *arg),
    void *arg);

/* When all guests are gone. NULL is fine. */
void guests_free(struct guests *);

/*
 * Is there room for one more? If need be, of the process with the most
 * connections that with the oldest request is hung up on: who comes once, and
 * asks and reads at once, is answered however many others dawdle. Those that
 * wait for us stay.
 */
bool guests_make_room(struct guests *);

/* New; borrows fd. Its time runs. */
struct guest *guest_new(struct guests *, int fd);
void guest_free(struct guest *);

/*
 * A request begins, as far as we are concerned, or its answer is there: it has
 * GUESTS_REQUEST_S from now on, however many bytes come meanwhile.
 */
void guest_start_clock(struct guest *);

/* It is we who are waited for. */
void guest_stop_clock(struct guest *);

/*
 * May it have an answer of so many bytes? Those that wait to be read take no
 * more than GUESTS_UNREAD_MAX, but a process that has none may have one.
 */
bool guest_can_afford(const struct guest *, size_t);

/* The bytes of the answer that it reads; 0: none. */
void guest_set_unread(struct guest *, size_t);

#endif
