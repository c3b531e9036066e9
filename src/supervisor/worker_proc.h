/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_WORKER_PROC_H
#define HAWSER_SUPERVISOR_WORKER_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"
#include "ipc/end.h"
#include "ipc/hostkey.h"
#include "ipc/message.h"

struct event_base;
struct pulse;

/*
 * worker_proc: one worker process from its start to its end: its messages, its
 * phase with a deadline, and at last one class and one sentence, whatever the
 * way it ended.
 */
struct worker_proc;

/* The program of every worker. */
struct worker_program {
	const char *path;
	int fd;			/* of spawn_open(): what workers run while
				   hawserd does, also after an upgrade; -1:
				   what path leads to at the time */
	struct pulse *pulse;	/* of workers that are up: one that is silent
				   is killed, END_CRASH; NULL: it isn't */
};

struct worker_end {
	enum end_class class_;
	const char *text;	/* one sentence */
	const struct hostkey *key;	/* that was refused, or NULL */
	const char *hop;	/* the hop that it happened at; NULL: none */
	int64_t silent_ms;	/* the server had been silent for; -1: not
				   known */
};

struct worker_ops {
	/* The attempt entered a phase; PHASE_UP when it has authenticated. */
	void (*on_phase)(void *arg, enum phase);
	/* Any other fact; FACT_PHASE and FACT_UP before their on_phase. */
	void (*on_fact)(void *arg, struct message *);
	/* The process is gone. worker_proc_free is allowed inside. */
	void (*on_end)(void *arg, const struct worker_end *);
};

/*
 * New: starts the program for this host and sends its record. link_fd (taken,
 * also on failure) is a finished link, or -1 if the worker is to connect.
 * Borrows ops; program and host are not needed after the call. NULL with err
 * set.
 */
struct worker_proc *worker_proc_start(struct event_base *,
    const struct worker_program *, const struct host *, int link_fd,
    const struct worker_ops *, void *arg, struct err *);

/* Kills it if it still runs, without on_end. NULL is fine. */
void worker_proc_free(struct worker_proc *);

/* Sends an order. Takes body; borrows fds. */
void worker_proc_send(struct worker_proc *, enum message_name, json_t *body,
    const int *fds, size_t fd_count);

/*
 * Tells a worker that is up (no other) the settings of ORDER_SET, as this host
 * and the log have them now, if it knows others.
 */
void worker_proc_set(struct worker_proc *, const struct host *);

/* Kills it; on_end comes with this class and text (copied). */
void worker_proc_kill(struct worker_proc *, enum end_class, const char *text);

/* Also when it is gone. */
pid_t worker_proc_pid(const struct worker_proc *);
enum phase worker_proc_phase(const struct worker_proc *);

/* "seccomp+landlock", "none"...; NULL before it is up. Borrowed. */
const char *worker_proc_sandbox(const struct worker_proc *);

/* Does (or, before it is up, will) its sandbox reach the forward's target? */
bool worker_proc_reaches(const struct worker_proc *, const struct forward *);

#endif
