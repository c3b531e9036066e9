/* SPDX-License-Identifier: ISC */
#include "base/limits.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/resource.h>

#define OOM_FILE	"/proc/self/oom_score_adj"

/* In thousandths of the memory that counts as used: -1000 to 1000. */
#define OOM_KEPT	(-500)
#define OOM_OFFER	200
#define OOM_MAX		1000

#define USUAL_FDS	1024

void
limits_no_core(void)
{
	struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
}

void
limits_many_fds(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

void
limits_usual_fds(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur > USUAL_FDS) {
		l.rlim_cur = USUAL_FDS;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static bool
read_oom(int *out)
{
	FILE *f = fopen(OOM_FILE, "re");
	bool ok;

	if (f == NULL)
		return false;
	ok = fscanf(f, "%d", out) == 1;
	fclose(f);
	return ok;
}

/* It is no fault if we may not. */
static void
write_oom(int n)
{
	FILE *f = fopen(OOM_FILE, "we");

	if (f == NULL)
		return;
	fprintf(f, "%d", n);
	fclose(f);
}

void
limits_oom_keep(void)
{
	int now;

	if (read_oom(&now) && now > OOM_KEPT)
		write_oom(OOM_KEPT);
}

void
limits_oom_offer(void)
{
	int now;

	if (!read_oom(&now))
		return;
	now = (now > 0 ? now : 0) + OOM_OFFER;
	write_oom(now < OOM_MAX ? now : OOM_MAX);
}
