/* SPDX-License-Identifier: ISC */
/* What a folder's files, in all three syntaxes, come to together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/show.h"
#include "config/yamlconf.h"
#include "config_files.h"

static struct config *config;

static int
tear_down(void **state)
{
	config_free(config);
	config = NULL;
	return config_files_teardown(state);
}

/* New: the path of the file that is written. */
static char *
put_path(const char *name, const char *text)
{
	put(name, text);
	return str_dupf("%s/%s", dir, name);
}

/*
 * Loads the folder. Its complaints but notes are these: one line each, with
 * paths that begin in the folder.
 */
static void
load(const char *wanted)
{
	struct str s;

	config_free(config);
	config = load_dir();
	str_init(&s);
	str_append(&s, "");
	for (size_t i = 0; i < config->diagnostic_count; i++) {
		struct str line;

		if (config->diagnostics[i].severity == SEVERITY_NOTE)
			continue;
		str_init(&line);
		diagnostic_format(&config->diagnostics[i], &line);
		for (char *p; (p = strstr(line.p, dir)) != NULL;)
			memmove(p, p + strlen(dir) + 1,
			    strlen(p + strlen(dir) + 1) + 1);
		str_printf(&s, "%s\n", line.p);
		str_fini(&line);
	}
	assert_string_equal(s.p != NULL ? s.p : "", wanted);
	str_fini(&s);
}

static const struct host *
host(const char *name)
{
	const struct host *h = config_find(config, name);

	assert_non_null(h);
	return h;
}

/* What show prints for the name, with origins. New. */
static char *
show(const char *name)
{
	struct config_source source = { .dir = dir };
	struct show_options options = { .origin = true };
	struct config *report;
	struct str out;

	str_init(&out);
	report = show_host(&source, name, &options, &out);
	assert_false(config_has_errors(report));
	config_free(report);
	return str_take(&out);
}

static void
the_nearest_value_wins(void **state)
{
	char *text;

	(void)state;
	put("conf.d/90-all.yaml",
	    "hosts:\n"
	    "  a:\n"
	    "    local_forward: 2001:x:1\n"
	    "    user: yaml\n"
	    "defaults:\n"
	    "  user: yaml-default\n"
	    "  connect_timeout: 21\n"
	    "  server_alive_interval: 22\n"
	    "  hawser_hold: 23s\n");
	put("conf.d/95-more.yml",
	    "defaults:\n  hawser_hold: 24s\n  hawser_drain: 25s\n");
	put("conf.d/10-some.conf",
	    "Host b\n"
	    "	LocalForward 2002 x:1\n"
	    "Host *\n"
	    "	User conf\n"
	    "	ConnectTimeout 11\n");
	put("hawser.ini",
	    "[defaults]\n"
	    "user = ini\n"
	    "server_alive_interval = 32\n"
	    "server_alive_count_max = 33\n"
	    "hawser_drain = 34s\n");
	load("");
	assert_int_equal(config->host_count, 2);
	assert_string_equal(host("a")->user, "yaml");
	assert_int_equal(host("a")->line, 2);
	assert_int_equal(host("a")->forward_origins[0].line, 3);
	assert_string_equal(host("b")->user, "conf");
	for (size_t i = 0; i < 2; i++) {
		const struct host *h = &config->hosts[i];

		assert_int_equal(h->connect_timeout_s, 11);
		assert_int_equal(h->alive_interval_s, 22);
		assert_int_equal(h->hold_ms, 23000);
		assert_int_equal(h->drain_ms, 25000);
		assert_int_equal(h->alive_count_max, 33);
	}
	text = show("a");
	assert_non_null(strstr(text, "conf.d/90-all.yaml:4:11\n"));
	assert_non_null(strstr(text, "conf.d/10-some.conf:5\n"));
	assert_non_null(strstr(text, "hawser.ini:4:26\n"));
	free(text);
}

static void
a_host_in_yaml_stands_nowhere_else(void **state)
{
	(void)state;
	put("conf.d/1.yaml", "hosts:\n  a: {local_forward: 2001:x:1}\n"
	    "  b: {local_forward: 2002:x:1}\n");
	put("conf.d/2.yml", "hosts:\n\n  a:\n");
	put("conf.d/3.conf", "Host c b\n\tUser x\nHost b\n\tUser y\n");
	put("conf.d/4.conf", "Host c\n\tPort 23\n");
	load("conf.d/2.yml:3:3: error: the host \"a\" stands in "
	    "conf.d/1.yaml:2:3 too: one that stands in YAML can't stand "
	    "elsewhere\n"
	    "conf.d/3.conf:3: error: the host \"b\" stands in "
	    "conf.d/1.yaml:3:3 too: one that stands in YAML can't stand "
	    "elsewhere\n");
}

static void
complaints_have_columns(void **state)
{
	(void)state;
	put("conf.d/1.yaml", "hosts:\n  a:\n    usr: x\n");
	put("conf.d/2.conf", "Host b\n\tUsr x\n");
	put("hawser.ini", "[api]\ngroup = no such group\nx = y\n");
	load("hawser.ini:2:9: error: there is no group \"no such group\"\n"
	    "hawser.ini:3:1: error: [api] has no \"x\"\n"
	    "conf.d/1.yaml:3:5: error: there is no keyword \"usr\"; did you "
	    "mean user?\n"
	    "conf.d/2.conf:2: error: there is no keyword \"usr\"; did you "
	    "mean User?\n");
}

