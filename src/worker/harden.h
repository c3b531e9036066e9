/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_HARDEN_H
#define HAWSER_WORKER_HARDEN_H

#include <stdbool.h>

/*
 * harden: what this process gives up at its start: it dies with its parent,
 * leaves no core and cannot be traced by others of its user, and never gains
 * privileges. May use as many descriptors as the system allows it.
 */
void harden_process(void);

/*
 * Is our parent the process that made this socket (one of socketpair(2))? If
 * not, it died before harden_process() could ask for our death. True also if
 * the kernel doesn't tell.
 */
bool harden_has_parent(int sock);

#endif
