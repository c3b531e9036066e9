/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#include "config/fwdspec.h"

static void
expect(enum fwdspec_side side, const char *spec, const char *id,
    const char *target, const char *shown)
{
	struct forward f = { 0 };
	struct str s, t;
	struct err err;

	str_init(&s);
	str_init(&t);
	if (fwdspec_parse(&f, side, spec, &s, &err) == -1)
		fail_msg("%s: %s", spec, err.text);
	assert_string_equal(f.id, id);
	endpoint_format(&f.target, &t);
	assert_string_equal(t.p != NULL ? t.p : "", target);
	assert_string_equal(s.p, shown);
	str_fini(&s);
	str_fini(&t);
	forward_fini(&f);
}

static void
refuse(enum fwdspec_side side, const char *spec)
{
	struct forward f = { 0 };
	struct err err;

	if (fwdspec_parse(&f, side, spec, NULL, &err) == 0)
		fail_msg("%s was taken", spec);
	assert_int_equal(err.code, ERR_INPUT);
	assert_null(f.id);
}

static void
every_spelling_is_taken(void **state)
{
	(void)state;
	expect(FWDSPEC_LOCAL, "80:h:81", "L:80", "h:81", "80 [h]:81");
	expect(FWDSPEC_LOCAL, "a:80:h:81", "L:a:80", "h:81", "[a]:80 [h]:81");
	expect(FWDSPEC_LOCAL, "*:80:h:81", "L:*:80", "h:81", "[*]:80 [h]:81");
	expect(FWDSPEC_LOCAL, ":80:h:81", "L:*:80", "h:81", "[]:80 [h]:81");
	expect(FWDSPEC_LOCAL, "[::1]:80:[::2]:81", "L:[::1]:80", "[::2]:81",
	    "[::1]:80 [::2]:81");
	expect(FWDSPEC_LOCAL, "http:h:https", "L:80", "h:443",
	    "80 [h]:443");
	expect(FWDSPEC_LOCAL, "80:h:81:", "L:80", "h:81", "80 [h]:81");
	expect(FWDSPEC_LOCAL, "80:/s", "L:80", "/s", "80 /s");
	expect(FWDSPEC_LOCAL, "a:80:/s", "L:a:80", "/s", "[a]:80 /s");
	expect(FWDSPEC_LOCAL, "/l:/s", "L:/l", "/s", "/l /s");
	expect(FWDSPEC_LOCAL, "/l:h:81", "L:/l", "h:81", "/l [h]:81");
	expect(FWDSPEC_LOCAL, "/a\\:b:h:81", "L:/a:b", "h:81",
	    "/a:b [h]:81");
	expect(FWDSPEC_REMOTE, "0:h:81", "R:0", "h:81", "0 [h]:81");
	expect(FWDSPEC_REMOTE_WORD, "a:1080", "R:a:1080", "",
	    "[a]:1080 [socks]:0");
	expect(FWDSPEC_REMOTE_WORD, "0", "R:0", "", "0 [socks]:0");
	expect(FWDSPEC_REMOTE_WORD, "/l:/s", "R:/l", "/s", "/l /s");
	expect(FWDSPEC_DYNAMIC, "1080", "D:1080", "", "1080");
	expect(FWDSPEC_DYNAMIC, "[::1]:1080", "D:[::1]:1080", "",
	    "[::1]:1080");
	expect(FWDSPEC_DYNAMIC, "/l", "D:/l", "", "/l");
}

static void
variables_are_expanded_first(void **state)
{
	(void)state;
	setenv("HAWSER_TEST_PATH", "/run/x", 1);
	unsetenv("HAWSER_TEST_NOTHING");
	expect(FWDSPEC_LOCAL, "80:${HAWSER_TEST_PATH}/s", "L:80", "/run/x/s",
	    "80 /run/x/s");
	refuse(FWDSPEC_LOCAL, "80:${HAWSER_TEST_NOTHING}/s");
	refuse(FWDSPEC_LOCAL, "80:${HAWSER_TEST_PATH");
}

static void
nonsense_is_refused(void **state)
{
	static const char *const specs[] = { "", "80", "80:h", "h:80",
	    "1:2:3:4:5", "80:h:0", "0:h:80", "80:h:65536", "80:h:-1",
	    "[::1:80:h:81", "[::1]x:80:h:81", "::1:80:h:81", "x:h:81\\",
	    "80:h:nosuchservice" };

	(void)state;
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
		refuse(FWDSPEC_LOCAL, specs[i]);
	refuse(FWDSPEC_REMOTE_WORD, "80:h:81");
	refuse(FWDSPEC_DYNAMIC, "80:h:81");
	refuse(FWDSPEC_DYNAMIC, "0");
	refuse(FWDSPEC_LOCAL, "80:/123456789012345678901234567890123456789012"
	    "345678901234567890123456789012345678901234567890123456789012345"
	    "6789012345");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_spelling_is_taken),
		cmocka_unit_test(variables_are_expanded_first),
		cmocka_unit_test(nonsense_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
