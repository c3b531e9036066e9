/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/worker_proc.h"

#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "config/methods.h"
#include "ipc/order.h"
#include "ipc/targets.h"
#include "supervisor/child.h"
#include "supervisor/hostkeys.h"
#include "supervisor/pulse.h"
#include "supervisor/secrets.h"
#include "supervisor/worker_link.h"

/* After its last words, or without its socket, a worker has this long. */
#define LAST_MS		2000

#define OVERLOAD	"is this machine overloaded?"

struct worker_proc {
	struct child child;
	pid_t pid;		/* also when it has been reaped */
	struct worker_link *link;
	const struct worker_ops *ops;
	void *arg;
	enum phase phase;
	struct event *deadline;
	int64_t deadline_ms;	/* clock_now_ms(); 0: none */
	struct session_order order;
	struct secrets *secrets;
	bool is_asking;		/* which stops the phase's clock ... */
	int64_t left_ms;	/* ... with so much left */
	int connect_timeout_ms;
	struct pulse *pulse;
	struct pulse_member beat;	/* takes part from up to the end */
	char *sandbox;		/* as FACT_UP says it; NULL before */
	struct targets reach;	/* what the sandbox leaves it */
	json_t *told;		/* the settings that it knows: ORDER_SET's */
	bool has_end;		/* class_ and text are its end already */
	enum end_class class_;
	char *text;
	int64_t silent_ms;	/* as worker_end has it */
	struct hostkey key;	/* refused; its type is NULL if there is none */
};

/*
 * How long each phase may last. Those of the network include a second more
 * than the worker's own limits, so that its sentence, which knows more, wins:
 * only a worker that is stuck gets as far as this.
 */
static const struct limit {
	int ms;			/* 0: none */
	bool connects;		/* beside ConnectTimeout */
	const char *hint;
} limits[] = {
	[PHASE_START] = { .ms = 15000,
	    .hint = "is a file system or an agent stuck?" },
	/* The system's resolver has its own limits, which may be longer. */
	[PHASE_RESOLVE] = { .ms = 31000,
	    .hint = "does the name server answer?" },
	[PHASE_CONNECT] = { .ms = 1000, .connects = true, .hint = OVERLOAD },
	[PHASE_BANNER] = { .ms = 1000, .connects = true, .hint = OVERLOAD },
	/* A new key may have to be recorded, for which there are 10 s. */
	[PHASE_KEX] = { .ms = 11000, .connects = true, .hint = OVERLOAD },
	[PHASE_AUTH] = { .ms = 31000, .hint = OVERLOAD },
	[PHASE_UP] = { .ms = 0 },
};
static_assert(sizeof(limits) / sizeof(limits[0]) == PHASE_COUNT,
    "one limit per phase");

static int
phase_limit_ms(const struct worker_proc *w, enum phase phase)
{
	const struct limit *l = &limits[phase];

	return l->ms + (l->connects ? w->connect_timeout_ms : 0);
}

static void
set_end(struct worker_proc *w, enum end_class class_, const char *text)
{
	if (w->has_end)
		return;
	w->has_end = true;
	pulse_leave(&w->beat);
	w->class_ = class_;
	w->text = str_dup(text);
}

static void
arm(struct worker_proc *w, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	w->deadline_ms = ms > 0 ? clock_now_ms() + ms : 0;
	if (ms > 0)
		event_add(w->deadline, &tv);
	else
		event_del(w->deadline);
}

/*
 * A person may take longer to find a password than the phase is given. How
 * long, and how often, secrets.h bounds.
 */
static void
stop_clock(struct worker_proc *w)
{
	w->left_ms = w->deadline_ms - clock_now_ms();
	if (w->left_ms < 1)
		w->left_ms = 1;
	event_del(w->deadline);
	w->is_asking = true;
}

/* The question is over, with or without an answer. */
static void
end_question(struct worker_proc *w)
{
	if (!w->is_asking)
		return;
	w->is_asking = false;
	secrets_cancel(w->secrets);
	arm(w, (int)w->left_ms);
}

static void
enter_phase(struct worker_proc *w, enum phase phase)
{
	end_question(w);
	w->phase = phase;
	arm(w, phase_limit_ms(w, phase));
	/* Whatever it is for: one that drains serves clients, too. */
	if (phase == PHASE_UP && w->pulse != NULL && !w->has_end)
		pulse_join(w->pulse, &w->beat);
	w->ops->on_phase(w->arg, phase);
}

