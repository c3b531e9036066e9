/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_AVAILABILITY_H
#define HAWSER_SUPERVISOR_AVAILABILITY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * availability: how much of the last 24 hours a link was up, as far as this
 * process has seen or was told by the ledger. Time in which nobody looked, or
 * in which the host was not wanted, counts neither way. Pure: times are
 * clock_now_ms() values that never go back. About 2.3 KB, however much flaps.
 */

#define AVAILABILITY_SLOTS	96
#define AVAILABILITY_SLOT_MS	((int64_t)15 * 60 * 1000)

enum availability_state {
	AVAILABILITY_UNKNOWN,
	AVAILABILITY_UP,
	AVAILABILITY_DOWN,
};

struct availability {
	enum availability_state state;
	bool is_outage;			/* this time down is counted */
	uint64_t outages;		/* since the beginning */
	int64_t counted_to;		/* ms; slots are right up to here */
	struct {
		int64_t number;		/* time / slot length: which one */
		uint32_t up_ms;
		uint32_t down_ms;
		uint32_t outages;	/* that began in it */
	} slots[AVAILABILITY_SLOTS];
};

void availability_init(struct availability *, int64_t now_ms);

/* The state from now on. Going down from up is an outage. */
void availability_set(struct availability *, enum availability_state,
    int64_t now_ms);

/* An attempt failed: an outage, too, if the link has not been up before. */
void availability_fail(struct availability *, int64_t now_ms);

/*
 * Adds what was before this process: how long it was up and down in the slot
 * that ended slots_ago (0..AVAILABILITY_SLOTS - 1) slots before now. What is
 * longer than a slot is cut.
 */
void availability_seed(struct availability *, int64_t now_ms, int slots_ago,
    int64_t up_ms, int64_t down_ms, int64_t outages);

/* 0..1, or -1 if nothing is known. */
double availability_ratio(struct availability *, int64_t now_ms);

/* Outages that began in the last 24 hours. */
uint32_t availability_outages(struct availability *, int64_t now_ms);

#endif
