/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/pulse.h"

/* Members that are no processes; a beat's interval is INTERVAL_MS. */

#define INTERVAL_MS	60

struct patient {
	struct pulse_member beat;
	bool answers;
	unsigned asked;
	unsigned lost;
	int64_t silence_ms;
};

struct fixture {
	struct event_base *base;
	struct pulse *pulse;
	struct patient a, b;
};

static void
ask(void *arg)
{
	struct patient *p = arg;

	p->asked++;
	if (p->answers)
		pulse_heard(&p->beat);
}

static void
on_silent(void *arg, int64_t silence_ms)
{
	struct patient *p = arg;

	p->lost++;
	p->silence_ms = silence_ms;
}

static int
set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	f->pulse = pulse_new(f->base, INTERVAL_MS);
	f->a = (struct patient){ .beat = { .ask = ask,
	    .on_silent = on_silent, .arg = &f->a } };
	f->b = f->a;
	f->b.beat.arg = &f->b;
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	pulse_leave(&f->a.beat);
	pulse_leave(&f->b.beat);
	pulse_free(f->pulse);
	event_base_free(f->base);
	free(f);
	return 0;
}

/* One beat; false: none is to come. */
static bool
turn(struct fixture *f)
{
	return event_base_loop(f->base, EVLOOP_ONCE) == 0;
}

/* As if we had been stopped meanwhile. */
static void
oversleep(void)
{
	nanosleep(&(struct timespec){ 0, 2 * INTERVAL_MS * 1000000L }, NULL);
}

static void
the_silent_one_is_told(void **state)
{
	struct fixture *f = *state;

	f->b.answers = true;
	pulse_join(f->pulse, &f->a.beat);
	pulse_join(f->pulse, &f->b.beat);
	while (f->a.lost == 0)
		assert_true(turn(f));
	assert_true(f->a.asked >= PULSE_MISSES);
	assert_true(f->a.silence_ms >= (PULSE_MISSES + 1) * INTERVAL_MS);
	assert_null(f->a.beat.pulse);
	assert_int_equal(f->b.lost, 0);
	for (int i = 0; i < 2 * PULSE_MISSES; i++)
		assert_true(turn(f));
	assert_int_equal(f->a.lost, 1);
	assert_int_equal(f->b.lost, 0);
}

/* An answer to whichever beat counts for all before it. */
static void
a_late_answer_is_one(void **state)
{
	struct fixture *f = *state;

	pulse_join(f->pulse, &f->a.beat);
	for (int i = 0; i < 4 * PULSE_MISSES; i++) {
		assert_true(turn(f));
		if (f->a.beat.owed == PULSE_MISSES)
			pulse_heard(&f->a.beat);
	}
	assert_int_equal(f->a.lost, 0);
}

static void
nobody_is_judged_when_we_were_late(void **state)
{
	struct fixture *f = *state;

	pulse_join(f->pulse, &f->a.beat);
	for (int i = 0; i < 4 * PULSE_MISSES; i++) {
		oversleep();
		assert_true(turn(f));
		assert_int_equal(f->a.beat.owed, 1);
	}
	assert_int_equal(f->a.lost, 0);
	while (f->a.lost == 0)
		assert_true(turn(f));
}

/* Without members there is nothing to wake up for. */
static void
the_timer_rests(void **state)
{
	struct fixture *f = *state;

	assert_false(turn(f));
	pulse_join(f->pulse, &f->a.beat);
	pulse_leave(&f->a.beat);
	pulse_leave(&f->a.beat);
	assert_false(turn(f));
	pulse_join(f->pulse, &f->a.beat);
	while (f->a.lost == 0)
		assert_true(turn(f));
	assert_false(turn(f));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_silent_one_is_told),
		TEST(a_late_answer_is_one),
		TEST(nobody_is_judged_when_we_were_late),
		TEST(the_timer_rests),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
