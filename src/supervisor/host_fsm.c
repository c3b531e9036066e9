/* SPDX-License-Identifier: ISC */
#include "supervisor/host_fsm.h"

#include <assert.h>
#include <stdbool.h>

static const struct {
	const char *label;
	const char *name;
} states[] = {
	[HOST_DISABLED] = { "disabled", "disabled" },
	[HOST_WAITING] = { "waiting", "waiting" },
	[HOST_QUEUED] = { "queued", "waiting" },
	[HOST_CONNECTING] = { "connecting", "connecting" },
	[HOST_UP] = { "up", "up" },
	[HOST_DEGRADED] = { "degraded", "degraded" },
	[HOST_PARKED] = { "parked", "parked" },
};
static_assert(sizeof(states) / sizeof(states[0]) == HOST_STATE_COUNT,
    "one row per state");

static const char *const events[] = {
	[EVENT_ENABLE] = "enable",
	[EVENT_DISABLE] = "disable",
	[EVENT_DUE] = "due",
	[EVENT_RETRY] = "retry",
	[EVENT_GRANTED] = "granted",
	[EVENT_UP] = "up",
	[EVENT_ENDED] = "ended",
	[EVENT_ENDED_PARK] = "ended-park",
	[EVENT_DEGRADE] = "degrade",
	[EVENT_RECOVER] = "recover",
	[EVENT_CHANGED] = "changed",
};
static_assert(sizeof(events) / sizeof(events[0]) == HOST_EVENT_COUNT,
    "one name per event");

static const char *const actions[] = {
	"disarm", "unqueue", "kill", "stop", "outage", "bind", "schedule",
	"queue", "spawn", "lend", "replace", "retry-forwards",
};
static_assert(sizeof(actions) / sizeof(actions[0]) == ACTION_COUNT,
    "one name per action");

struct cell {
	bool known;		/* false: the event means nothing here */
	struct host_step step;
};

#define TO(state, todo)	{ true, { (state), (todo) } }

static const struct cell table[HOST_STATE_COUNT][HOST_EVENT_COUNT] = {
	[HOST_DISABLED] = {
		[EVENT_ENABLE] = TO(HOST_QUEUED,
		    ACTION_OUTAGE | ACTION_BIND | ACTION_QUEUE),
	},
	[HOST_WAITING] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED, ACTION_DISARM),
		[EVENT_DUE] = TO(HOST_QUEUED, ACTION_DISARM | ACTION_QUEUE),
		[EVENT_RETRY] = TO(HOST_QUEUED, ACTION_DISARM | ACTION_QUEUE),
		[EVENT_CHANGED] = TO(HOST_QUEUED,
		    ACTION_DISARM | ACTION_QUEUE),
	},
	[HOST_QUEUED] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED, ACTION_UNQUEUE),
		[EVENT_GRANTED] = TO(HOST_CONNECTING, ACTION_SPAWN),
		/* The endpoint may be another one now. */
		[EVENT_CHANGED] = TO(HOST_QUEUED,
		    ACTION_UNQUEUE | ACTION_QUEUE),
	},
	[HOST_CONNECTING] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED, ACTION_KILL),
		[EVENT_UP] = TO(HOST_UP, ACTION_LEND),
		[EVENT_ENDED] = TO(HOST_WAITING, ACTION_SCHEDULE),
		[EVENT_ENDED_PARK] = TO(HOST_PARKED, 0),
		[EVENT_CHANGED] = TO(HOST_QUEUED, ACTION_KILL | ACTION_QUEUE),
	},
	[HOST_UP] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED,
		    ACTION_STOP | ACTION_OUTAGE),
		[EVENT_RETRY] = TO(HOST_UP, ACTION_RETRY_FORWARDS),
		[EVENT_ENDED] = TO(HOST_WAITING,
		    ACTION_OUTAGE | ACTION_SCHEDULE),
		[EVENT_ENDED_PARK] = TO(HOST_PARKED, ACTION_OUTAGE),
		[EVENT_DEGRADE] = TO(HOST_DEGRADED, 0),
		[EVENT_CHANGED] = TO(HOST_UP, ACTION_REPLACE),
	},
	[HOST_DEGRADED] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED,
		    ACTION_STOP | ACTION_OUTAGE),
		[EVENT_RETRY] = TO(HOST_DEGRADED, ACTION_RETRY_FORWARDS),
		[EVENT_ENDED] = TO(HOST_WAITING,
		    ACTION_OUTAGE | ACTION_SCHEDULE),
		[EVENT_ENDED_PARK] = TO(HOST_PARKED, ACTION_OUTAGE),
		[EVENT_RECOVER] = TO(HOST_UP, 0),
		[EVENT_CHANGED] = TO(HOST_DEGRADED, ACTION_REPLACE),
	},
	[HOST_PARKED] = {
		[EVENT_DISABLE] = TO(HOST_DISABLED, 0),
		[EVENT_RETRY] = TO(HOST_QUEUED, ACTION_QUEUE),
		[EVENT_CHANGED] = TO(HOST_QUEUED, ACTION_QUEUE),
	},
};

struct host_step
host_fsm_step(enum host_state state, enum host_event event)
{
	const struct cell *cell = &table[state][event];

	if (!cell->known)
		return (struct host_step){ state, 0 };
	return cell->step;
}

const char *
host_state_name(enum host_state state)
{
	return states[state].name;
}

const char *
host_state_label(enum host_state state)
{
	return states[state].label;
}

const char *
host_event_label(enum host_event event)
{
	return events[event];
}

const char *
host_action_label(unsigned bit)
{
	return actions[bit];
}
