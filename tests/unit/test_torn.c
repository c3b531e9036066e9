/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/str.h"
#include "config/torn.h"

/*
 * A model out of words: "a.conf" is a file that was read, "b.conf!" one that
 * is cut, and "x@a.conf" a host.
 */
static struct config *
model(const char *words)
{
	struct config *c = mem_alloc(sizeof(*c));

	while (*words != '\0') {
		size_t n = strcspn(words, " ");
		char *word = str_dupf("%.*s", (int)n, words);
		char *at = strchr(word, '@');

		if (at != NULL) {
			c->hosts = mem_grow(c->hosts, c->host_count + 1,
			    sizeof(*c->hosts));
			*at = '\0';
			c->hosts[c->host_count++] = (struct host){
				.name = word, .file = str_dup(at + 1) };
		} else {
			bool is_cut = word[n - 1] == '!';

			if (is_cut)
				word[n - 1] = '\0';
			c->files = mem_grow(c->files, c->file_count + 1,
			    sizeof(*c->files));
			c->files[c->file_count++] = (struct config_file){
				.path = word, .is_cut = is_cut };
		}
		words += n + strspn(words + n, " ");
	}
	return c;
}

static const struct {
	const char *old, *new_;
	const char *why;	/* a part of the sentence; NULL: it is fine */
} rows[] = {
	{ NULL, "a.conf!", NULL },
	{ "", "a.conf! x@a.conf", NULL },
	{ "a.conf x@a.conf", "a.conf x@a.conf", NULL },
	{ "a.conf", "a.conf", NULL },
	/* All hosts of a file gone. */
	{ "a.conf x@a.conf", "a.conf", "a.conf: none of its 1 hosts" },
	{ "a.conf x@a.conf y@a.conf b.conf z@b.conf",
	    "a.conf b.conf z@b.conf", "a.conf: none of its 2 hosts" },
	{ "a.conf x@a.conf b.conf z@b.conf", "a.conf x@a.conf b.conf",
	    "b.conf: none of its 1 hosts" },
	/* One of them is left, or has another name, or stands elsewhere. */
	{ "a.conf x@a.conf y@a.conf", "a.conf x@a.conf", NULL },
	{ "a.conf x@a.conf y@a.conf", "a.conf y@a.conf", NULL },
	{ "a.conf x@a.conf", "a.conf z@a.conf", NULL },
	{ "a.conf x@a.conf b.conf", "a.conf b.conf x@b.conf", NULL },
	/* The file is gone, or isn't included any more. */
	{ "a.conf x@a.conf", "", NULL },
	{ "a.conf x@a.conf b.conf z@b.conf", "b.conf z@b.conf", NULL },
	/* Cut in the middle of a line. */
	{ "a.conf x@a.conf", "a.conf! x@a.conf", "a.conf: it ends in" },
	{ "a.conf x@a.conf ini", "a.conf x@a.conf ini!", "ini: it ends in" },
	{ "a.conf! x@a.conf", "a.conf! x@a.conf", NULL },
	{ "a.conf! x@a.conf", "a.conf x@a.conf", NULL },
	{ "a.conf x@a.conf", "a.conf x@a.conf b.conf! y@b.conf", NULL },
};

static void
half_written_files_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *old = rows[i].old != NULL ?
		    model(rows[i].old) : NULL;
		struct config *new_ = model(rows[i].new_);
		struct err err = { 0 };
		int rc = torn_check(old, new_, &err);

		if ((rc == -1) != (rows[i].why != NULL) || (rc == -1 &&
		    strstr(err.text, rows[i].why) == NULL))
			fail_msg("row %zu: %d %s", i, rc, err.text);
		config_free(old);
		config_free(new_);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_written_files_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
