/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "host_fixture.h"
#include "own_worker.h"
#include "supervisor/notice.h"

/* What the host table tells, in the order in which it happens. */

static struct str heard;

static void
hear(void *arg, const struct notice *n)
{
	(void)arg;
	assert_true(n->wall_ms > 0);
	str_printf(&heard, "%s %s%s%s %s>%s", notice_kind_name(n->kind),
	    n->host,
	    n->forward != NULL ? " " : "",
	    n->forward != NULL ? n->forward : "",
	    n->from != NULL ? n->from : "", n->to != NULL ? n->to : "");
	if (n->kind == NOTICE_END)
		str_printf(&heard, " %s %u", n->class_, n->tries);
	str_printf(&heard, "\n");
}

static int
set_up(void **state)
{
	struct fixture *f;

	fixture_set_up(state);
	f = *state;
	str_init(&heard);
	notices_join(f->notices, hear, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	str_fini(&heard);
	return fixture_tear_down(state);
}

static void
a_life(void **state)
{
	struct fixture *f = *state;
	struct forward l = local(free_port());
	struct host h[] = { HOST("a", "good") };

	h[0].forwards = &l;
	h[0].forward_count = 1;
	apply(f, h, 1);
	wait_field(f, forward_field, "a", "state", "\"up\"");
	apply(f, h, 0);
	assert_string_equal(heard.p,
	    "host a >disabled\n"
	    "host a disabled>waiting\n"
	    "host a waiting>connecting\n"
	    "host a connecting>up\n"
	    "forward a L:test down>up\n"
	    "forward a L:test up>down\n"
	    "host a up>disabled\n"
	    "host a disabled>\n");
}

static void
an_end_has_a_class(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "wrong-key") };

	apply(f, h, 1);
	wait_state(f, "a", "parked");
	assert_string_equal(heard.p,
	    "host a >disabled\n"
	    "host a disabled>waiting\n"
	    "host a waiting>connecting\n"
	    "end a > hostkey 1\n"
	    "host a connecting>parked\n");
}

static void
who_leaves_hears_no_more(void **state)
{
	struct fixture *f = *state;
	struct host h[] = { HOST("a", "good") };

	notices_leave(f->notices, hear, NULL);
	/* Who never joined may leave, too. */
	notices_leave(f->notices, hear, f);
	apply(f, h, 1);
	wait_state(f, "a", "up");
	assert_null(heard.p);
	notices_tell(NULL, (struct notice){ .kind = NOTICE_RELOAD });
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_end_has_a_class, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(who_leaves_hears_no_more,
		    set_up, tear_down),
	};

	return FIXTURE_MAIN(argc, argv, tests);
}
