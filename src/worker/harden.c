/* SPDX-License-Identifier: ISC */
#include "worker/harden.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void
harden_process(void)
{
	struct rlimit limit = { 0, 0 };

	/*
	 * A parent that died before this is noticed by the end of its
	 * message socket.
	 */
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
