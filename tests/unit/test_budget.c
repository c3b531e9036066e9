/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "supervisor/budget.h"
#include "supervisor/schedule.h"

static int grants[64];
static int grant_count;

static void
on_grant(void *arg)
{
	grants[grant_count++] = (int)(intptr_t)arg;
}

static void
init(struct budget_claim *claims, int n)
{
	grant_count = 0;
	for (int i = 0; i < n; i++)
		budget_claim_init(&claims[i], on_grant, (void *)(intptr_t)i);
}

static void
first_come_first_served(void **state)
{
	struct budget *b = budget_new(2);
	struct budget_claim c[6];

	(void)state;
	init(c, 6);
	assert_true(budget_ask(b, &c[0], "a", 22));
	assert_true(budget_ask(b, &c[1], "a", 22));
	for (int i = 2; i < 6; i++)
		assert_false(budget_ask(b, &c[i], "a", 22));
	budget_give_back(b, &c[1]);
	assert_int_equal(grant_count, 1);
	assert_int_equal(grants[0], 2);
	/* One that waits goes without taking a place along. */
	budget_give_back(b, &c[3]);
	assert_int_equal(grant_count, 1);
	budget_give_back(b, &c[0]);
	assert_int_equal(grants[1], 4);
	budget_give_back(b, &c[2]);
	assert_int_equal(grants[2], 5);
	budget_give_back(b, &c[4]);
	budget_give_back(b, &c[5]);
	/* Nothing to give back: nothing happens. */
	budget_give_back(b, &c[5]);
	assert_int_equal(grant_count, 3);
	budget_free(b);
}

static void
endpoints_are_apart(void **state)
{
	struct budget *b = budget_new(1);
	struct budget_claim c[4];

	(void)state;
	init(c, 4);
	assert_true(budget_ask(b, &c[0], "a", 22));
	assert_true(budget_ask(b, &c[1], "a", 2222));
	assert_true(budget_ask(b, &c[2], "b", 22));
	assert_false(budget_ask(b, &c[3], "b", 22));
	budget_give_back(b, &c[0]);
	budget_give_back(b, &c[1]);
	assert_int_equal(grant_count, 0);
	budget_give_back(b, &c[2]);
	assert_int_equal(grants[0], 3);
	budget_give_back(b, &c[3]);
	budget_free(b);
}

static void
a_claim_is_used_again(void **state)
{
	struct budget *b = budget_new(1);
	struct budget_claim c[2];

	(void)state;
	init(c, 2);
	for (int i = 0; i < 100; i++) {
		assert_true(budget_ask(b, &c[0], "a", 22));
		assert_false(budget_ask(b, &c[1], "a", 22));
		budget_give_back(b, &c[0]);
		assert_true(c[1].granted);
		budget_give_back(b, &c[1]);
		grant_count = 0;
	}
	budget_free(b);
}

static int64_t now_ms;

static int64_t
virtual_now(void)
{
	return now_ms;
}

static void
silence_is_asked_once_a_second(void **state)
{
	struct budget *b = budget_new(2);
	struct budget_claim c[4];

	(void)state;
	clock_inject(virtual_now);
	now_ms = 1000000;
	init(c, 4);
	for (int i = 0; i < 2; i++) {
		assert_true(budget_ask(b, &c[i], "a", 22));
		assert_false(budget_note(b, &c[i], false));
		budget_give_back(b, &c[i]);
	}
	/* The last one's own pace is its own. */
	assert_true(budget_ask(b, &c[1], "a", 22));
	assert_false(budget_note(b, &c[1], false));
	assert_false(budget_ask(b, &c[0], "a", 22));
	assert_false(budget_ask(b, &c[2], "a", 22));
	budget_give_back(b, &c[1]);
	now_ms += BUDGET_PACE_MS - 1;
	budget_tick(b);
	assert_int_equal(grant_count, 0);
	now_ms++;
	budget_tick(b);
	assert_int_equal(grant_count, 1);
	assert_true(c[0].granted);
	/* Others are not concerned. */
	assert_true(budget_ask(b, &c[3], "b", 22));
	budget_give_back(b, &c[3]);
	assert_true(budget_note(b, &c[0], true));
	budget_give_back(b, &c[0]);
	assert_true(c[2].granted);
	assert_false(budget_note(b, &c[2], true));
	budget_give_back(b, &c[2]);
	budget_free(b);
	clock_inject(NULL);
}

