/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/algorithms.h"
#include "base/fdio.h"
#include "base/str.h"
#include "cli/commands.h"
#include "config/keyword.h"

/* The manual pages say what the tables of the code say. */

/* New: where the page's source stands. */
static char *
page_path(const char *name)
{
	const char *top = getenv("HAWSER_SOURCE_DIR");

	return str_dupf("%s/docs/man/%s", top != NULL ? top : ".", name);
}

/* New: the page's source. */
static char *
source(const char *name)
{
	char *path = page_path(name), *text;
	struct err err;
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		fail_msg("%s: not found", path);
	text = fd_read_all(fd, 1024 * 1024, &n, &err);
	assert_non_null(text);
	close(fd);
	free(path);
	return text;
}

/* New: the page's source, with paths as plain words of their sentences. */
static char *
page(const char *name)
{
	char *text = source(name), *macro;

	while ((macro = strstr(text, "\n.Pa ")) != NULL) {
		*macro = ' ';
		memmove(macro + 1, macro + 5, strlen(macro + 5) + 1);
	}
	return text;
}

/* New: the item that begins with ".It Cm name", up to the next one. */
static char *
item(const char *text, const char *name)
{
	char *head = str_dupf("\n.It Cm %s", name), *found;
	const char *start = text, *end;
	size_t n = strlen(head);

	do {
		start = strstr(start, head);
		if (start == NULL)
			fail_msg("no item for %s", name);
		start += n;
	} while (*start != ' ' && *start != '\n');
	if ((end = strstr(start, "\n.It ")) == NULL &&
	    (end = strstr(start, "\n.El")) == NULL)
		end = start + strlen(start);
	found = str_dupf("%.*s", (int)(end - start), start);
	free(head);
	return found;
}

static void
test_every_honoured_keyword_has_its_default(void **state)
{
	char *text = page("hawser.conf.5");

	(void)state;
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *row = keyword_get((enum keyword_id)i);
		char *entry, *expected;

		if (row->use != USE_HONOURED)
			continue;
		entry = item(text, row->name);
		if (row->def != NULL) {
			/* ssh -G prints "true" where people write "yes". */
			expected = str_dupf("Default: %s",
			    str_equal(row->def, "true") ? "yes" : row->def);
			if (strstr(entry, expected) == NULL)
				fail_msg("%s: not \"%s\" in:%s", row->name,
				    expected, entry);
			free(expected);
		}
		free(entry);
	}
	free(text);
}

/* Appends sentences, each in lines of its own of at most 78 columns. */
static void
append_sentences(struct str *out, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > 0 && (column + 1 + n > 78 || text[-2] == '.')) {
			str_append(out, "\n");
			column = 0;
		}
		if (column > 0)
			str_append(out, " ");
		else if (*text == '.' || *text == '\'')
			str_append(out, "\\&");
		str_printf(out, "%.*s", (int)n, text);
		column += n + 1;
		text += n;
		text += strspn(text, " ");
	}
	str_append(out, "\n");
}

/* People write "yes" where ssh -G prints "true". */
static const char *
plain(const char *def)
{
	return str_equal(def, "true") ? "yes" :
	    str_equal(def, "false") ? "no" : def;
}

static void
append_default(struct str *out, const struct keyword *row)
{
	struct str s;

	if (row->def == NULL || row->use != USE_HONOURED)
		return;
	str_init(&s);
	str_printf(&s, "Default: %s", plain(row->def));
	if (row->ssh_def != NULL)
		str_printf(&s, " (ssh: %s)", plain(row->ssh_def));
	str_append(&s, ".");
	append_sentences(out, s.p);
	str_fini(&s);
}

static void
append_row(struct str *out, const struct keyword *row)
{
	static const struct {
		const char *before, *after;
	} verdicts[] = {
		[USE_HONOURED] = { "", "" },
		[USE_SILENT] = { "Accepted silently. ", "" },
		[USE_WARNED] = { "Not honoured, with a warning: ", "." },
		[USE_REFUSED] = { "An error: ", "." },
	};
	static const char *const reloads[] = {
		[RELOAD_NONE] = NULL,
		[RELOAD_LIVE] = "A change keeps the connection.",
		[RELOAD_REPLACE] = "A change replaces the connection.",
	};
	char *text = str_dupf("%s%s%s", verdicts[row->use].before, row->help,
	    verdicts[row->use].after);

	str_printf(out, ".It Cm %s\n", row->name);
	append_sentences(out, text);
	append_default(out, row);
	if (reloads[row->reload] != NULL)
		append_sentences(out, reloads[row->reload]);
	free(text);
}

static void
write_page(const char *text)
{
	char *path = page_path("hawser.conf.5");
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

/*
 * What stands between two comments is made of a table of the code. After a
 * change that is meant, run the test with HAWSER_WRITE_GOLDEN=1.
 */
static void
assert_made(const char *from, const char *to, void (*append)(struct str *))
{
	char *text = source("hawser.conf.5");
	char *begin = strstr(text, from), *end;
	struct str wanted;

	assert_non_null(begin);
	begin = strchr(begin, '\n') + 1;
	assert_non_null(end = strstr(begin, to));
	str_init(&wanted);
	str_append_n(&wanted, text, (size_t)(begin - text));
	append(&wanted);
	str_append(&wanted, end);
	if (getenv("HAWSER_WRITE_GOLDEN") != NULL)
		write_page(wanted.p);
	else
		assert_string_equal(text, wanted.p);
	str_fini(&wanted);
	free(text);
}

static void
append_rows(struct str *out)
{
	/* From KW_DEPRECATED on, rows have no name of their own. */
	for (int i = 0; i < KW_DEPRECATED; i++)
		append_row(out, keyword_get((enum keyword_id)i));
}

static void
test_the_table_is_that_of_the_rows(void **state)
{
	(void)state;
	assert_made(".\\\" From the rows", ".\\\" End of the rows",
	    append_rows);
}

/* The names of a kind that are weak, or those that aren't. */
static void
append_names(struct str *out, enum algorithm_kind kind, bool weak,
    const char *before)
{
	struct str all, some;
	const char *p, *name;
	size_t n;

	str_init(&all);
	str_init(&some);
	algorithm_append(&all, kind, true);
	for (p = all.p; (n = algorithm_next(&p, &name)) > 0;)
		if (algorithm_is_weak(kind, name, n) == weak)
			str_printf(&some, "%s%.*s", some.len > 0 ? ", " :
			    before, (int)n, name);
	if (some.len > 0) {
		str_append(&some, ".");
		append_sentences(out, some.p);
	}
	str_fini(&some);
	str_fini(&all);
}

static void
append_algorithms(struct str *out)
{
	for (int i = 0; i < ALGORITHM_KIND_COUNT; i++) {
		enum algorithm_kind kind = (enum algorithm_kind)i;

		str_printf(out, ".It Sy %s\n", algorithm_keyword(kind));
		append_names(out, kind, false, "");
		append_names(out, kind, true, "Only if named: ");
	}
}

static void
test_the_algorithms_are_those_of_the_table(void **state)
{
	(void)state;
	assert_made(".\\\" From the table of algorithms",
	    ".\\\" End of the algorithms", append_algorithms);
}

static void
test_every_command_has_an_item(void **state)
{
	char *text = page("hawser.1");

	(void)state;
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		free(item(text, commands[i]->name));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_honoured_keyword_has_its_default),
		cmocka_unit_test(test_the_table_is_that_of_the_rows),
		cmocka_unit_test(test_the_algorithms_are_those_of_the_table),
		cmocka_unit_test(test_every_command_has_an_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
