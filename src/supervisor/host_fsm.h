/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_HOST_FSM_H
#define HAWSER_SUPERVISOR_HOST_FSM_H

/*
 * host_fsm: a host's life as a table: state and event in, next state and
 * actions out. Pure: host.c does the actions. What the table says is printed
 * by its test into tests/unit/golden/host_fsm.txt.
 */

enum host_state {
	HOST_DISABLED,		/* not wanted, by file or by operator */
	HOST_WAITING,		/* the next attempt has its time */
	HOST_QUEUED,		/* due, waits for a place in the budget */
	HOST_CONNECTING,
	HOST_UP,
	HOST_DEGRADED,		/* up, but a forward is not */
	HOST_PARKED,		/* no attempt before somebody acts */
	HOST_STATE_COUNT
};

enum host_event {
	EVENT_ENABLE,		/* it shall run */
	EVENT_DISABLE,		/* it shall not run */
	EVENT_DUE,		/* the time of the next attempt has come */
	EVENT_RETRY,		/* an operator wants an attempt now */
	EVENT_GRANTED,		/* the budget has a place */
	EVENT_UP,		/* the worker authenticated */
	EVENT_ENDED,		/* the worker ended; try again */
	EVENT_ENDED_PARK,	/* the worker ended; trying again is no use */
	EVENT_DEGRADE,		/* a forward is not up */
	EVENT_RECOVER,		/* every forward is up */
	EVENT_CHANGED,		/* the configuration of the link changed */
	HOST_EVENT_COUNT
};

/* What to do, in this order. */
enum host_action {
	ACTION_DISARM = 1 << 0,		/* stop the timer of the next attempt */
	ACTION_UNQUEUE = 1 << 1,	/* leave the budget's queue */
	ACTION_KILL = 1 << 2,		/* kill the worker that connects */
	ACTION_STOP = 1 << 3,		/* tell the worker that is up to stop */
	ACTION_OUTAGE = 1 << 4,		/* clients have to wait from now on */
	ACTION_BIND = 1 << 5,		/* listen, so that they can wait */
	ACTION_SCHEDULE = 1 << 6,	/* set the time of the next attempt */
	ACTION_QUEUE = 1 << 7,		/* ask the budget for a place */
	ACTION_SPAWN = 1 << 8,		/* start a worker */
	ACTION_LEND = 1 << 9,		/* give listeners, order forwards */
	ACTION_REPLACE = 1 << 10,	/* new worker first, then end the old */
	ACTION_RETRY_FORWARDS = 1 << 11, /* ask again for what was refused */
	ACTION_COUNT = 12		/* how many there are */
};

struct host_step {
	enum host_state next;
	unsigned actions;		/* enum host_action, or-ed */
};

/* Events that mean nothing in a state leave it, without actions. */
struct host_step host_fsm_step(enum host_state, enum host_event);

/* "waiting"...: as the API shows it (a queued host is waiting, too). */
const char *host_state_name(enum host_state);

/* Names of the table's cells, for the golden file and the debug log. */
const char *host_state_label(enum host_state);
const char *host_event_label(enum host_event);
const char *host_action_label(unsigned bit);	/* 0..ACTION_COUNT-1 */

#endif
