/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/plan.h"
#include "config_files.h"

static void
set_mode(const char *name, mode_t mode)
{
	char *path = str_dupf("%s/%s", dir, name);

	assert_int_equal(chmod(path, mode), 0);
	free(path);
}

static void
expect_clean(const struct config *c)
{
	if (c->diagnostic_count > 0)
		show_all(c);
	assert_int_equal(c->diagnostic_count, 0);
}

static void
a_host_has_all_its_values(void **state)
{
	struct config *c;
	const struct host *h;

	(void)state;
	put("f", "Host vps other\n"
	    "	HostName 192.0.2.1\n"
	    "	User tunnel\n"
	    "	Port 2222\n"
	    "	UserKnownHostsFile /k/%n /k/%h:%p\n"
	    "	GlobalKnownHostsFile none\n"
	    "	IdentityFile none\n"
	    "	RemoteForward *:8080 localhost:80\n"
	    "	LocalForward 5432 db:5432\n"
	    "	RemoteForward 1080\n"
	    "	DynamicForward [::1]:1080\n"
	    "	HawserBackoff 10ms 2s\n"
	    "Host nothing\n"
	    "	User x\n"
	    "Host off\n"
	    "	LocalForward 2001 a:1\n"
	    "	HawserEnabled no\n"
	    "Host *\n"
	    "	ServerAliveInterval 2\n"
	    "	User loser\n");
	c = load_file("f");
	expect_clean(c);
	assert_int_equal(c->host_count, 2);
	h = config_find(c, "vps");
	assert_string_equal(h->hostname, "192.0.2.1");
	assert_string_equal(h->user, "tunnel");
	assert_int_equal(h->port, 2222);
	assert_int_equal(h->line, 1);
	assert_int_equal(h->known_hosts_file_count, 2);
	assert_string_equal(h->known_hosts_files[0], "/k/vps");
	assert_string_equal(h->known_hosts_files[1], "/k/192.0.2.1:2222");
	assert_int_equal(h->identity_file_count, 0);
	assert_int_equal(h->checking, CHECKING_YES);
	assert_int_equal(h->connect_timeout_s, 10);
	assert_int_equal(h->alive_interval_s, 2);
	assert_int_equal(h->alive_count_max, 3);
	assert_true(h->enabled);
	assert_int_equal(h->backoff_min_ms, 10);
	assert_int_equal(h->backoff_max_ms, 2000);
	assert_int_equal(h->hold_ms, 30000);
	assert_int_equal(h->forward_count, 4);
	assert_string_equal(h->forwards[0].id, "R:*:8080");
	assert_string_equal(h->forwards[1].id, "L:5432");
	assert_int_equal(h->forward_origins[1].line, 9);
	assert_int_equal(h->forwards[2].kind, FORWARD_REMOTE_DYNAMIC);
	assert_string_equal(h->forwards[3].id, "D:[::1]:1080");
	assert_false(config_find(c, "off")->enabled);
	config_free(c);
}

static void
all_errors_are_told_at_once(void **state)
{
	struct config *c;

	(void)state;
	put("f", "Host a\n"
	    "	Port 99999\n"
	    "	ServerAliveIntervall 3\n"
	    "	LocalForward 2080 h:81 more\n"
	    "	User \"x\n"
	    "	LocalForward 9000 h:1\n"
	    "	LocalForward /tmp/s h:1\n"
	    "	LocalForward 9001 h/1\n"
	    "	ProxyJump a\n"
	    "	Tunnel yes\n"
	    "	ControlMaster auto\n"
	    "	StrictHostKeyChecking accept-new\n"
	    "Host b\n"
	    "	LocalForward 127.0.0.1:9000 i:1\n"
	    "	ProxyCommand none\n"
	    "Port\n");
	c = load_file("f");
	assert_true(config_has_errors(c));
	assert_true(says(c, SEVERITY_ERROR, 2, "\"99999\" is not a port"));
	assert_true(says(c, SEVERITY_ERROR, 3, "did you mean "
	    "ServerAliveInterval?"));
	assert_true(says(c, SEVERITY_ERROR, 4, "\"more\""));
	assert_true(says(c, SEVERITY_ERROR, 5, "quote"));
	assert_true(says(c, SEVERITY_ERROR, 8, "begin with a slash"));
	assert_true(says(c, SEVERITY_ERROR, 9, "through a itself"));
	assert_true(says(c, SEVERITY_WARNING, 10, "Tunnel"));
	assert_true(says(c, SEVERITY_ERROR, 14, "listened on twice: a has"));
	assert_true(says(c, SEVERITY_ERROR, 16, "nothing follows"));
	assert_int_equal(c->diagnostic_count, 9);
	for (size_t i = 1; i < c->diagnostic_count; i++)
		assert_true(c->diagnostics[i - 1].line <=
		    c->diagnostics[i].line);
	config_free(c);
}

