/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "cli/event_line.h"

#define AT	"\"at\":\"2026-11-20T12:04:10.500Z\","

static void
shows(const char *event, const char *line)
{
	json_t *e = json_loads(event, 0, NULL);
	struct str out = { 0 };

	assert_non_null(e);
	event_line(e, false, &out);
	assert_string_equal(out.p != NULL ? out.p : "", line);
	str_fini(&out);
	json_decref(e);
}

static void
test_lines(void **state)
{
	(void)state;
	shows("{\"event\":\"host\"," AT "\"host\":\"vps\",\"to\":\"up\","
	    "\"class\":\"lost\",\"text\":\"old news\"}",
	    "12:04:10  vps  up\n");
	shows("{\"event\":\"host\"," AT "\"host\":\"vps\",\"to\":\"waiting\","
	    "\"text\":\"x\",\"next_attempt_at\":\"2026-11-20T12:04:53.600Z\"}",
	    "12:04:10  vps  waiting; next attempt in 43 s\n");
	shows("{\"event\":\"host\"," AT "\"host\":\"vps\",\"attempt\":3,"
	    "\"to\":\"connecting\"}", "12:04:10  vps  connecting, attempt "
	    "3\n");
	shows("{\"event\":\"host\"," AT "\"host\":\"vps\",\"to\":\"parked\"}",
	    "12:04:10  vps  parked until somebody acts\n");
	shows("{\"event\":\"host\"," AT "\"host\":\"vps\",\"to\":null}",
	    "12:04:10  vps  removed\n");
	shows("{\"event\":\"forward\"," AT "\"host\":\"vps\","
	    "\"forward\":\"R:2222\",\"to\":\"held\",\"text\":\"by\\nnc\"}",
	    "12:04:10  vps  R:2222  held: by?nc\n");
	shows("{\"event\":\"end\"," AT "\"host\":\"vps\",\"class\":\"lost\","
	    "\"text\":\"no answer\",\"uptime_s\":7500}",
	    "12:04:10  vps  lost: no answer; it was up for 2 h 5 m\n");
	shows("{\"event\":\"end\"," AT "\"host\":\"vps\",\"class\":\"auth\","
	    "\"text\":\"no\",\"uptime_s\":null}",
	    "12:04:10  vps  auth: no\n");
	shows("{\"event\":\"reload\"," AT "\"to\":\"refused\","
	    "\"text\":\"a:1: b\"}",
	    "12:04:10  hawserd  the configuration was refused: a:1: b\n");
	shows("{\"event\":\"connection\"," AT "\"host\":\"vps\","
	    "\"forward\":\"R:1\",\"to\":\"open\",\"originator\":"
	    "\"192.0.2.1:4242\",\"target\":\"localhost:80\"}",
	    "12:04:10  vps  R:1  open: from 192.0.2.1:4242 to "
	    "localhost:80\n");
	shows("{\"event\":\"connection\"," AT "\"host\":\"vps\","
	    "\"forward\":\"R:1\",\"to\":\"closed\",\"originator\":null,"
	    "\"target\":\"localhost:80\",\"bytes\":{\"in\":1200,\"out\":"
	    "5},\"duration_ms\":61000}", "12:04:10  vps  R:1  closed: from a "
	    "client without an address to localhost:80; 1.2 kB in, 5 B out, "
	    "1 m 1 s\n");
	shows("{\"event\":\"connection\"," AT "\"host\":\"vps\","
	    "\"forward\":\"D:1\",\"to\":\"failed\",\"originator\":"
	    "\"[::1]:42\",\"text\":\"no\"}",
	    "12:04:10  vps  D:1  failed: from [::1]:42: no\n");
	shows("{\"event\":\"lost\"," AT "\"host\":\"vps\",\"count\":12}",
	    "12:04:10  vps  too much happens: 12 events of connections were "
	    "left out so far\n");
	shows("{\"event\":\"hello\"," AT "\"version\":\"1\"}", "");
	shows("{}", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
