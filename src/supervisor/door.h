/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_DOOR_H
#define HAWSER_SUPERVISOR_DOOR_H

#include <sys/types.h>

struct event_base;

/*
 * door: the Unix socket that the API listens on. Only our own user, root and
 * the members of one group come in: the kernel says who it is, before a byte
 * is read. Out of descriptors, accepting pauses: clients wait in the backlog.
 */
struct door;

/*
 * New: enter gets (and takes) the non-blocking socket of each who may come in.
 * Takes the listening, non-blocking socket, also on failure. NULL without
 * memory.
 */
struct door *door_new(struct event_base *, int sock,
    void (*enter)(void *arg, int fd), void *arg);

/*
 * From now on members of this group may come in, as their credentials were
 * when they connected; NULL: of none, which is so at first.
 */
void door_set_group(struct door *, const gid_t *);

void door_free(struct door *);		/* also NULL */

#endif