static void
ignore_unknown_is_obeyed(void **state)
{
	struct config *c;

	(void)state;
	put("f", "IgnoreUnknown Foo*,use?\nFooBar x\nHost a\n USEX 1\n"
	    " LocalForward 2080 h:81\n");
	c = load_file("f");
	expect_clean(c);
	config_free(c);
	put("f", "Host b\n IgnoreUnknown Foo*\nHost a\n FooBar x\n");
	c = load_file("f");
	assert_true(says(c, SEVERITY_ERROR, 4, "there is no keyword"));
	config_free(c);
	put("f", "FooBar x\n");
	c = load_file("f");
	assert_true(says(c, SEVERITY_ERROR, 1, "there is no keyword"));
	config_free(c);
}

static void
includes_are_read_where_they_stand(void **state)
{
	struct config *c;
	char *text = str_dupf("Host a\n Include %s/inc/*\nHost *\n User u\n"
	    "Include %s/nothing-*\n", dir, dir);

	(void)state;
	put("f", text);
	free(text);
	put("inc/1", "Port 2201\nHost b\nPort 2202\nLocalForward 2081 h:1\n");
	put("inc/2", "LocalForward 2080 h:81\nUser first\n");
	c = load_file("f");
	expect_clean(c);
	assert_int_equal(c->host_count, 1);
	assert_string_equal(c->hosts[0].name, "a");
	assert_int_equal(c->hosts[0].port, 2201);
	assert_string_equal(c->hosts[0].user, "first");
	config_free(c);
}

static void
an_include_of_itself_ends(void **state)
{
	char *text = str_dupf("Include %s/f\nHost a\n LocalForward 2001 h:1\n",
	    dir);
	struct config *c;

	(void)state;
	put("f", text);
	free(text);
	c = load_file("f");
	assert_true(says(c, SEVERITY_ERROR, 1, "nested"));
	config_free(c);
}

static void
conf_d_is_read_in_the_order_of_names(void **state)
{
	struct config *c;

	(void)state;
	put("conf.d/10-b.conf", "Host b\n LocalForward 2002 h:1\n User x\n");
	put("conf.d/05-a.conf", "Host a\n LocalForward 2001 h:1\n");
	put("conf.d/99-all.conf", "Host *\n User y\n");
	put("conf.d/notes.txt", "Nonsense here\n");
	put("conf.d/.hidden.conf", "Nonsense here\n");
	c = load_dir();
	expect_clean(c);
	assert_int_equal(c->host_count, 2);
	assert_string_equal(c->hosts[0].name, "a");
	assert_string_equal(c->hosts[0].user, "y");
	assert_string_equal(c->hosts[1].user, "x");
	config_free(c);
}

static void
what_isnt_there_is_an_error(void **state)
{
	struct config *c = load_dir();

	(void)state;
	assert_true(says(c, SEVERITY_ERROR, 0, "cannot open the folder"));
	config_free(c);
	c = load_file("nothing");
	assert_true(says(c, SEVERITY_ERROR, 0, "cannot open it: No such"));
	config_free(c);
}

static void
files_that_others_may_write_are_refused(void **state)
{
	struct config *c;

	(void)state;
	put("conf.d/a.conf", "Host a\n LocalForward 2001 h:1\n");
	set_mode("conf.d/a.conf", 0646);
	c = load_dir();
	assert_true(says(c, SEVERITY_ERROR, 0, "written by everybody"));
	assert_int_equal(c->host_count, 0);
	config_free(c);
	set_mode("conf.d/a.conf", 0644);
	set_mode("conf.d", 0777);
	c = load_dir();
	assert_true(says(c, SEVERITY_ERROR, 0, "written by everybody"));
	config_free(c);
	c = load_file("conf.d/a.conf");
	assert_true(says(c, SEVERITY_ERROR, 0, "its folder"));
	config_free(c);
	set_mode("conf.d", 01777);
	c = load_dir();
	expect_clean(c);
	config_free(c);
	set_mode("conf.d", 0755);
}

static void
links_are_followed_to_the_folder_that_counts(void **state)
{
	char *from = str_dupf("%s/real/f", dir);
	char *to = str_dupf("%s/link", dir);
	struct config *c;

	(void)state;
	put("real/f", "Host a\n LocalForward 2001 h:1\n");
	assert_int_equal(symlink(from, to), 0);
	c = load_file("link");
	expect_clean(c);
	config_free(c);
	set_mode("real", 0777);
	c = load_file("link");
	assert_true(says(c, SEVERITY_ERROR, 0, "its folder"));
	config_free(c);
	set_mode("real", 0755);
	free(from);
	free(to);
}