static void
forgiven_servers_have_all_places(void **state)
{
	struct budget *b = budget_new(2);
	struct budget_claim c[5];

	(void)state;
	clock_inject(virtual_now);
	now_ms = 1000000;
	init(c, 5);
	for (int i = 0; i < 2; i++) {
		assert_true(budget_ask(b, &c[i], "a", 22));
		budget_note(b, &c[i], false);
		budget_give_back(b, &c[i]);
	}
	for (int i = 2; i < 5; i++)
		assert_false(budget_ask(b, &c[i], "a", 22));
	budget_forgive(b);
	assert_int_equal(grant_count, 2);
	for (int i = 2; i < 5; i++)
		budget_give_back(b, &c[i]);
	budget_free(b);
	clock_inject(NULL);
}

/*
 * A thousand hosts behind one server, in virtual time: each waits for its time,
 * for a place, connects, is up. An attempt takes TRY_MS, in vain or not.
 */
#define HOSTS		1000
#define TRY_MS		80
#define STEP_MS		20

struct sim_host {
	enum { SIM_WAITING, SIM_QUEUED, SIM_CONNECTING, SIM_UP } state;
	struct budget_claim claim;
	struct schedule schedule;
	int64_t at;		/* when the state ends */
	int attempts;
	int serial;		/* of its claim */
};

static struct sim {
	struct budget *budget;
	struct sim_host hosts[HOSTS];
	bool alive;		/* the server */
	int connecting, most;
	int attempts, up;
	int asked, served;	/* claims, in their order */
	uint32_t random;
} sim;

static uint32_t
next_random(void)
{
	sim.random = sim.random * 1664525u + 1013904223u;
	return sim.random;
}

static void
sim_connect(struct sim_host *h)
{
	h->state = SIM_CONNECTING;
	h->at = now_ms + TRY_MS;
	h->attempts++;
	sim.attempts++;
	sim.most = ++sim.connecting > sim.most ? sim.connecting : sim.most;
	/* Nobody is overtaken. */
	assert_int_equal(h->serial, sim.served++);
}

static void
sim_granted(void *arg)
{
	sim_connect(arg);
}

static void
sim_ask(struct sim_host *h)
{
	h->state = SIM_QUEUED;
	h->serial = sim.asked++;
	if (budget_ask(sim.budget, &h->claim, "bastion", 22))
		sim_connect(h);
}

static void
sim_fail(struct sim_host *h, enum end_class class_, int64_t up_ms)
{
	static const struct schedule_limits limits = { 1000, 300000, 60000 };

	h->state = SIM_WAITING;
	h->at = now_ms + schedule_next(&h->schedule, &limits, class_, up_ms,
	    next_random()).delay_ms;
}

static void
sim_hasten_all(void)
{
	for (int i = 0; i < HOSTS; i++) {
		struct sim_host *h = &sim.hosts[i];

		if (h->state == SIM_WAITING)
			h->at = now_ms + schedule_wake(&h->schedule,
			    END_REFUSED, now_ms, h->at - now_ms,
			    next_random());
	}
}

static void
sim_end(struct sim_host *h)
{
	bool back = budget_note(sim.budget, &h->claim, sim.alive);

	sim.connecting--;
	if (sim.alive) {
		h->state = SIM_UP;
		sim.up++;
	} else {
		sim_fail(h, END_REFUSED, -1);
	}
	budget_give_back(sim.budget, &h->claim);
	if (back)
		sim_hasten_all();
}

static void
sim_run(int64_t ms)
{
	for (int64_t end = now_ms + ms; now_ms < end; now_ms += STEP_MS) {
		for (int i = 0; i < HOSTS; i++) {
			struct sim_host *h = &sim.hosts[i];

			if (h->state == SIM_WAITING && now_ms >= h->at)
				sim_ask(h);
			else if (h->state == SIM_CONNECTING &&
			    now_ms >= h->at)
				sim_end(h);
		}
		budget_tick(sim.budget);
	}
}