/* Also those about what can't be used, or makes no sense with the rest. */
static void
later_complaints_have_columns(void **state)
{
	(void)state;
	put("conf.d/1.yaml", "hosts:\n"
	    "  a:\n"
	    "    local_forward: [2001:x:1, 2002:y:1]\n"
	    "    user_known_hosts_file: \"%q\"\n"
	    "    strict_host_key_checking: no\n"
	    "  b: {local_forward: [2003:x:1,\n"
	    "    2001:z:1]}\n");
	put("hawser.ini",
	    "[defaults]\nserver_alive_count_max = 2000\n");
	load("hawser.ini:2:26: warning: ServerAliveCountMax 2000 isn't within "
	    "1 and 1000: 1000 is used\n"
	    "conf.d/1.yaml:4:28: error: the token %q can't be used "
	    "here\n"
	    "conf.d/1.yaml:5:31: warning: StrictHostKeyChecking no: any "
	    "server that answers is trusted\n"
	    "conf.d/1.yaml:7:5: error: port 2001 is listened on twice: a has "
	    "it too, at conf.d/1.yaml:3:21\n");
}

static void
large_files_are_not_read(void **state)
{
	char *path = put_path("conf.d/1.yaml", "");

	(void)state;
	assert_int_equal(truncate(path, YAMLCONF_SIZE_MAX + 1), 0);
	free(path);
	path = put_path("hawser.ini", "");
	assert_int_equal(truncate(path, 100 * 1024 * 1024), 0);
	free(path);
	load("hawser.ini: error: it is larger than 1048576 bytes\n"
	    "conf.d/1.yaml: error: it is larger than 4194304 bytes\n");
}

static void
files_that_others_may_write_are_not_used(void **state)
{
	char *path = put_path("conf.d/1.yaml", "hosts:\n");

	(void)state;
	assert_int_equal(chmod(path, 0666), 0);
	free(path);
	path = put_path("hawser.ini", "");
	assert_int_equal(chmod(path, 0666), 0);
	free(path);
	load("hawser.ini: error: it can be written by everybody: it isn't "
	    "used\n"
	    "conf.d/1.yaml: error: it can be written by everybody: it isn't "
	    "used\n");
}

static void
settings_travel(void **state)
{
	struct group *group = getgrgid(getgid());
	struct config *copy;
	struct err err;
	json_t *j;
	char *text;

	(void)state;
	assert_non_null(group);
	text = str_dupf("[supervisor]\nlog_level = warn\nlog_format = json\n"
	    "[api]\ngroup = %s\n", group->gr_name);
	put("conf.d/1.conf", "");
	put("hawser.ini", text);
	free(text);
	load("");
	j = config_encode(config);
	copy = config_decode(j, &err);
	assert_non_null(copy);
	assert_true(copy->settings.has_log_level);
	assert_int_equal(copy->settings.log_level, LOG_WARN);
	assert_int_equal(copy->settings.log_format, LOG_JSON);
	assert_true(copy->settings.has_api_group);
	assert_int_equal(copy->settings.api_gid, getgid());
	config_free(copy);
	json_object_del(j, "settings");
	assert_null(config_decode(j, &err));
	json_decref(j);

	put("hawser.ini", "");
	load("");
	j = config_encode(config);
	copy = config_decode(j, &err);
	assert_non_null(copy);
	assert_false(copy->settings.has_log_level);
	assert_int_equal(copy->settings.log_format, LOG_TEXT);
	assert_false(copy->settings.has_api_group);
	config_free(copy);
	json_decref(j);
}

static void
ssh_files_lend_only_if_they_may(void **state)
{
	char *text;

	(void)state;
	put("conf.d/1.yaml", "hosts:\n  a: {user: x}\n");
	put("hawser.ini", "[supervisor]\ninherit_ssh_config = no\n");
	text = show("a");
	assert_null(strstr(text, "/ssh_config:"));
	assert_null(strstr(text, "/.ssh/config:"));
	free(text);
}

static void
match_exec_is_as_the_ini_says(void **state)
{
	(void)state;
	put("conf.d/1.conf", "Host a\n\tLocalForward 2001 x:1\n"
	    "Match exec true\n\tUser yes\nMatch exec false\n\tPort 99\n");
	put("hawser.ini", "[supervisor]\nmatch_exec = yes\n");
	load("");
	assert_string_equal(host("a")->user, "yes");
	assert_int_equal(host("a")->port, 22);
	put("hawser.ini", "[supervisor]\nmatch_exec = no\n");
	load("conf.d/1.conf:3: error: Match exec \"true\" isn't run: "
	    "hawser.ini says match_exec = no\n"
	    "conf.d/1.conf:5: error: Match exec \"false\" isn't run: "
	    "hawser.ini says match_exec = no\n");
}

/* A secret in hawserd's environment is none of a command's. */
static void
match_exec_sees_little_of_the_environment(void **state)
{
	(void)state;
	put("conf.d/1.conf", "Host a\n\tLocalForward 2001 x:1\n"
	    "Match exec \"test -n \\\"$HOME$TOKEN\\\"\"\n\tUser home\n"
	    "Match exec \"test -n \\\"$TOKEN\\\"\"\n\tPort 99\n");
	put("hawser.ini", "[supervisor]\nmatch_exec = yes\n");
	setenv("TOKEN", "secret", 1);
	load("");
	unsetenv("TOKEN");
	assert_string_equal(host("a")->user, "home");
	assert_int_equal(host("a")->port, 22);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, config_files_setup, \
	    tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_nearest_value_wins),
		TEST(a_host_in_yaml_stands_nowhere_else),
		TEST(complaints_have_columns),
		TEST(later_complaints_have_columns),
		TEST(large_files_are_not_read),
		TEST(files_that_others_may_write_are_not_used),
		TEST(settings_travel),
		TEST(ssh_files_lend_only_if_they_may),
		TEST(match_exec_is_as_the_ini_says),
		TEST(match_exec_sees_little_of_the_environment),
	};

	return cmocka_run_group_tests_name("sources", tests, NULL, NULL);
}
