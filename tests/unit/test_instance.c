/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "supervisor/instance.h"

struct place {
	char dir[64];
	char *below;
	char *path;
	char *lock;
};

static int
set_up(void **state)
{
	struct place *p = mem_alloc(sizeof(*p));

	strcpy(p->dir, "/tmp/hawser-test-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->below = str_dupf("%s/a", p->dir);
	p->path = str_dupf("%s/a/api.sock", p->dir);
	p->lock = str_dupf("%s.lock", p->path);
	*state = p;
	return 0;
}

static int
tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->lock);
	unlink(p->path);
	rmdir(p->below);
	assert_int_equal(rmdir(p->dir), 0);
	free(p->below);
	free(p->path);
	free(p->lock);
	free(p);
	return 0;
}

static bool
answers(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	rc = connect(fd, (struct sockaddr *)&un, sizeof(un));
	close(fd);
	return rc == 0;
}

static void
one_of_them(void **state)
{
	struct place *p = *state;
	struct instance in;
	struct stat st;
	struct err err;
	int sock;

	assert_int_equal(instance_check(p->path, &err), 0);
	assert_int_equal(access(p->below, F_OK), -1);
	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	assert_true(answers(p->path));
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(p->below, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	close(sock);
	instance_close(&in);
	assert_int_equal(stat(p->path, &st), -1);
}

static void
a_second_one_is_told_who_runs(void **state)
{
	struct place *p = *state;
	struct instance first, second;
	char *pid = str_dupf("(pid %ld)", (long)getpid());
	struct err err;
	int sock, other;

	assert_int_equal(instance_open(&first, p->path, &sock, &err), 0);
	assert_int_equal(instance_open(&second, p->path, &other, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.text, pid));
	assert_non_null(strstr(err.text, p->path));
	err.text[0] = '\0';
	assert_int_equal(instance_check(p->path, &err), -1);
	assert_int_equal(err.code, ERR_REFUSED);
	assert_non_null(strstr(err.text, pid));
	/* It took nothing away from the first. */
	assert_true(answers(p->path));
	close(sock);
	instance_close(&first);
	assert_int_equal(instance_check(p->path, &err), 0);
	free(pid);
}

static void
what_a_killed_one_left_is_cleaned(void **state)
{
	struct place *p = *state;
	struct instance in;
	struct err err;
	int sock;

	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	/* As after SIGKILL: the files stay, the lock does not. */
	close(sock);
	close(in.lock);
	free(in.path);
	assert_false(answers(p->path));
	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	assert_true(answers(p->path));
	close(sock);
	instance_close(&in);
}

static void
what_is_no_socket_stays(void **state)
{
	struct place *p = *state;
	struct instance in;
	struct err err;
	FILE *f;
	int sock;

	assert_int_equal(mkdir(p->below, 0700), 0);
	f = fopen(p->path, "we");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(instance_open(&in, p->path, &sock, &err), -1);
	assert_non_null(strstr(err.text, "not a socket"));
	assert_int_equal(access(p->path, F_OK), 0);
}

static void
a_folder_of_everybodys_is_refused(void **state)
{
	struct place *p = *state;
	struct instance in;
	struct err err;
	int sock;

	assert_int_equal(mkdir(p->below, 0700), 0);
	assert_int_equal(chmod(p->below, 0777), 0);
	assert_int_equal(instance_open(&in, p->path, &sock, &err), -1);
	assert_int_equal(err.code, ERR_PERM);
	/* As /tmp: nobody can take another one's file away. */
	assert_int_equal(chmod(p->below, 01777), 0);
	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	close(sock);
	instance_close(&in);
}

static void
the_pid_file_goes_along(void **state)
{
	struct place *p = *state;
	struct instance in;
	char *path = str_dupf("%s.pid", p->path), text[32];
	struct err err;
	FILE *f;
	int sock;

	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	assert_int_equal(instance_write_pid_file(&in, path, &err), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	assert_int_equal(atol(text), getpid());
	fclose(f);
	close(sock);
	instance_close(&in);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

/* As on a full disk: there is a whole one or none. */
static void
a_pid_file_is_not_cut_off(void **state)
{
	struct place *p = *state;
	struct instance in = { .lock = -1 };
	char *path = str_dupf("%s/pid", p->dir);
	struct rlimit none, usual;
	struct err err;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &usual);
	none = (struct rlimit){ 0, usual.rlim_max };
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(instance_write_pid_file(&in, path, &err), -1);
	setrlimit(RLIMIT_FSIZE, &usual);
	assert_non_null(strstr(err.text, path));
	assert_null(in.pid_file);
	assert_int_equal(access(path, F_OK), -1);
	free(path);
}

/* Who may do what with it: "0660 4242", in a buffer of its own. */
static const char *
access_of(const char *path)
{
	static char text[32];
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	snprintf(text, sizeof(text), "%04o %ld", st.st_mode & 0777,
	    (long)st.st_gid);
	return text;
}

static void
a_group_may_connect(void **state)
{
	struct place *p = *state;
	char *dir = str_dupf("%s/hawser", p->dir);
	char *path = str_dupf("%s/api.sock", dir);
	char *lock = str_dupf("%s.lock", path), own[64];
	struct instance in;
	gid_t group = 4242, other = 4243;
	struct err err;
	int sock;

	if (geteuid() != 0)
		skip();
	snprintf(own, sizeof(own), "0700 %ld", (long)getegid());
	assert_int_equal(instance_open(&in, path, &sock, &err), 0);
	assert_int_equal(instance_lend(&in, NULL, &err), 0);
	assert_string_equal(access_of(dir), own);
	assert_int_equal(instance_lend(&in, &group, &err), 0);
	assert_string_equal(access_of(path), "0660 4242");
	assert_string_equal(access_of(dir), "0710 4242");
	assert_int_equal(instance_lend(&in, &other, &err), 0);
	assert_string_equal(access_of(path), "0660 4243");
	assert_string_equal(access_of(dir), "0710 4243");
	assert_int_equal(instance_lend(&in, NULL, &err), 0);
	assert_string_equal(access_of(dir), own);
	own[1] = '6';
	assert_string_equal(access_of(path), own);
	close(sock);
	instance_close(&in);
	unlink(lock);
	rmdir(dir);
	free(lock);
	free(path);
	free(dir);
}

/* Who knows what else is in it. */
static void
only_a_folder_of_ours_is_opened(void **state)
{
	struct place *p = *state;
	struct instance in;
	gid_t group = 4242;
	char own[32];
	struct err err;
	int sock;

	if (geteuid() != 0)
		skip();
	snprintf(own, sizeof(own), "0700 %ld", (long)getegid());
	assert_int_equal(instance_open(&in, p->path, &sock, &err), 0);
	assert_int_equal(instance_lend(&in, &group, &err), 0);
	assert_string_equal(access_of(p->path), "0660 4242");
	assert_string_equal(access_of(p->below), own);
	close(sock);
	instance_close(&in);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_of_them),
		TEST(a_second_one_is_told_who_runs),
		TEST(what_a_killed_one_left_is_cleaned),
		TEST(what_is_no_socket_stays),
		TEST(a_folder_of_everybodys_is_refused),
		TEST(the_pid_file_goes_along),
		TEST(a_pid_file_is_not_cut_off),
		TEST(a_group_may_connect),
		TEST(only_a_folder_of_ours_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
