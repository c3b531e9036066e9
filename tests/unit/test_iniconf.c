/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/iniconf.h"

static struct iniconf file;
static struct config *report;

static void
end(void)
{
	iniconf_fini(&file);
	config_free(report);
	report = NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	end();
	return 0;
}

static void
parse_n(const char *text, size_t n)
{
	end();
	report = mem_alloc(sizeof(*report));
	file = iniconf_parse("f", text, n, report);
}

/* All complaints, "line:column: text", one line each. Borrowed. */
static const char *
complaints(void)
{
	static struct str s;

	str_fini(&s);
	str_init(&s);
	for (size_t i = 0; i < report->diagnostic_count; i++) {
		const struct diagnostic *d = &report->diagnostics[i];

		assert_int_equal(d->severity, SEVERITY_ERROR);
		assert_string_equal(d->file, "f");
		str_printf(&s, "%d:%d: %s\n", d->line, d->column, d->text);
	}
	return s.p != NULL ? s.p : "";
}

/* text brings exactly these complaints. */
static void
parse(const char *text, const char *wanted)
{
	parse_n(text, strlen(text));
	assert_string_equal(complaints(), wanted);
}

static void
assert_name(const struct iniconf_name *n, const char *text, int line,
    int column)
{
	assert_string_equal(n->text, text);
	assert_int_equal(n->line, line);
	assert_int_equal(n->column, column);
}

static void
settings_are_taken(void **state)
{
	(void)state;
	parse("\xef\xbb\xbf; a comment\n"
	    "[supervisor]\r\n"
	    "log_level = warn\r\n"
	    "log_format=json ; another\n"
	    "# inherit_ssh_config = maybe\n"
	    "inherit_ssh_config: no\n"
	    "match_exec = yes\n"
	    "user = me\n"
	    "group = us\n"
	    "   # indented\n"
	    "[api]\n"
	    "group =  wheel", "");
	assert_true(file.settings.has_log_level);
	assert_int_equal(file.settings.log_level, LOG_WARN);
	assert_int_equal(file.settings.log_format, LOG_JSON);
	assert_false(file.inherit);
	assert_int_equal(file.match_exec, INICONF_EXEC_YES);
	assert_name(&file.user, "me", 8, 8);
	assert_name(&file.group, "us", 9, 9);
	assert_name(&file.api_group, "wheel", 12, 10);
	assert_int_equal(file.defaults->blocks[0].count, 0);
}

static void
what_is_not_said_is_usual(void **state)
{
	static const char *const texts[] = { "", "\n\n", "[api]\n",
	    "[supervisor]\n[api]\n[defaults]" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		parse(texts[i], "");
		assert_false(file.settings.has_log_level);
		assert_int_equal(file.settings.log_format, LOG_TEXT);
		assert_true(file.inherit);
		assert_int_equal(file.match_exec, INICONF_EXEC_USUAL);
		assert_null(file.user.text);
		assert_null(file.group.text);
		assert_null(file.api_group.text);
	}
}

static void
defaults_are_entries(void **state)
{
	const struct entry *e;

	(void)state;
	parse("[defaults]\n"
	    "server_alive_interval = 30s\n"
	    "hawser_backoff =2s 1m\n"
	    "local_forward = 8080:localhost:80\n", "");
	assert_int_equal(file.defaults->count, 1);
	assert_int_equal(file.defaults->blocks[0].count, 3);
	e = file.defaults->blocks[0].entries;
	assert_string_equal(e[0].keyword->name, "ServerAliveInterval");
	assert_string_equal(e[0].value.texts[0], "30");
	assert_int_equal(e[0].line, 2);
	assert_int_equal(e[0].column, 25);
	assert_string_equal(e[0].file, "f");
	assert_int_equal(e[1].value.count, 2);
	assert_string_equal(e[1].value.texts[1], "1m");
	assert_string_equal(e[2].value.forward.id, "L:8080");
}

static void
unknown_names_are_refused(void **state)
{
	(void)state;
	parse("stray = 1\n"
	    "[supervisr]\n"
	    "log_level = info\n"
	    "[supervisor]\n"
	    "loglevel = info\n"
	    "usr = x\n"
	    "[api]\n"
	    "grp = x\n"
	    "[web]\n"
	    "[defaults]\n"
	    "usr = x\n"
	    "zzzzzzz = x\n",
	    "1:1: stray stands before the first [section]\n"
	    "2:1: there is no section [supervisr]; did you mean supervisor?\n"
	    "5:1: [supervisor] has no \"loglevel\"; did you mean log_level?\n"
	    "6:1: [supervisor] has no \"usr\"; did you mean user?\n"
	    "8:1: [api] has no \"grp\"; did you mean group?\n"
	    "9:1: there is no section [web]\n"
	    "11:1: there is no keyword \"usr\"; did you mean user?\n"
	    "12:1: there is no keyword \"zzzzzzz\"\n");
}