static void
ask_beat(void *arg)
{
	struct worker_proc *w = arg;

	worker_link_send(w->link, ORDER_BEAT, json_object(), NULL, 0);
}

static void
on_silent(void *arg, int64_t silence_ms)
{
	char text[64];

	snprintf(text, sizeof(text), "the worker did not answer for %lld s: "
	    "killed", (long long)(silence_ms + 500) / 1000);
	worker_proc_kill(arg, END_CRASH, text);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct worker_proc *w = arg;
	char text[128];

	(void)fd;
	(void)what;
	if (w->has_end) {
		/* Its last words are said, but it does not go. */
		process_kill(&w->child.process);
		return;
	}
	if (w->phase == PHASE_UP) {
		/* Which has no limit of its own: see on_dead(). */
		worker_proc_kill(w, END_CRASH,
		    "the worker closed its socket, but did not exit");
		return;
	}
	snprintf(text, sizeof(text), "no progress in phase %s within %d s; %s",
	    phase_name(w->phase), phase_limit_ms(w, w->phase) / 1000,
	    limits[w->phase].hint);
	worker_proc_kill(w, END_TIMEOUT, text);
}

static void
on_end_fact(struct worker_proc *w, const struct message *m)
{
	enum end_class class_;
	struct err err;
	json_t *key;

	if (end_class_parse(message_string(m, "class"), &class_) == -1) {
		worker_proc_kill(w, END_CRASH,
		    "the worker ended with an unknown class");
		return;
	}
	key = json_object_get(m->body, "host_key");
	if (key != NULL && (hostkey_decode(key, &w->key, &err) == -1 ||
	    hostkeys_check(&w->key, &err) == -1)) {
		hostkey_fini(&w->key);
		worker_proc_kill(w, END_CRASH, err.text);
		return;
	}
	set_end(w, class_, message_string(m, "text"));
	w->silent_ms = message_int(m, "silent_ms", -1);
	end_question(w);
	arm(w, LAST_MS);
}

/* What it reaches is never less than it was ordered to; by default all. */
static int
on_up_fact(struct worker_proc *w, const struct message *m, struct err *err)
{
	const char *sandbox = message_string(m, "sandbox");
	struct targets reach = { .any_port = true, .unix_sockets = true };
	json_t *body = json_object_get(m->body, "targets");
	int rc = 0;

	free(w->sandbox);
	w->sandbox = sandbox != NULL ? str_dup(sandbox) : NULL;
	if (body != NULL)
		rc = targets_decode(body, &reach, err);
	w->reach.any_port |= reach.any_port;
	w->reach.unix_sockets |= reach.unix_sockets;
	targets_fini(&reach);
	return rc;
}

static void
on_answer(void *arg, int fd, const char *source, const char *error)
{
	struct worker_proc *w = arg;
	json_t *body = json_object();

	if (fd != -1)
		json_object_set_new(body, "source", json_string(source));
	else
		json_object_set_new(body, "error", json_string(error));
	end_question(w);
	worker_link_send(w->link, ORDER_SECRET, body, &fd, fd != -1);
	fd_close(&fd);
}

static void
on_secret_fact(struct worker_proc *w, const struct message *m)
{
	struct err err;

	if (w->has_end)
		return;
	if (!w->is_asking)
		stop_clock(w);
	if (secrets_ask(w->secrets, w->phase, m, &err) == -1)
		worker_proc_kill(w, END_CRASH, err.text);
}

static void
on_phase_fact(struct worker_proc *w, enum phase phase, struct message *m)
{
	w->ops->on_fact(w->arg, m);
	enter_phase(w, phase);
}

static void
on_message(void *arg, struct message *m)
{
	struct worker_proc *w = arg;
	enum phase phase;
	struct err err;

	/* Its end is settled: it is not up any more, whatever was under way. */
	if (w->has_end && (m->name == FACT_PHASE || m->name == FACT_UP))
		return;
	if (m->name == FACT_END) {
		on_end_fact(w, m);
	} else if (m->name == FACT_PHASE) {
		if (phase_parse(message_string(m, "phase"), &phase) == -1)
			worker_proc_kill(w, END_CRASH,
			    "the worker is in an unknown phase");
		else if (phase > w->phase && phase != PHASE_UP)
			on_phase_fact(w, phase, m);
	} else if (m->name == FACT_UP) {
		if (on_up_fact(w, m, &err) == -1) {
			worker_proc_kill(w, END_CRASH, err.text);
			return;
		}
		w->ops->on_fact(w->arg, m);
		if (w->phase != PHASE_UP)
			enter_phase(w, PHASE_UP);
	} else if (m->name == FACT_BEAT) {
		pulse_heard(&w->beat);
	} else if (m->name == FACT_SECRET) {
		on_secret_fact(w, m);
	} else {
		w->ops->on_fact(w->arg, m);
	}
}

