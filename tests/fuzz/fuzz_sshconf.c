/* SPDX-License-Identifier: ISC */
/* sshconf: one line of ssh_config(5). */
#include <stddef.h>
#include <stdint.h>

#include "config/sshconf.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sshconf_line line = { 0 };
	struct err err;

	if (sshconf_parse_line(&line, (const char *)data, len, &err) == 0 &&
	    line.keyword != NULL)
		FUZZ_CHECK(line.keyword[0] != '\0');
	for (size_t i = 0; i < line.argc; i++)
		FUZZ_CHECK(strlen(line.argv[i]) <= len);
	sshconf_line_fini(&line);
	return 0;
}