static void
included_files_are_checked_too(void **state)
{
	char *text = str_dupf("Include %s/inc/x\n", dir);
	struct config *c;

	(void)state;
	put("f", text);
	free(text);
	put("inc/x", "User a\n");
	set_mode("inc/x", 0666);
	c = load_file("f");
	assert_true(says(c, SEVERITY_ERROR, 1, "written by everybody"));
	config_free(c);
}

static void
keys_are_looked_at(void **state)
{
	char *text = str_dupf("Host a\n LocalForward 2001 h:1\n"
	    " IdentityFile %s/good\n IdentityFile %s/open\n"
	    " IdentityFile %s/none-here\n IdentityFile %s\n", dir, dir, dir,
	    dir);
	struct config *c;

	(void)state;
	put("f", text);
	free(text);
	put("good", "");
	put("open", "");
	set_mode("good", 0600);
	set_mode("open", 0640);
	c = load_file("f");
	assert_true(says(c, SEVERITY_ERROR, 4, "has mode 0640"));
	assert_true(says(c, SEVERITY_WARNING, 5, "can't be read"));
	assert_true(says(c, SEVERITY_ERROR, 6, "not a file"));
	assert_int_equal(c->diagnostic_count, 3);
	config_free(c);
}

static void
numbers_are_brought_into_bounds(void **state)
{
	struct config *c;

	(void)state;
	put("f", "Host a\n LocalForward 2001 h:1\n ServerAliveInterval 2h\n"
	    " ServerAliveCountMax 0\n ConnectTimeout 0\n");
	c = load_file("f");
	assert_false(config_has_errors(c));
	assert_int_equal(c->diagnostic_count, 3);
	assert_int_equal(c->hosts[0].alive_interval_s, 3600);
	assert_int_equal(c->hosts[0].alive_count_max, 1);
	assert_int_equal(c->hosts[0].connect_timeout_s, 3600);
	config_free(c);
}

static void
the_second_pass_sees_the_host_name(void **state)
{
	struct config *c;

	(void)state;
	put("f", "Host a\n HostName A.example\n LocalForward 2001 h:1\n"
	    "Match final host a.example\n User late\n"
	    "Match host A.Example\n Port 3\n"
	    "Host a.example\n ServerAliveInterval 7\n");
	c = load_file("f");
	expect_clean(c);
	assert_string_equal(c->hosts[0].hostname, "a.example");
	assert_string_equal(c->hosts[0].user, "late");
	assert_int_equal(c->hosts[0].port, 3);
	assert_int_equal(c->hosts[0].alive_interval_s, 7);
	config_free(c);
}

/* The model goes through JSON unchanged. */
static void
json_brings_everything_back(void **state)
{
	struct config *c, *d;
	struct plan *p;
	struct err err;
	json_t *j, *k;

	(void)state;
	put("f", "Host a\n LocalForward 2001 /s\n RemoteForward 2\n Port 3\n"
	    "Host b\n LocalForward [::1]:4 h:5\n HawserEnabled no\n"
	    "Host c\n Frobnicate 1\n");
	c = load_file("f");
	j = config_encode(c);
	d = config_decode(j, &err);
	assert_non_null(d);
	k = config_encode(d);
	assert_true(json_equal(j, k));
	assert_int_equal(d->diagnostic_count, c->diagnostic_count);
	p = plan_make(c, d);
	assert_int_equal(p->step_count, 2);
	assert_int_equal(p->steps[0].action, PLAN_KEEP);
	plan_free(p);
	json_decref(k);
	config_free(d);
	json_object_del(json_array_get(json_object_get(j, "hosts"), 0),
	    "port");
	assert_null(config_decode(j, &err));
	json_decref(j);
	config_free(c);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, config_files_setup, \
	    config_files_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_host_has_all_its_values),
		TEST(all_errors_are_told_at_once),
		TEST(ignore_unknown_is_obeyed),
		TEST(includes_are_read_where_they_stand),
		TEST(an_include_of_itself_ends),
		TEST(conf_d_is_read_in_the_order_of_names),
		TEST(what_isnt_there_is_an_error),
		TEST(files_that_others_may_write_are_refused),
		TEST(links_are_followed_to_the_folder_that_counts),
		TEST(included_files_are_checked_too),
		TEST(keys_are_looked_at),
		TEST(numbers_are_brought_into_bounds),
		TEST(the_second_pass_sees_the_host_name),
		TEST(json_brings_everything_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
