/* SPDX-License-Identifier: ISC */
/* ini: a whole hawser.ini. */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "config/iniconf.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct iniconf f = iniconf_parse("f", (const char *)data, len,
	    report);

	FUZZ_CHECK(f.defaults->count == 1);
	for (size_t i = 0; i < f.defaults->blocks[0].count; i++)
		FUZZ_CHECK(f.defaults->blocks[0].entries[i].keyword != NULL);
	for (size_t i = 0; i < report->diagnostic_count; i++)
		FUZZ_CHECK(report->diagnostics[i].column > 0 ||
		    report->diagnostics[i].file == NULL);
	iniconf_fini(&f);
	config_free(report);
	return 0;
}