static void
a_thousand_hosts_and_one_server(void **state)
{
	int least = INT32_MAX, most = 0;

	(void)state;
	clock_inject(virtual_now);
	now_ms = 1000000;
	sim = (struct sim){ .budget = budget_new(BUDGET_PLACES),
	    .alive = true, .random = 1 };
	for (int i = 0; i < HOSTS; i++)
		budget_claim_init(&sim.hosts[i].claim, sim_granted,
		    &sim.hosts[i]);
	/* At first: eight at a time, without a pause. */
	sim_run((HOSTS / BUDGET_PLACES + 2) * (TRY_MS + STEP_MS));
	assert_int_equal(sim.up, HOSTS);
	assert_int_equal(sim.attempts, HOSTS);
	/* The server dies: all are lost in one moment. */
	sim.alive = false;
	sim.attempts = sim.up = 0;
	for (int i = 0; i < HOSTS; i++)
		sim_fail(&sim.hosts[i], END_LOST, 3600000);
	sim_run(10000);
	assert_in_range(sim.attempts, 8, 8 + 8 + 10);
	sim_run(1190000);
	assert_in_range(sim.attempts, 1100, 1220);
	for (int i = 0; i < HOSTS; i++) {
		int n = sim.hosts[i].attempts - 1;

		least = n < least ? n : least;
		most = n > most ? n : most;
	}
	/* Everybody had a turn, and nobody many. */
	assert_in_range(least, 1, 2);
	assert_in_range(most, 1, 3);
	/* It is back: the first one hears of it in a second, then all do. */
	sim.alive = true;
	sim_run(BUDGET_PACE_MS + 2 * TRY_MS);
	assert_true(sim.up > 0);
	sim_run((HOSTS / BUDGET_PLACES + 2) * (TRY_MS + STEP_MS));
	assert_int_equal(sim.up, HOSTS);
	assert_int_equal(sim.most, BUDGET_PLACES);
	budget_free(sim.budget);
	clock_inject(NULL);
}

#define CROWD	50

struct turns {
	struct event *beside;	/* something else that the loop has to do */
	int count;
	int most;		/* grants between two turns of it */
	int seen;
};

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct turns *t = arg;

	(void)fd;
	(void)what;
	t->count++;
	if (grant_count - t->seen > t->most)
		t->most = grant_count - t->seen;
	t->seen = grant_count;
}

/* Servers of their own, all due at once: the loop has time for others. */
static void
a_crowd_of_servers_starts_in_bursts(void **state)
{
	struct event_base *base = event_base_new();
	struct budget *b = budget_new(BUDGET_PLACES);
	struct budget_claim c[CROWD];
	struct turns turns = { 0 };
	int at_once = 0;

	(void)state;
	budget_start(b, base);
	init(c, CROWD);
	for (int i = 0; i < CROWD; i++)
		at_once += budget_ask(b, &c[i], "a", (uint16_t)(i + 1));
	assert_int_equal(at_once, BUDGET_BURST);
	turns.beside = event_new(base, -1, EV_PERSIST, on_turn, &turns);
	event_add(turns.beside, &(struct timeval){ .tv_usec = 1000 });
	while (grant_count < CROWD - at_once)
		event_base_loop(base, EVLOOP_ONCE);
	assert_true(turns.most <= BUDGET_BURST);
	assert_true(turns.count > 0);
	for (int i = 0; i < CROWD; i++)
		budget_give_back(b, &c[i]);
	event_free(turns.beside);
	budget_free(b);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(endpoints_are_apart),
		cmocka_unit_test(a_claim_is_used_again),
		cmocka_unit_test(silence_is_asked_once_a_second),
		cmocka_unit_test(forgiven_servers_have_all_places),
		cmocka_unit_test(a_thousand_hosts_and_one_server),
		cmocka_unit_test(a_crowd_of_servers_starts_in_bursts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
