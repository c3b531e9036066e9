/* SPDX-License-Identifier: ISC */
#include "config_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

char dir[64];

int
config_files_setup(void **state)
{
	(void)state;
	umask(022);
	strcpy(dir, "/tmp/hawser-test-XXXXXX");
	/* Also who is not root any more can read it. */
	return mkdtemp(dir) == NULL ? -1 : chmod(dir, 0755);
}

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
config_files_teardown(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
put(const char *name, const char *text)
{
	char *path = str_dupf("%s/%s", dir, name);
	FILE *f;

	for (char *p = strchr(path + strlen(dir) + 1, '/'); p != NULL;
	    p = strchr(p + 1, '/')) {
		*p = '\0';
		mkdir(path, 0755);
		*p = '/';
	}
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

struct config *
load_file(const char *name)
{
	char *path = str_dupf("%s/%s", dir, name);
	struct config_source source = { .file = path };
	struct config *c = config_load(&source);

	free(path);
	return c;
}

struct config *
load_dir(void)
{
	struct config_source source = { .dir = dir };

	return config_load(&source);
}

bool
says(const struct config *c, enum severity severity, int line,
    const char *text)
{
	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (c->diagnostics[i].severity == severity &&
		    c->diagnostics[i].line == line &&
		    strstr(c->diagnostics[i].text, text) != NULL)
			return true;
	return false;
}

void
show_all(const struct config *c)
{
	for (size_t i = 0; i < c->diagnostic_count; i++) {
		struct str s;

		str_init(&s);
		diagnostic_format(&c->diagnostics[i], &s);
		print_message("%s\n", s.p);
		str_fini(&s);
	}
}
