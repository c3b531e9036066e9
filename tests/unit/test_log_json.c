/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/log_json.h"

#define HEAD	"{\"time\":\"T\",\"level\":\"info\",\"who\":\"w\",\"msg\":"

static const char *
say_in(size_t size, const char *text)
{
	static char out[4096];
	struct log_json_event e = { .time = "T", .level = "info", .who = "w",
	    .text = text };
	size_t n;

	memset(out, 'x', sizeof(out));
	n = log_json(out, size, &e);
	assert_true(n < size);
	assert_int_equal(strlen(out), n);
	assert_int_equal(out[n - 1], '}');
	return out;
}

static const char *
say(const char *text)
{
	return say_in(4096, text);
}

static void
pairs_become_members(void **state)
{
	(void)state;
	assert_string_equal(say("up"), HEAD "\"up\"}");
	assert_string_equal(say("it is up host=vps pid=7"),
	    HEAD "\"it is up\",\"host\":\"vps\",\"pid\":\"7\"}");
	assert_string_equal(say("down why=\"no route, x=1\" host=a"),
	    HEAD "\"down\",\"why\":\"no route, x=1\",\"host\":\"a\"}");
	assert_string_equal(say("down why=\"it said \"no\"\" host=a"),
	    HEAD "\"down\",\"why\":\"it said \\\"no\\\"\",\"host\":\"a\"}");
	assert_string_equal(say("x why=\"\" to="),
	    HEAD "\"x\",\"why\":\"\",\"to\":\"\"}");
	assert_string_equal(say("host=vps state=up"),
	    HEAD "\"\",\"host\":\"vps\",\"state\":\"up\"}");
	assert_string_equal(say("x why=\"cut off"),
	    HEAD "\"x\",\"why\":\"cut off\"}");
}

static void
what_is_no_pair_stays(void **state)
{
	(void)state;
	assert_string_equal(say("a=b is wrong"), HEAD "\"a=b is wrong\"}");
	assert_string_equal(say("set a=b or so host=x"),
	    HEAD "\"set a=b or so\",\"host\":\"x\"}");
	assert_string_equal(say("f:3: error: K=\"v\" H=x"),
	    HEAD "\"f:3: error: K=\\\"v\\\" H=x\"}");
	assert_string_equal(say(""), HEAD "\"\"}");
}

static void
names_of_other_members_are_changed(void **state)
{
	(void)state;
	assert_string_equal(say("x who=y level=z"),
	    HEAD "\"x\",\"_who\":\"y\",\"_level\":\"z\"}");
	/* Nor by what a server says of another host. */
	assert_string_equal(say("x host=a why=\"b\" host=\"c\" d=e"),
	    HEAD "\"x\",\"host\":\"a\",\"why\":\"b\",\"_host\":\"c\","
	    "\"d\":\"e\"}");
}

static void
bytes_are_escaped(void **state)
{
	(void)state;
	assert_string_equal(say("a\\b\"c\td"),
	    HEAD "\"a\\\\b\\\"c\\u0009d\"}");
	assert_string_equal(say("\xc3\xa9 \xff \xc3"),
	    HEAD "\"\xc3\xa9 \xef\xbf\xbd \xef\xbf\xbd\"}");
	/* Too long a form, a surrogate, beyond the last character. */
	assert_string_equal(say("\xc0\x80"),
	    HEAD "\"\xef\xbf\xbd\xef\xbf\xbd\"}");
	assert_string_equal(say("\xed\xa0\x80"),
	    HEAD "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
	assert_string_equal(say("\xf0\x9f\x9a\xa2"),
	    HEAD "\"\xf0\x9f\x9a\xa2\"}");
}

/* However little room there is, the object is whole. */
static void
is_cut_at_the_end(void **state)
{
	char text[2048];

	(void)state;
	memset(text, '"', sizeof(text));
	memcpy(text, "clause why=\"", 12);
	memcpy(text + 1000, "\" host=some", 11);
	text[sizeof(text) - 1] = '\0';
	for (size_t size = 256; size < 4096; size++) {
		const char *s = say_in(size, text);
		size_t n = strlen(s), quotes = 0;

		for (size_t i = 0; i < n; i++)
			if (s[i] == '\\')
				i++;
			else
				quotes += s[i] == '"';
		assert_int_equal(quotes % 4, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_become_members),
		cmocka_unit_test(what_is_no_pair_stays),
		cmocka_unit_test(names_of_other_members_are_changed),
		cmocka_unit_test(bytes_are_escaped),
		cmocka_unit_test(is_cut_at_the_end),
	};

	return cmocka_run_group_tests_name("log_json", tests, NULL, NULL);
}
