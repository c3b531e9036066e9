/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_WORKER_HARDEN_H
#define HAWSER_WORKER_HARDEN_H

/*
 * harden: what this process gives up at its start: it dies with its parent,
 * leaves no core and cannot be traced by others of its user, and never gains
 * privileges. May use as many descriptors as the system allows it.
 */
void harden_process(void);

#endif