static void
on_dead(void *arg, const struct err *err)
{
	struct worker_proc *w = arg;
	char text[ERR_TEXT_SIZE + 64];

	if (err->code == ERR_CLOSED) {
		/* The exit tells more, and is about to come. */
		pulse_leave(&w->beat);
		end_question(w);
		arm(w, LAST_MS);
		return;
	}
	snprintf(text, sizeof(text), "the exchange with the worker broke: %s",
	    err->text);
	worker_proc_kill(w, END_CRASH, text);
}

static const struct worker_link_ops link_ops = {
	.on_message = on_message,
	.on_dead = on_dead,
};

static void
on_exit_of_child(void *arg, const struct process_exit *how)
{
	struct worker_proc *w = arg;
	char what[64], text[256];
	struct worker_end end;

	event_del(w->deadline);
	worker_link_drain(w->link);
	end_question(w);
	event_del(w->deadline);
	if (!w->has_end) {
		child_describe_exit(how, what, sizeof(what));
		if (how->signalled && how->code == SIGSYS)
			snprintf(text, sizeof(text), "SIGSYS in phase %s: the "
			    "sandbox ended the worker for a system call that "
			    "it may not make; the kernel's log has its number",
			    phase_name(w->phase));
		else
			snprintf(text, sizeof(text),
			    "the worker died in phase %s: %s",
			    phase_name(w->phase), what);
		set_end(w, END_CRASH, text);
	}
	end = (struct worker_end){
		.class_ = w->class_,
		.text = w->text,
		.silent_ms = w->silent_ms,
		.key = w->key.type != NULL ? &w->key : NULL,
	};
	w->ops->on_end(w->arg, &end);
}

/* New: the configuration's files and our own; the strings are borrowed. */
static char **
known_hosts_files(const struct host *h, char *own, size_t *count)
{
	size_t n = h->known_hosts_file_count;
	char **files = mem_alloc((n + 1) * sizeof(*files));

	if (n > 0)
		memcpy(files, h->known_hosts_files, n * sizeof(*files));
	if (own != NULL)
		files[n++] = own;
	*count = n;
	return files;
}

/* The members that ORDER_SET brings. */
static void
fill_set(struct session_order *o, const struct host *h)
{
	o->alive_interval_s = h->alive_interval_s;
	o->alive_count_max = h->alive_count_max;
	o->log_level = (int)log_get_level();
	o->log_json = log_get_format() == LOG_JSON;
}

static void
send_record(struct worker_proc *w, const struct host *h)
{
	static const enum host_key_policy policies[] = {
		[CHECKING_YES] = HOST_KEY_STRICT,
		[CHECKING_ACCEPT_NEW] = HOST_KEY_ACCEPT_NEW,
		[CHECKING_NO] = HOST_KEY_OFF,
	};
	char *own = hostkeys_own_file(NULL);
	char *methods[METHODS_MAX];
	struct err err;
	json_t *body;
	struct session_order o = {
		.host = h->name,
		.hostname = h->hostname,
		.port = h->port,
		.user = h->user,
		.identity_files = h->identity_files,
		.identity_file_count = h->identity_file_count,
		.certificate_files = h->certificate_files,
		.certificate_file_count = h->certificate_file_count,
		.identities_only = h->identities_only,
		.agent = h->agent,
		.auth_methods = methods,
		.auth_method_count = methods_list(h, methods),
		.password_tries = h->password_tries > 0 ?
		    h->password_tries : 1,
		.can_ask = secrets_exist(h),
		.host_key_alias = h->host_key_alias,
		.host_key_policy = policies[h->checking],
		.update_host_keys = hostkeys_may_update(h),
		.revoked_key_files = h->revoked_key_files,
		.revoked_key_file_count = h->revoked_key_file_count,
		.algorithms = h->algorithms,
		.required_rsa_bits = h->required_rsa_bits,
		.compression = h->compression,
		.address_family = h->address_family,
		.bind_address = h->bind_address,
		.bind_interface = h->bind_interface,
		.ip_tos = h->ip_tos,
		.tcp_keepalive = h->tcp_keepalive,
		.connect_timeout_s = h->connect_timeout_s,
		.permit_remote_open = h->permit_remote_open,
		.permit_remote_open_count = h->permit_remote_open_count,
		.proxy_protocol = h->proxy_protocol,
	};

	fill_set(&o, h);
	w->told = session_order_encode_set(&o);
	o.known_hosts_files = known_hosts_files(h, own,
	    &o.known_hosts_file_count);
	for (size_t i = 0; i < h->forward_count; i++)
		targets_add(&w->reach, &h->forwards[i]);
	o.targets = w->reach;
	body = session_order_encode(&o);
	if (session_order_decode(body, &w->order, &err) == -1)
		worker_proc_kill(w, END_CRASH, err.text);
	worker_link_send(w->link, ORDER_START, body, NULL, 0);
	free(o.known_hosts_files);
	free(own);
}

