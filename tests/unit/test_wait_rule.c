/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "cli/wait_rule.h"

/* A status in which the host h has this state and these forwards. */
static json_t *
make(const char *state, const char *forwards)
{
	char *text = str_dupf("{\"hosts\":[{\"name\":\"other\"},"
	    "{\"name\":\"h\",\"state\":\"%s\",\"last_end\":{\"class\":"
	    "\"lost\",\"text\":\"no answer\"},\"forwards\":[%s]}]}", state,
	    forwards);
	json_t *status = json_loads(text, 0, NULL);

	assert_non_null(status);
	free(text);
	return status;
}

static void
judged(const json_t *status, const char *forward, bool verified,
    enum wait_verdict verdict, const char *sentence)
{
	struct str why = { 0 };

	assert_int_equal(wait_judge(status, "h", forward, verified, 0, &why),
	    verdict);
	assert_string_equal(why.p != NULL ? why.p : "", sentence);
	str_fini(&why);
}

static void
hosts_judged(const char *state, const char *forwards, bool verified,
    enum wait_verdict verdict, const char *sentence)
{
	json_t *status = make(state, forwards);

	judged(status, NULL, verified, verdict, sentence);
	json_decref(status);
}

#define F(id, state)	"{\"id\":\"" id "\",\"state\":\"" state "\"}"
#define HELD	"{\"id\":\"R:2\",\"state\":\"held\",\"detail\":\"by nc\"}"

static void
test_whole_hosts(void **state)
{
	(void)state;
	hosts_judged("up", "", false, WAIT_DONE, "");
	hosts_judged("up", "", true, WAIT_DONE, "");
	hosts_judged("up", F("L:1", "up") "," F("R:2", "unprovable"), false,
	    WAIT_DONE, "");
	hosts_judged("up", F("L:1", "up") "," F("D:3", "up") ","
	    F("R:2", "verified"), true, WAIT_DONE, "");
	hosts_judged("up", F("L:1", "up") "," F("R:2", "up"), true,
	    WAIT_MOVING, "R:2 is up");
	hosts_judged("up", F("R:2", "unprovable"), true, WAIT_STUCK,
	    "R:2 is unprovable");
	/* The server was not asked for it yet. */
	hosts_judged("up", F("R:2", "down"), false, WAIT_MOVING,
	    "R:2 is down");
	hosts_judged("degraded", F("L:1", "up") "," F("R:3", "denied") ","
	    HELD, false, WAIT_STUCK, "R:3 is denied; R:2 is held: by nc");
	hosts_judged("degraded", F("L:1", "up"), false, WAIT_MOVING,
	    "degraded");
	hosts_judged("waiting", F("L:1", "up"), false, WAIT_MOVING,
	    "waiting: lost: no answer");
	hosts_judged("connecting", "", false, WAIT_MOVING,
	    "connecting: before: lost: no answer");
	hosts_judged("parked", "", false, WAIT_STUCK,
	    "parked: lost: no answer");
	hosts_judged("disabled", "", false, WAIT_NEVER,
	    "disabled: hawser up h runs it");
}

static void
test_forwards(void **state)
{
	json_t *status = make("degraded", F("L:1", "up") ","
	    F("R:*:8080", "verified") "," HELD);
	struct str why = { 0 };

	(void)state;
	judged(status, "L:1", false, WAIT_DONE, "");
	judged(status, "L:1", true, WAIT_MOVING, "L:1 is up");
	judged(status, "R:*:8080", true, WAIT_DONE, "");
	judged(status, "R:2", false, WAIT_STUCK, "R:2 is held: by nc");
	judged(status, "R:*:8081", false, WAIT_NEVER, "it has no forward "
	    "R:*:8081 (did you mean R:*:8080?)");
	assert_int_equal(wait_judge(status, "none", NULL, false, 0, &why),
	    WAIT_NEVER);
	str_fini(&why);
	json_decref(status);
	status = make("connecting", F("L:1", "up"));
	judged(status, "L:1", false, WAIT_MOVING,
	    "connecting: before: lost: no answer");
	json_decref(status);
}

static void
note(json_t *status, const char *event)
{
	json_t *e = json_loads(event, 0, NULL);

	assert_non_null(e);
	wait_note(status, e);
	json_decref(e);
}

/* A host's life from its first attempt to its removal. */
static void
test_events(void **state)
{
	json_t *status = make("connecting", F("R:1", "down"));

	(void)state;
	note(status, "{\"event\":\"host\",\"host\":\"h\",\"to\":\"waiting\","
	    "\"class\":\"refused\",\"text\":\"nobody there\"}");
	judged(status, NULL, false, WAIT_MOVING,
	    "waiting: refused: nobody there");
	note(status, "{\"event\":\"host\",\"host\":\"h\",\"to\":\"up\"}");
	judged(status, NULL, false, WAIT_MOVING, "R:1 is down");
	note(status, "{\"event\":\"forward\",\"host\":\"h\","
	    "\"forward\":\"R:1\",\"to\":\"held\",\"text\":\"by nc\"}");
	judged(status, NULL, false, WAIT_STUCK, "R:1 is held: by nc");
	note(status, "{\"event\":\"forward\",\"host\":\"h\","
	    "\"forward\":\"R:1\",\"to\":\"verified\",\"text\":null}");
	judged(status, NULL, true, WAIT_DONE, "");
	note(status, "{\"event\":\"forward\",\"host\":\"h\",\"from\":null,"
	    "\"forward\":\"L:2\",\"to\":\"bind-failed\"}");
	judged(status, NULL, true, WAIT_STUCK, "L:2 is bind-failed");
	note(status, "{\"event\":\"forward\",\"host\":\"h\",\"to\":null,"
	    "\"forward\":\"L:2\"}");
	judged(status, NULL, true, WAIT_DONE, "");
	/* What is not of this host, or not known, changes nothing. */
	note(status, "{\"event\":\"host\",\"host\":\"g\",\"to\":\"parked\"}");
	note(status, "{\"event\":\"forward\",\"host\":\"x\","
	    "\"forward\":\"R:1\",\"to\":\"held\"}");
	note(status, "{\"event\":\"news\",\"host\":\"h\",\"to\":\"down\"}");
	judged(status, NULL, true, WAIT_DONE, "");
	note(status, "{\"event\":\"host\",\"host\":\"h\",\"to\":null}");
	judged(status, NULL, true, WAIT_NEVER,
	    "there is no such host any more");
	json_decref(status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_hosts),
		cmocka_unit_test(test_forwards),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
