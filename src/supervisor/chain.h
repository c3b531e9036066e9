/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_CHAIN_H
#define HAWSER_SUPERVISOR_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "config/config.h"
#include "supervisor/worker_proc.h"

/*
 * chain: the processes of one connection to a host: its ProxyCommand, a worker
 * for each hop, the worker that counts. Mostly it is that worker alone. The
 * nearest is started first, and each next one when there is a link for it. They
 * end together, with one class and one sentence: those of the process that is
 * the cause, and not of those that noticed.
 */
struct chain;

struct chain_ops {
	/* Of the worker that counts: as in worker_ops. */
	void (*on_phase)(void *arg, enum phase);
	void (*on_fact)(void *arg, struct message *);
	/*
	 * Of any worker: FACT_HOSTKEY or FACT_HOSTKEYS of this host or hop.
	 * in_time: it is its first, and comes with the key exchange, or when
	 * it is up.
	 */
	void (*on_host_key)(void *arg, const struct host *,
	    struct worker_proc *, bool in_time, struct message *);
	/* The addresses that the first connection of it tries (texts). */
	void (*on_addresses)(void *arg, json_t *addresses);
	/* All processes are gone. chain_free is allowed inside. */
	void (*on_end)(void *arg, const struct worker_end *);
	/* The host as it is configured now; NULL if it is no more. */
	const struct host *(*host)(void *arg);
};

/*
 * New: starts the first processes. Borrows the program and ops. NULL with err
 * set.
 */
struct chain *chain_start(struct event_base *, const struct worker_program *,
    const struct chain_ops *, void *arg, struct err *);

/* Kills what still runs, without on_end. NULL is fine. */
void chain_free(struct chain *);

/* To the worker that counts; nothing happens before it was started. */
void chain_send(struct chain *, enum message_name, json_t *body,
    const int *fds, size_t fd_count);

/* The configuration has changed: to each worker, what of it is live. */
void chain_set(struct chain *);

/*
 * Each worker that is up, hops too, asks its server for a sign of life: without
 * one within ms milliseconds it is lost. True if the one that counts is asked.
 */
bool chain_ping(struct chain *, int ms);

/* Kills all; on_end comes with this class and text (copied). */
void chain_kill(struct chain *, enum end_class, const char *text);

/* Can that worker connect to the forward's target? Before up: no. */
bool chain_reaches(const struct chain *, const struct forward *);

/* The pid of the worker that counts; -1 if there is none. */
pid_t chain_pid(const struct chain *);

/*
 * The phase of what is being connected to; PHASE_UP when it is the host itself
 * and has authenticated us. Its name if it is a hop, else NULL.
 */
enum phase chain_phase(const struct chain *);
const char *chain_hop(const struct chain *);

/* Its processes, for people. */
struct chain_member {
	pid_t pid;
	bool counts;		/* the worker that does */
	const char *role;	/* of the others: "hop", "proxy" */
	const char *name;	/* a hop's name; else NULL */
	const char *sandbox;	/* of a worker that is up; else NULL */
};

/*
 * Fills out, which may hold chain_size() of them, the nearest first; how many
 * there are now.
 */
size_t chain_size(const struct chain *);
size_t chain_members(const struct chain *, struct chain_member *out);

/*
 * Whose place in the budget a connection to the host takes, until the host
 * itself has authenticated us: what lies behind a hop is seldom counted
 * otherwise. Borrowed.
 */
const struct host *chain_nearest(const struct host *);

#endif
