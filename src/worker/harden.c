/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

void
harden_process(void)
{
	/* No user id changes after this: that would undo it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	limits_no_core();
	limits_many_fds();
	signal(SIGPIPE, SIG_IGN);
}

bool
harden_has_parent(int sock)
{
	struct ucred maker;
	socklen_t len = sizeof(maker);

	/* 0: it lives in another pid namespace. */
	return getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &maker, &len) == -1 ||
	    maker.pid == 0 || maker.pid == getppid();
}
