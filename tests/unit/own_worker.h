/* SPDX-License-Identifier: ISC */
#ifndef OWN_WORKER_H
#define OWN_WORKER_H

/*
 * own_worker: the process at the other end of the host table's tests. It
 * speaks as a worker does; what it does is the User of its host.
 */

/* The exit code, if it comes to that. */
int own_worker_main(void);

#endif
