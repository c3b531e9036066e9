/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/history_table.h"

static void
shows(const char *history, const char *expected)
{
	json_t *body = json_loads(history, 0, NULL);
	struct str out = { 0 };

	assert_non_null(body);
	history_table(body, false, &out);
	assert_string_equal(out.p, expected);
	str_fini(&out);
	json_decref(body);
}

#define WINDOW	"{\"availability\":0.999996,\"outages\":3,\"flaps\":1," \
	"\"longest_s\":75,\"known_s\":90061}"

static void
test_outages(void **state)
{
	(void)state;
	shows("{\"truncated\":true,\"outages\":["
	    "{\"host\":\"vps\",\"forward\":\"R:80\",\"class\":\"held\","
	    "\"down_at\":\"2026-11-20T12:00:00.000Z\",\"back_at\":null,"
	    "\"state\":\"lasts\",\"duration_ms\":61000,\"text\":\"by nc\","
	    "\"detection_ms\":null,\"attempts\":0},"
	    "{\"host\":\"vps\",\"forward\":null,\"class\":\"lost\","
	    "\"down_at\":\"2026-11-20T11:00:00.000Z\",\"back_at\":null,"
	    "\"state\":\"over\",\"duration_ms\":900,\"text\":\"no answer\","
	    "\"detection_ms\":16000,\"attempts\":2}],"
	    "\"summary\":[{\"host\":\"vps\",\"forward\":null,"
	    "\"day\":{\"availability\":null},\"week\":" WINDOW ","
	    "\"month\":" WINDOW "},{\"host\":\"vps\",\"forward\":\"R:80\","
	    "\"day\":" WINDOW ",\"week\":" WINDOW ",\"month\":" WINDOW "}]}",
	    "the newest outages; there are more\n"
	    "DOWN AT               HOST  FORWARD  FOR      STATE  ATTEMPTS  "
	    "WHY\n"
	    "2026-11-20 11:00:00Z  vps            0 s      over   2         "
	    "lost: no answer; noticed after 16 s\n"
	    "2026-11-20 12:00:00Z  vps   R:80     1 m 1 s  lasts            "
	    "held: by nc\n"
	    "\n"
	    "UP      24 H      7 D       30 D      OUTAGES  FLAPS  LONGEST   "
	    "KNOWN\n"
	    "vps     unknown   99.999 %  99.999 %  3        1      1 m 15 s  "
	    "1 d 1 h\n"
	    "  R:80  99.999 %  99.999 %  99.999 %  3        1      1 m 15 s  "
	    "1 d 1 h\n");
}

static void
test_nothing(void **state)
{
	(void)state;
	shows("{}", "no outages in this time\n\n"
	    "UP  24 H  7 D  30 D  OUTAGES  FLAPS  LONGEST  KNOWN\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_outages),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
