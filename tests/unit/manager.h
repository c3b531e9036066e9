/* SPDX-License-Identifier: ISC */
#ifndef MANAGER_H
#define MANAGER_H

/*
 * manager: the service manager's end of sd_notify(3): a socket that
 * NOTIFY_SOCKET names.
 */
struct manager {
	int sock;
	int fd;			/* the last that came; -1: none */
};

void manager_open(struct manager *);
void manager_close(struct manager *);

/* The next message, borrowed until the next call; NULL: none has come. */
const char *manager_next(struct manager *);

#endif
