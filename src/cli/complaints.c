/* SPDX-License-Identifier: ISC */
#include "cli/complaints.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/text.h"

void
complaints_print(const struct config *config)
{
	for (size_t i = 0; i < config->diagnostic_count; i++) {
		struct str raw, clean;

		str_init(&raw);
		str_init(&clean);
		diagnostic_format(&config->diagnostics[i], &raw);
		text_append_clean(&clean, raw.p != NULL ? raw.p : "");
		fprintf(stderr, "%s\n", clean.p != NULL ? clean.p : "");
		str_fini(&raw);
		str_fini(&clean);
	}
}
