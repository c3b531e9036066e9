/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "manager.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdio.h"
#include "base/str.h"

void
manager_open(struct manager *m)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1,
	    "hawser-test-notify-%ld", (long)getpid());
	char *name = str_dupf("@%s", un.sun_path + 1);

	m->fd = -1;
	m->sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(m->sock, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
	    (size_t)n)), 0);
	setenv("NOTIFY_SOCKET", name, 1);
	free(name);
}

void
manager_close(struct manager *m)
{
	fd_close(&m->sock);
	fd_close(&m->fd);
	unsetenv("NOTIFY_SOCKET");
}

const char *
manager_next(struct manager *m)
{
	static char text[4096];
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int)) * 4];
	} control;
	struct iovec iov = { text, sizeof(text) - 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = &control, .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(m->sock, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return NULL;
	text[n] = '\0';
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c != NULL;
	    c = CMSG_NXTHDR(&msg, c))
		if (c->cmsg_type == SCM_RIGHTS) {
			fd_close(&m->fd);
			memcpy(&m->fd, CMSG_DATA(c), sizeof(m->fd));
		}
	return text;
}
