/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/clock.h"
#include "cli/status_table.h"
#include "cli/units.h"


/* What the table shows for these hosts at 12:00:00, without its headings. */
static char *
render(const char *hosts)
{
	char *text = str_dupf("{\"hosts\":[%s]}", hosts), *rows;
	json_t *status = json_loads(text, 0, NULL);
	struct str out;
	int64_t now;

	assert_non_null(status);
	assert_int_equal(clock_parse(&now, "2026-11-20T12:00:00.000Z",
	    NULL), 0);
	str_init(&out);
	status_table(status, now, false, &out);
	json_decref(status);
	free(text);
	rows = strchr(strchr(out.p, '\n') + 1, '\n') + 1;
	rows = str_dup(rows);
	str_fini(&out);
	return rows;
}

static void
shows(const char *hosts, const char *expected)
{
	char *rows = render(hosts);

	assert_string_equal(rows, expected);
	free(rows);
}

static void
test_up_with_forwards(void **state)
{
	(void)state;
	shows("{\"name\":\"vps\",\"state\":\"up\",\"phase\":null,"
	    "\"since\":\"2026-11-20T11:56:48.000Z\",\"rtt_ms\":12.3,"
	    "\"last_end\":null,\"attempt\":0,\"next_attempt_at\":null,"
	    "\"forwards\":[{\"id\":\"R:*:8080\",\"kind\":\"remote\","
	    "\"listen\":\"*:8080\",\"target\":\"localhost:80\","
	    "\"state\":\"up\",\"detail\":null,\"retry_at\":null,"
	    "\"connections\":{\"open\":2,\"total\":91,\"failed\":0},"
	    "\"bytes\":{\"in\":123,\"out\":45600}},"
	    "{\"id\":\"D:1080\",\"kind\":\"dynamic\",\"listen\":\"1080\","
	    "\"target\":null,\"state\":\"bind-failed\","
	    "\"detail\":\"127.0.0.1:1080 is used by nc (pid 812)\","
	    "\"retry_at\":\"2026-11-20T12:00:08.000Z\","
	    "\"connections\":{\"open\":0,\"total\":0,\"failed\":3},"
	    "\"bytes\":{\"in\":0,\"out\":0}}]}",
	    "vps         up           3 m 12 s                   "
	    "12.3 ms\n"
	    "  R:*:8080  up           2 open, 91 total           "
	    "123 B in, 46 kB out  to localhost:80\n"
	    "  D:1080    bind-failed  0 open, 0 total, 3 failed  "
	    "0 B in, 0 B out      SOCKS; 127.0.0.1:1080 is used by nc "
	    "(pid 812); next attempt in 8 s\n");
}

static void
test_waiting_says_why_and_until_when(void **state)
{
	(void)state;
	shows("{\"name\":\"vps\",\"state\":\"waiting\","
	    "\"since\":\"2026-11-20T11:59:58.000Z\",\"rtt_ms\":null,"
	    "\"last_end\":{\"class\":\"closed-early\",\"text\":\"the server "
	    "hung up\",\"at\":\"2026-11-20T11:59:58.000Z\"},"
	    "\"next_attempt_at\":\"2026-11-20T12:00:43.500Z\","
	    "\"forwards\":[]}",
	    "vps        waiting  2 s                 closed-early: the server "
	    "hung up; next attempt in 43 s\n");
}

static void
test_other_states(void **state)
{
	(void)state;
	shows("{\"name\":\"a\",\"state\":\"connecting\",\"phase\":\"kex\","
	    "\"attempt\":3,\"last_end\":{"
	    "\"class\":\"lost\",\"text\":\"EOF\"}}",
	    "a          connecting                      phase kex, attempt 3; "
	    "before: lost: EOF\n");
	shows("{\"name\":\"a\",\"state\":\"parked\","
	    "\"parked\":{\"text\":\"the host key changed\"}}",
	    "a          parked                      the host key changed\n");
	shows("{\"name\":\"a\",\"state\":\"waiting\",\"detail\":"
	    "\"waits for one of 8 places\"}",
	    "a          waiting                      waits for one of 8 "
	    "places\n");
	shows("{\"name\":\"a\",\"state\":\"disabled\"}",
	    "a          disabled                      hawser up a runs it\n");
	shows("{\"name\":\"a\",\"state\":\"up\",\"last_end\":{"
	    "\"class\":\"lost\",\"text\":\"no answer to 3 pings\","
	    "\"at\":\"2026-11-20T11:50:00.000Z\"}}",
	    "a          up                         last outage 10 m ago (lost: "
	    "no answer to 3 pings)\n");
	shows("{\"name\":\"a\",\"state\":\"up\",\"last_end\":{"
	    "\"class\":\"lost\",\"text\":\"no answer to 3 pings\","
	    "\"at\":\"2026-11-19T11:50:00.000Z\"}}",
	    "a          up\n");
}

static void
test_allocated_port_is_shown(void **state)
{
	(void)state;
	shows("{\"name\":\"a\",\"state\":\"up\",\"forwards\":[{"
	    "\"id\":\"R:0\",\"listen\":\"0\",\"target\":\"localhost:22\","
	    "\"state\":\"up\",\"bound\":[\"127.0.0.1:40123\"]}]}",
	    "a          up\n"
	    "  R:0      up     0 open, 0 total  0 B in, 0 B out  "
	    "on 127.0.0.1:40123 to localhost:22\n");
}

static void
test_strange_answers_do_no_harm(void **state)
{
	(void)state;
	shows("", "");
	shows("7,null,{},{\"name\":3,\"forwards\":{}}", "\n\n\n\n");
	shows("{\"name\":\"\\u001b[31m\",\"state\":\"odd\",\"bound\":1}",
	    "?[31m      odd\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_with_forwards),
		cmocka_unit_test(test_waiting_says_why_and_until_when),
		cmocka_unit_test(test_other_states),
		cmocka_unit_test(test_allocated_port_is_shown),
		cmocka_unit_test(test_strange_answers_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
