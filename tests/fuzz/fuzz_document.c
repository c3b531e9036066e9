/* SPDX-License-Identifier: ISC */
/* document: a whole file, evaluated for two names and made hosts. */
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "config/document.h"
#include "config/host.h"
#include "config/resolve.h"
#include "fuzz.h"

static bool
is_local(const char *networks)
{
	return *networks == '1';
}

static int
run(void *arg, const char *command, struct err *err)
{
	(void)arg;
	(void)err;
	return *command == 't';
}

static void
try_name(const struct document_list *documents, const char *name,
    struct config *report)
{
	static const struct expand_user user = { .name = (char *)"u",
	    .home = (char *)"/h", .machine = (char *)"m.example" };
	struct resolve_source source = { .documents = documents,
	    .user = &user, .is_local = is_local, .exec = run };
	struct resolution r = { 0 };
	struct host h = { 0 };

	resolve_name(&source, name, &r, report);
	host_build(&h, &r, "f", 1, report);
	host_fini(&h);
	resolution_fini(&r);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct config *report = mem_alloc(sizeof(*report));
	struct document_list documents = { 0 };

	document_list_add(&documents, document_parse("f",
	    (const char *)bytes, n, n % 2, report));
	try_name(&documents, "a", report);
	try_name(&documents, "vps.example", report);
	document_list_fini(&documents);
	config_free(report);
	return 0;
}
