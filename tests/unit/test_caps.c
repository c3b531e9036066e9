/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/caps.h"

/* One "Cap…:" line of this process, or of a program that it becomes. */
static uint64_t
in_status(const char *kind)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long value = ~0ull;
	char line[256];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, kind, strlen(kind)) == 0)
			value = strtoull(line + strlen(kind), NULL, 16);
	if (f != NULL)
		fclose(f);
	return value;
}

/* The child's exit code. */
static int
in_child(int (*deed)(void))
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(deed());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int
keep_none(void)
{
	struct err err;

	if (caps_keep(CAPS_NONE, &err) == -1)
		return 1;
	if (caps_effective() != 0 || in_status("CapPrm:") != 0 ||
	    in_status("CapInh:") != 0 || in_status("CapAmb:") != 0)
		return 2;
	/* What was given up doesn't come back. */
	return caps_keep(CAPS_LOW_PORTS, &err) != 0 || caps_effective() != 0;
}

static int
keep_low_ports(void)
{
	struct err err;

	caps_forbid_gain();
	if (caps_keep(CAPS_LOW_PORTS, &err) == -1)
		return 1;
	return caps_effective() != CAPS_LOW_PORTS ||
	    in_status("CapPrm:") != CAPS_LOW_PORTS ||
	    in_status("CapBnd:") != 0;
}

static void
nothing_is_kept(void **state)
{
	(void)state;
	assert_int_equal(in_child(keep_none), 0);
}

static void
one_is_kept(void **state)
{
	(void)state;
	if ((caps_effective() & CAPS_LOW_PORTS) == 0 || geteuid() != 0)
		skip();
	assert_int_equal(in_child(keep_low_ports), 0);
}

static void
they_are_those_of_the_kernel(void **state)
{
	(void)state;
	assert_true(caps_effective() == in_status("CapEff:"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_those_of_the_kernel),
		cmocka_unit_test(nothing_is_kept),
		cmocka_unit_test(one_is_kept),
	};

	return cmocka_run_group_tests_name("caps", tests, NULL, NULL);
}
