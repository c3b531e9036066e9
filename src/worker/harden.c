/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "worker/harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

void
harden_process(void)
{
	struct rlimit limit = { 0, 0 };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &limit);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
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
