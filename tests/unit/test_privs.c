/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "supervisor/privs.h"

static char user[] = "somebody";
static const struct runas who = { .name = user, .uid = 61234,
    .gid = 61235 };

struct place {
	char top[64];
	char *folder;
	char *outside;
	struct err err;
};

static int
set_up(void **state)
{
	struct place *p = mem_alloc(sizeof(*p));

	strcpy(p->top, "/tmp/hawser-test-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	p->folder = str_dupf("%s/state", p->top);
	p->outside = str_dupf("%s/outside", p->top);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;
	char *command = str_dupf("rm -r %s", p->top);

	assert_int_equal(system(command), 0);
	free(command);
	free(p->folder);
	free(p->outside);
	free(p);
	return 0;
}

/* The path of a name in the folder; valid until the next call. */
static const char *
path(const struct place *p, const char *name)
{
	static char text[100];

	snprintf(text, sizeof(text), "%s/%s", p->folder, name);
	return text;
}

static void
make(const struct place *p, const char *name)
{
	FILE *f = fopen(path(p, name), "we");

	assert_non_null(f);
	fclose(f);
}

static void
assert_owner(const char *at, uid_t uid, gid_t gid)
{
	struct stat st;

	assert_int_equal(lstat(at, &st), 0);
	assert_int_equal(st.st_uid, uid);
	assert_int_equal(st.st_gid, gid);
}

static int
give(struct place *p)
{
	return privs_give_folder(p->folder, &who, &p->err);
}

static void
assert_refused(struct place *p, const char *why)
{
	assert_int_equal(give(p), -1);
	assert_int_equal(p->err.code, ERR_PERM);
	assert_non_null(strstr(p->err.text, why));
	assert_non_null(strstr(p->err.text, p->folder));
}

/* Only root can give anything away: the tests of that need it. */
static void
a_missing_folder_is_made(void **state)
{
	struct place *p = *state;
	struct stat st;

	if (geteuid() != 0)
		skip();
	assert_int_equal(give(p), 0);
	assert_owner(p->folder, who.uid, who.gid);
	assert_int_equal(stat(p->folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void
files_and_sockets_change_hands(void **state)
{
	struct place *p = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->folder, 0755), 0);
	make(p, "known_hosts");
	make(p, ".hidden");
	make(p, "../outside");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path(p, "s"));
	assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
	close(fd);
	assert_int_equal(symlink(p->outside, path(p, "link")), 0);
	assert_int_equal(mkdir(path(p, "below"), 0700), 0);
	assert_int_equal(give(p), 0);
	assert_owner(path(p, "known_hosts"), who.uid, who.gid);
	assert_owner(path(p, ".hidden"), who.uid, who.gid);
	assert_owner(path(p, "s"), who.uid, who.gid);
	assert_owner(path(p, "link"), 0, 0);
	assert_owner(path(p, "below"), 0, 0);
	assert_owner(p->outside, 0, 0);
	assert_owner(p->folder, who.uid, who.gid);
}

/* It could put there whatever it wants to have. */
static void
the_users_own_folder_is_left_alone(void **state)
{
	struct place *p = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->folder, 0700), 0);
	make(p, "file");
	assert_int_equal(chown(p->folder, who.uid, who.gid), 0);
	assert_int_equal(give(p), 0);
	assert_owner(path(p, "file"), 0, 0);
}

static void
what_may_be_anothers_is_refused(void **state)
{
	struct place *p = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->folder, 0700), 0);
	make(p, "file");
	assert_int_equal(chmod(p->folder, 0770), 0);
	assert_refused(p, "writable by others");
	assert_int_equal(chmod(p->folder, 0700), 0);
	assert_int_equal(chown(path(p, "file"), 4242, 0), 0);
	assert_refused(p, "belongs to user 4242");
	assert_owner(p->folder, 0, 0);
	assert_int_equal(chown(p->folder, 4242, 0), 0);
	assert_refused(p, "belongs to user 4242");
	assert_owner(path(p, "file"), 4242, 0);
}

static void
a_file_with_a_second_name_is_refused(void **state)
{
	struct place *p = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->folder, 0700), 0);
	make(p, "file");
	assert_int_equal(link(path(p, "file"), p->outside), 0);
	assert_refused(p, "second name");
	assert_owner(p->outside, 0, 0);
	assert_owner(p->folder, 0, 0);
}

static void
a_link_in_its_place_is_not_followed(void **state)
{
	struct place *p = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(p->outside, 0700), 0);
	assert_int_equal(symlink(p->outside, p->folder), 0);
	assert_int_equal(give(p), -1);
	assert_non_null(strstr(p->err.text, "links are not followed"));
	assert_owner(p->outside, 0, 0);
}

static void
a_user_has_to_exist(void **state)
{
	struct options o = { .user = user };
	struct runas found;
	struct err err;

	(void)state;
	assert_int_equal(privs_find(&found, &o, &err), -1);
	assert_int_equal(err.code, ERR_NOTFOUND);
	assert_non_null(strstr(err.text, "no user \"somebody\""));
	runas_fini(&found);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_missing_folder_is_made),
		TEST(files_and_sockets_change_hands),
		TEST(the_users_own_folder_is_left_alone),
		TEST(what_may_be_anothers_is_refused),
		TEST(a_file_with_a_second_name_is_refused),
		TEST(a_link_in_its_place_is_not_followed),
		TEST(a_user_has_to_exist),
	};

	return cmocka_run_group_tests_name("privs", tests, NULL, NULL);
}
