/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/str.h"
#include "cli/commands.h"
#include "config/keyword.h"

/* The manual pages say what the tables of the code say. */

/* New: the page's source, with paths as plain words of their sentences. */
static char *
page(const char *name)
{
	const char *top = getenv("HAWSER_SOURCE_DIR");
	char *path = str_dupf("%s/docs/man/%s", top != NULL ? top : ".", name);
	char *text, *macro;
	struct err err;
	size_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1)
		fail_msg("%s: not found", path);
	text = fd_read_all(fd, 1024 * 1024, &n, &err);
	assert_non_null(text);
	close(fd);
	free(path);
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
		cmocka_unit_test(test_every_command_has_an_item),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