static void
names_stand_once(void **state)
{
	(void)state;
	parse("[api]\ngroup = a\n[defaults]\nuser = x\n[api]\ngroup = b\n"
	    "[defaults]\nuser = y\n",
	    "6:1: group stands in this section twice, first in line 2\n"
	    "8:1: user stands in this section twice, first in line 4\n");
	assert_string_equal(file.api_group.text, "a");
	assert_string_equal(file.defaults->blocks[0].entries[0].value.texts[0],
	    "x");
}

static void
wrong_values_are_refused(void **state)
{
	(void)state;
	parse("[supervisor]\n"
	    "log_level = loud\n"
	    "log_format = xml\n"
	    "inherit_ssh_config = 1\n"
	    "match_exec =\n"
	    "[defaults]\n"
	    "port = 70000\n"
	    "user =\n",
	    "2:13: log_level can't be \"loud\"; it is one of error, warn, "
	    "info, debug\n"
	    "3:14: log_format can't be \"xml\"; it is one of text, json\n"
	    "4:22: inherit_ssh_config can't be \"1\"; it is one of no, yes, "
	    "false, true\n"
	    "5:1: match_exec needs a value\n"
	    "7:8: \"70000\" is not a port (0 to 65535)\n"
	    "8:7: user needs a value\n");
}

static void
a_group_is_a_users(void **state)
{
	(void)state;
	parse("[supervisor]\ngroup = us\n",
	    "2:1: group says nothing without a user\n");
	parse("[supervisor]\nuser = me\n[api]\ngroup = us\n", "");
}

static void
every_bad_line_is_told(void **state)
{
	(void)state;
	parse("[supervisor\n"
	    "log_level\n"
	    "[api] group = x\n"
	    "group = x\n"
	    "  and more\n"
	    "\t[defaults]\n"
	    "nothing ; = here\n",
	    "1:1: a section's name ends with ]\n"
	    "2:1: it is neither [section] nor name = value\n"
	    "3:7: nothing can stand behind a section's name\n"
	    "5:3: the line begins with a blank: in INI it would continue the "
	    "value above\n"
	    "6:2: the line begins with a blank: in INI it would continue the "
	    "value above\n"
	    "7:1: it is neither [section] nor name = value\n");
	assert_string_equal(file.api_group.text, "x");
}

static void
bytes_are_judged(void **state)
{
	struct str s;

	(void)state;
	parse_n("[api]\ngroup = a\0b\n", 17);
	assert_string_equal(complaints(), "2:10: a NUL byte\n");
	parse("[api]\ngroup = \xc3\xa9\xff\n",
	    "2:11: a byte that isn't UTF-8\n");
	str_init(&s);
	str_append(&s, "[api]\ngroup = ");
	for (int i = 0; i < 5000; i++)
		str_append(&s, "x");
	str_append(&s, "\n[defaults]\nuser = u\n");
	parse_n(s.p, s.len);
	assert_int_equal(report->diagnostic_count, 1);
	assert_int_equal(report->diagnostics[0].line, 2);
	assert_null(file.api_group.text);
	assert_int_equal(file.defaults->blocks[0].count, 1);
	str_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(settings_are_taken, tear_down),
		cmocka_unit_test_teardown(what_is_not_said_is_usual,
		    tear_down),
		cmocka_unit_test_teardown(defaults_are_entries, tear_down),
		cmocka_unit_test_teardown(unknown_names_are_refused,
		    tear_down),
		cmocka_unit_test_teardown(names_stand_once, tear_down),
		cmocka_unit_test_teardown(wrong_values_are_refused,
		    tear_down),
		cmocka_unit_test_teardown(a_group_is_a_users, tear_down),
		cmocka_unit_test_teardown(every_bad_line_is_told, tear_down),
		cmocka_unit_test_teardown(bytes_are_judged, tear_down),
	};

	return cmocka_run_group_tests_name("iniconf", tests, NULL, NULL);
}