static int
spawn(struct process *out, const struct worker_program *program,
    const char *host, int link_fd, int *sock, struct err *err)
{
	char *argv[] = { (char *)"hawser-worker", (char *)host, NULL };
	int pair[2], fds[2];
	struct spawn s = { .path = program->path, .program = program->fd,
	    .argv = argv, .fds = fds, .fd_count = link_fd != -1 ? 2 : 1 };

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a socket for the worker");
	fds[0] = pair[1];
	fds[1] = link_fd;
	if (spawn_exec(out, &s, err) == -1) {
		fd_close(&pair[0]);
		fd_close(&pair[1]);
		return -1;
	}
	fd_close(&pair[1]);
	*sock = pair[0];
	return 0;
}

struct worker_proc *
worker_proc_start(struct event_base *base,
    const struct worker_program *program, const struct host *h, int link_fd,
    const struct worker_ops *ops, void *arg, struct err *err)
{
	struct worker_proc *w;
	struct process process;
	int sock = -1, rc;

	rc = spawn(&process, program, h->name, link_fd, &sock, err);
	fd_close(&link_fd);
	if (rc == -1)
		return NULL;
	w = mem_alloc(sizeof(*w));
	w->silent_ms = -1;
	w->ops = ops;
	w->arg = arg;
	w->connect_timeout_ms = h->connect_timeout_s * 1000;
	w->phase = PHASE_START;
	w->pulse = program->pulse;
	w->beat = (struct pulse_member){ .ask = ask_beat,
	    .on_silent = on_silent, .arg = w };
	if ((w->deadline = evtimer_new(base, on_deadline, w)) == NULL)
		abort();
	w->pid = process.pid;
	child_init(&w->child, base, &process, on_exit_of_child, w);
	w->link = worker_link_new(base, sock, FROM_WORKER, &link_ops, w);
	arm(w, phase_limit_ms(w, PHASE_START));
	send_record(w, h);
	w->secrets = secrets_new(base, &w->order, h, on_answer, w);
	return w;
}

void
worker_proc_free(struct worker_proc *w)
{
	if (w == NULL)
		return;
	pulse_leave(&w->beat);
	worker_link_free(w->link);
	child_fini(&w->child);
	secrets_free(w->secrets);
	session_order_fini(&w->order);
	event_free(w->deadline);
	targets_fini(&w->reach);
	json_decref(w->told);
	free(w->sandbox);
	free(w->text);
	hostkey_fini(&w->key);
	free(w);
}

void
worker_proc_send(struct worker_proc *w, enum message_name name, json_t *body,
    const int *fds, size_t fd_count)
{
	worker_link_send(w->link, name, body, fds, fd_count);
}

void
worker_proc_set(struct worker_proc *w, const struct host *h)
{
	struct session_order o = { 0 };
	json_t *body;

	/* Before that it waits for no orders but answers. */
	if (w->phase != PHASE_UP)
		return;
	fill_set(&o, h);
	body = session_order_encode_set(&o);
	if (!json_equal(body, w->told)) {
		json_decref(w->told);
		w->told = json_copy(body);
		worker_link_send(w->link, ORDER_SET, json_incref(body), NULL,
		    0);
	}
	json_decref(body);
}

void
worker_proc_kill(struct worker_proc *w, enum end_class class_,
    const char *text)
{
	set_end(w, class_, text);
	end_question(w);
	process_kill(&w->child.process);
}

pid_t
worker_proc_pid(const struct worker_proc *w)
{
	return w->pid;
}

enum phase
worker_proc_phase(const struct worker_proc *w)
{
	return w->phase;
}

const char *
worker_proc_sandbox(const struct worker_proc *w)
{
	return w->sandbox;
}

bool
worker_proc_reaches(const struct worker_proc *w, const struct forward *f)
{
	return targets_hold(&w->reach, f);
}
