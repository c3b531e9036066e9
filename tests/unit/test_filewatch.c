/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "supervisor/filewatch.h"

#define WAIT_S	5

static char dir[] = "/tmp/hawser-watch-XXXXXX";

struct fixture {
	struct event_base *base;
	struct filewatch *watch;
	char *path;
	unsigned told;
	bool hit;
};

static void
on_change(void *arg)
{
	struct fixture *f = arg;

	f->told++;
	f->hit = filewatch_has_changed(f->watch, f->path);
	event_base_loopbreak(f->base);
}

static char *
at(const char *name)
{
	return str_dupf("%s/%s", dir, name);
}

static void
write_at(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void
watch(struct fixture *f, const char *name)
{
	free(f->path);
	f->path = at(name);
	filewatch_begin(f->watch);
	filewatch_add(f->watch, f->path);
	filewatch_add(f->watch, f->path);
	filewatch_add(f->watch, "/nonexistent/folder/file");
	filewatch_end(f->watch);
}

/* The next thing that is told is about the file. */
static void
assert_told(struct fixture *f)
{
	struct timeval tv = { WAIT_S, 0 };
	unsigned before = f->told;

	event_base_loopexit(f->base, &tv);
	event_base_dispatch(f->base);
	assert_int_equal(f->told, before + 1);
	assert_true(f->hit);
	assert_false(filewatch_has_changed(f->watch, f->path));
}

static void
every_kind_of_change(void **state)
{
	struct fixture *f = *state;
	char *other;

	watch(f, "file");
	other = at("other");
	write_at(other);		/* another file is not told */
	write_at(f->path);		/* it did not exist */
	assert_told(f);
	write_at(f->path);
	assert_told(f);
	assert_int_equal(chmod(f->path, 0644), 0);
	assert_told(f);
	assert_int_equal(rename(other, f->path), 0);
	assert_told(f);
	assert_int_equal(unlink(f->path), 0);
	assert_told(f);
	free(other);
}

static void
links_are_watched_at_both_ends(void **state)
{
	struct fixture *f = *state;
	char *real = at("folder/real"), *folder = at("folder");
	char *path = at("link");

	assert_int_equal(mkdir(folder, 0700), 0);
	write_at(real);
	assert_int_equal(symlink("folder/real", path), 0);
	watch(f, "link");
	write_at(real);
	assert_told(f);
	assert_int_equal(unlink(path), 0);
	assert_told(f);
	unlink(real);
	rmdir(folder);
	free(path);
	free(folder);
	free(real);
}

/* It and what leads to it go, and come again one by one. */
static void
a_folder_that_is_made_again(void **state)
{
	struct fixture *f = *state;
	char *outer = at("outer"), *inner = at("outer/inner");
	char *away = at("away");

	for (int i = 0; i < 2; i++) {
		if (i > 0)
			watch(f, "outer/inner/file");
		assert_int_equal(mkdir(outer, 0700), 0);
		assert_int_equal(mkdir(inner, 0700), 0);
		if (i == 0)
			watch(f, "outer/inner/file");
		else
			assert_told(f);
		write_at(f->path);
		assert_told(f);
		unlink(f->path);
		assert_told(f);
		rmdir(inner);
		rmdir(outer);
		assert_told(f);
	}
	/* Moved away, and another one in its place. */
	assert_int_equal(mkdir(outer, 0700), 0);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_told(f);
	assert_int_equal(rename(inner, away), 0);
	assert_told(f);
	assert_int_equal(mkdir(inner, 0700), 0);
	assert_told(f);
	write_at(f->path);
	assert_told(f);
	unlink(f->path);
	assert_told(f);
	rmdir(inner);
	rmdir(outer);
	rmdir(away);
	free(outer);
	free(inner);
	free(away);
}

/* A folder's name may be a link, which then leads elsewhere. */
static void
a_folder_that_is_a_link(void **state)
{
	struct fixture *f = *state;
	char *one = at("one"), *two = at("two"), *link = at("way");
	char *new_ = at("new");

	assert_int_equal(mkdir(one, 0700), 0);
	assert_int_equal(mkdir(two, 0700), 0);
	assert_int_equal(symlink("one", link), 0);
	watch(f, "way/file");
	assert_int_equal(symlink("two", new_), 0);
	assert_int_equal(rename(new_, link), 0);
	assert_told(f);
	write_at(f->path);
	assert_told(f);
	unlink(f->path);
	unlink(link);
	rmdir(one);
	rmdir(two);
	free(one);
	free(two);
	free(link);
	free(new_);
}

/* What changed before the set was replaced is told all the same. */
static void
a_new_set_forgets_no_change(void **state)
{
	struct fixture *f = *state;

	watch(f, "kept");
	write_at(f->path);
	/* Let it be noticed, but not told yet. */
	event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->told, 0);
	watch(f, "kept");
	assert_told(f);
	unlink(f->path);
}

static int
setup(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	f->watch = filewatch_new(f->base, on_change, f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	filewatch_free(f->watch);
	event_base_free(f->base);
	free(f->path);
	free(f);
	return 0;
}

static int
make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_kind_of_change, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    links_are_watched_at_both_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_made_again,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(a_folder_that_is_a_link,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_set_forgets_no_change,
		    setup, teardown),
	};

	return cmocka_run_group_tests_name("filewatch", tests, make_dir,
	    remove_dir);
}
