/* SPDX-License-Identifier: ISC */
/* yaml: a whole file of hosts and defaults. */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "config/yamlconf.h"
#include "fuzz.h"

static void
check_blocks(const struct document *d)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct block *b = &d->blocks[i];

		FUZZ_CHECK((b->kind == BLOCK_TOP) == (i == 0));
		FUZZ_CHECK(i == 0 || b->patterns.count == 1);
		for (size_t j = 0; j < b->count; j++) {
			FUZZ_CHECK(b->entries[j].keyword != NULL);
			FUZZ_CHECK(b->entries[j].line > 0);
			FUZZ_CHECK(b->entries[j].column > 0);
		}
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct yamlconf f = yamlconf_parse("f", (const char *)data, len,
	    report);

	check_blocks(f.hosts);
	check_blocks(f.defaults);
	FUZZ_CHECK(f.defaults->count == 1);
	for (size_t i = 0; i < report->diagnostic_count; i++)
		FUZZ_CHECK(report->diagnostics[i].column > 0 ||
		    report->diagnostics[i].file == NULL);
	document_free(f.hosts);
	document_free(f.defaults);
	config_free(report);
	return 0;
}
