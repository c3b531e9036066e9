/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/self.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double
seconds(const struct timeval *tv)
{
	return (double)tv->tv_sec + (double)tv->tv_usec / 1e6;
}

static int64_t
resident_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long long pages = -1;

	if (f == NULL)
		return -1;
	if (fscanf(f, "%*s %lld", &pages) != 1)
		pages = -1;
	fclose(f);
	return pages == -1 ? -1 : (int64_t)pages * sysconf(_SC_PAGESIZE);
}

static int64_t
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int64_t n = 0;

	if (dir == NULL)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		n += entry->d_name[0] != '.' ? 1 : 0;
	closedir(dir);
	return n - 1;		/* the folder's own */
}

void
self_look(struct self *s)
{
	struct rusage used = { 0 };
	struct rlimit limit = { 0 };

	getrusage(RUSAGE_SELF, &used);
	getrlimit(RLIMIT_NOFILE, &limit);
	s->cpu_s = seconds(&used.ru_utime) + seconds(&used.ru_stime);
	s->resident_bytes = resident_bytes();
	s->open_fds = open_fds();
	s->max_fds = limit.rlim_cur;
}
