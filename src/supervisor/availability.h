/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_AVAILABILITY_H
#define HAWSER_SUPERVISOR_AVAILABILITY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * availability: how much of the last 24 hours a link was up, as far as this
 * process has seen. Time in which nobody looked, or in which the host was not
 * wanted, counts neither way. Pure: times are clock_now_ms() values that never
 * go back. About 2.3 KB, however much flaps.
 */

#define AVAILABILITY_SLOTS	96	/* a quarter of an hour each */

enum availability_state {
	AVAILABILITY_UNKNOWN,
	AVAILABILITY_UP,
	AVAILABILITY_DOWN,
};

struct availability {
	enum availability_state state;
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

/* 0..1, or -1 if nothing is known. */
double availability_ratio(struct availability *, int64_t now_ms);

/* Outages that began in the last 24 hours. */
uint32_t availability_outages(struct availability *, int64_t now_ms);

#endif
