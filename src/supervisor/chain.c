/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/chain.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fdio.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/proxy.h"

/* Those further away notice an end; this long its cause may be in coming. */
#define CAUSE_MS	1000

/* One worker. The last one counts, the others are hops. */
struct member {
	struct chain *chain;
	struct worker_proc *proc;	/* NULL: not started yet */
	char *name;
	bool up;
	bool linked;			/* the next one has its link */
	bool asked_key;			/* had its one FACT_HOSTKEY */
	bool listed_keys;		/* ... and FACT_HOSTKEYS */
	bool ended;
	struct worker_end end;		/* its texts are proc's */
};

struct chain {
	struct event_base *base;
	const struct worker_program *program;
	const struct chain_ops *ops;
	void *arg;
	struct proxy *proxy;		/* NULL: none */
	struct member *members;
	size_t count;			/* 1 and the hops */
	size_t started;
	int link;			/* for the next to start; -1: none */
	struct event *link_timer;	/* a hop's way on takes too long */
	struct event *cause_timer;	/* the cause of an end does */
	bool has_end;			/* ... of the whole chain, as follows */
	struct worker_end end;
	char *text;
	struct event *gone;		/* every process is: the last step */
};

static struct member *
last_of(const struct chain *c)
{
	return &c->members[c->count - 1];
}

static void
arm(struct event *timer, int ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	evtimer_add(timer, &tv);
}

/* Endings */

/* Is somebody still there? */
static bool
is_running(const struct chain *c)
{
	for (size_t i = 0; i < c->started; i++)
		if (!c->members[i].ended)
			return true;
	return c->proxy != NULL && !proxy_is_over(c->proxy);
}

static void
on_gone(evutil_socket_t fd, short what, void *arg)
{
	struct chain *c = arg;

	(void)fd;
	(void)what;
	c->ops->on_end(c->arg, &c->end);
}

/* By way of the loop: whoever noticed may be in the middle of something. */
static void
check_gone(struct chain *c)
{
	if (c->has_end && !is_running(c))
		event_active(c->gone, EV_TIMEOUT, 0);
}

/* The chain is over: takes text. */
static void
end_all(struct chain *c, enum end_class class_, const char *hop, char *text)
{
	if (c->has_end) {
		free(text);
		return;
	}
	c->has_end = true;
	c->text = text;
	c->end.class_ = class_;
	c->end.hop = hop;
	c->end.text = text;
	event_del(c->link_timer);
	event_del(c->cause_timer);
	for (size_t i = 0; i < c->started; i++)
		worker_proc_kill(c->members[i].proc, class_, text);
	if (c->proxy != NULL && !proxy_is_over(c->proxy))
		proxy_kill(c->proxy);
	check_gone(c);
}

/* These are what one sees of a fault that is nearer. */
static bool
may_be_noticed_only(enum end_class class_)
{
	return class_ == END_LOST || class_ == END_CLOSED_EARLY;
}

/* Ends the chain for what its member i ended with. */
static void
end_for(struct chain *c, size_t i)
{
	const struct member *m = &c->members[i];
	enum end_class class_ = m->end.class_;
	bool by_proxy = i == 0 && c->proxy != NULL &&
	    proxy_is_over(c->proxy) && may_be_noticed_only(class_);
	struct str text;

	str_init(&text);
	if (m != last_of(c))
		str_printf(&text, "hop %s: ", m->name);
	if (by_proxy && proxy_failed(c->proxy) && !m->up) {
		class_ = END_PROXY;
		str_append(&text, proxy_how(c->proxy));
	} else if (by_proxy) {
		str_printf(&text, "%s (%s)", m->end.text,
		    proxy_how(c->proxy));
	} else {
		str_append(&text, m->end.text);
	}
	c->end = m->end;
	end_all(c, class_, m != last_of(c) ? m->name : NULL,
	    str_take(&text));
}

/* Nobody says why. */
static void
end_unexplained(struct chain *c)
{
	const struct member *m = &c->members[0];
	bool is_hop = m != last_of(c);
	char *text;

	if (c->proxy != NULL && proxy_is_over(c->proxy)) {
		text = is_hop ? str_dupf("hop %s: %s", m->name,
		    proxy_how(c->proxy)) : str_dup(proxy_how(c->proxy));
		end_all(c, m->up ? END_LOST : END_PROXY,
		    is_hop ? m->name : NULL, text);
		return;
	}
	end_all(c, END_LOST, NULL, str_dup("the link through the hops was "
	    "closed"));
}

/* Did everything nearer than member i end? Then there is no other cause. */
static bool
is_alone(const struct chain *c, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (!c->members[j].ended)
			return false;
	return c->proxy == NULL || proxy_is_over(c->proxy);
}

/* Something has ended: is the cause known now? */
static void
look_for_cause(struct chain *c, bool late)
{
	bool wait = false;

	for (size_t i = 0; i < c->started; i++) {
		const struct member *m = &c->members[i];

		if (!m->ended)
			continue;
		if (m->end.class_ == END_STOPPED && m != last_of(c)) {
			wait = true;	/* what lies behind it says more */
			continue;
		}
		if (!may_be_noticed_only(m->end.class_) || late ||
		    is_alone(c, i)) {
			end_for(c, i);
			return;
		}
		wait = true;
	}
	if (late)
		end_unexplained(c);
	else if (wait || (c->proxy != NULL && proxy_is_over(c->proxy)))
		arm(c->cause_timer, CAUSE_MS);
}

static void
on_change(struct chain *c)
{
	if (c->has_end)
		check_gone(c);
	else
		look_for_cause(c, false);
}

static void
on_proxy_exit(void *arg)
{
	on_change(arg);
}

/* Beginnings */

static const struct host *
host_of(const struct chain *c, size_t i)
{
	const struct host *h = c->ops->host(c->arg);

	if (h == NULL || h->jump_count + 1 != c->count)
		return NULL;
	return i < h->jump_count ? &h->jumps[i] : h;
}

static const struct worker_ops member_ops;

/* Starts the next worker on the link that there is. 0, or -1. */
static int
start_next(struct chain *c, struct err *err)
{
	struct member *m = &c->members[c->started];
	const struct host *h = host_of(c, c->started);
	int link = c->link;

	c->link = -1;
	c->end.silent_ms = -1;
	if (h == NULL) {
		fd_close(&link);
		return err_set(err, ERR_CLOSED,
		    "the configuration was changed");
	}
	m->proc = worker_proc_start(c->base, c->program, h, link, &member_ops,
	    m, err);
	if (m->proc == NULL)
		return -1;
	c->started++;
	return 0;
}

static void
on_linked(struct chain *c, struct member *m)
{
	struct err err;

	if (m->linked || c->has_end || c->link == -1 ||
	    m != &c->members[c->started - 1])
		return;
	m->linked = true;
	event_del(c->link_timer);
	if (start_next(c, &err) == -1)
		end_all(c, END_CRASH, NULL, str_dup(err.text));
}

static int
make_link(const struct host *next, int pair[2], struct err *err)
{
	if (next == NULL)
		return err_set(err, ERR_CLOSED,
		    "the configuration was changed");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return err_sys(err, "cannot make a link behind a hop");
	return 0;
}

/* The hop is up: it shall reach for what lies behind it. */
static void
lead_on(struct chain *c, struct member *m)
{
	const struct host *next = host_of(c, (size_t)(m - c->members) + 1);
	struct err err;
	int pair[2];

	if (make_link(next, pair, &err) == -1) {
		end_all(c, END_CRASH, NULL, str_dup(err.text));
		return;
	}
	c->link = pair[0];
	worker_proc_send(m->proc, ORDER_LINK, json_pack("{s:s, s:i}", "host",
	    next->hostname, "port", (int)next->port), &pair[1], 1);
	fd_close(&pair[1]);
	arm(c->link_timer, next->connect_timeout_s * 1000 + 1000);
}

static void
on_link_timer(evutil_socket_t fd, short what, void *arg)
{
	struct chain *c = arg;
	struct member *m = &c->members[c->started - 1];

	(void)fd;
	(void)what;
	end_all(c, END_TIMEOUT, m->name, str_dupf("hop %s: the server did not "
	    "connect to %s in time (phase connect)", m->name, m[1].name));
}

static void
on_cause_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look_for_cause(arg, true);
}

/* To a worker what may change while it runs; not if the way is another. */
static void
set_member(struct chain *c, struct member *m)
{
	const struct host *h = host_of(c, (size_t)(m - c->members));

	if (h != NULL && str_equal(h->name, m->name) && !m->ended)
		worker_proc_set(m->proc, h);
}

/* What the workers say */

static void
on_phase(void *arg, enum phase phase)
{
	struct member *m = arg;
	struct chain *c = m->chain;

	if (c->has_end)
		return;
	if (m != last_of(c))
		log_debug("host=%s hop=%s phase=%s", last_of(c)->name,
		    m->name, phase_name(phase));
	if (phase == PHASE_UP) {
		m->up = true;
		set_member(c, m);	/* it may be a while since its start */
		if (m != last_of(c))
			lead_on(c, m);
	}
	if (m == last_of(c))
		c->ops->on_phase(c->arg, phase);
}

static void
on_host_key(struct chain *c, struct member *m, struct message *msg)
{
	const struct host *h = host_of(c, (size_t)(m - c->members));
	bool is_list = msg->name == FACT_HOSTKEYS;
	bool *had = is_list ? &m->listed_keys : &m->asked_key;
	bool in_time = !*had && worker_proc_phase(m->proc) ==
	    (is_list ? PHASE_UP : PHASE_KEX);

	*had = true;
	if (h != NULL && !c->has_end)
		c->ops->on_host_key(c->arg, h, m->proc, in_time, msg);
}

/* Only the nearest one knows where packets go. */
static void
on_way(struct chain *c, const struct member *m, struct message *msg)
{
	json_t *addresses = json_object_get(msg->body, "addresses");

	if (m == &c->members[0] && addresses != NULL && !c->has_end)
		c->ops->on_addresses(c->arg, addresses);
}

static void
on_fact(void *arg, struct message *msg)
{
	struct member *m = arg;
	struct chain *c = m->chain;

	if (msg->name == FACT_PHASE)
		on_way(c, m, msg);
	else if (msg->name == FACT_HOSTKEY || msg->name == FACT_HOSTKEYS)
		on_host_key(c, m, msg);
	else if (m == last_of(c))
		c->ops->on_fact(c->arg, msg);
	else if (msg->name == FACT_LINK)
		on_linked(c, m);
}

static void
on_end(void *arg, const struct worker_end *end)
{
	struct member *m = arg;

	m->ended = true;
	m->end = *end;
	on_change(m->chain);
}

static const struct worker_ops member_ops = {
	.on_phase = on_phase,
	.on_fact = on_fact,
	.on_end = on_end,
};

/* The whole */

static int
start_proxy(struct chain *c, struct err *err)
{
	const struct host *h = host_of(c, 0);

	if (h->proxy_command == NULL || h->proxy_command[0] == '\0')
		return 0;
	c->proxy = proxy_start(c->base, last_of(c)->name, h->proxy_command,
	    &c->link, on_proxy_exit, c, err);
	return c->proxy != NULL ? 0 : -1;
}

struct chain *
chain_start(struct event_base *base, const struct worker_program *program,
    const struct chain_ops *ops, void *arg, struct err *err)
{
	const struct host *h = ops->host(arg);
	struct chain *c = mem_alloc(sizeof(*c));

	c->base = base;
	c->program = program;
	c->ops = ops;
	c->arg = arg;
	c->link = -1;
	c->count = h->jump_count + 1;
	c->members = mem_alloc(c->count * sizeof(*c->members));
	for (size_t i = 0; i < c->count; i++) {
		c->members[i].chain = c;
		c->members[i].name = str_dup(host_of(c, i)->name);
	}
	c->link_timer = evtimer_new(base, on_link_timer, c);
	c->cause_timer = evtimer_new(base, on_cause_timer, c);
	c->gone = evtimer_new(base, on_gone, c);
	if (c->link_timer == NULL || c->cause_timer == NULL || c->gone == NULL)
		abort();
	if (start_proxy(c, err) == 0 && start_next(c, err) == 0)
		return c;
	chain_free(c);
	return NULL;
}

void
chain_free(struct chain *c)
{
	if (c == NULL)
		return;
	/* The last one first: what it says at its end is worth most. */
	for (size_t i = c->count; i-- > 0;) {
		worker_proc_free(c->members[i].proc);
		free(c->members[i].name);
	}
	proxy_free(c->proxy);
	fd_close(&c->link);
	event_free(c->link_timer);
	event_free(c->cause_timer);
	event_free(c->gone);
	free(c->members);
	free(c->text);
	free(c);
}

void
chain_send(struct chain *c, enum message_name name, json_t *body,
    const int *fds, size_t fd_count)
{
	if (last_of(c)->proc != NULL)
		worker_proc_send(last_of(c)->proc, name, body, fds, fd_count);
	else
		json_decref(body);
}

void
chain_set(struct chain *c)
{
	for (size_t i = 0; i < c->started && !c->has_end; i++)
		set_member(c, &c->members[i]);
}

bool
chain_ping(struct chain *c, int ms)
{
	bool asked = false;

	for (size_t i = 0; i < c->started && !c->has_end; i++) {
		const struct member *m = &c->members[i];

		if (!m->up || m->ended)
			continue;
		worker_proc_send(m->proc, ORDER_PING,
		    json_pack("{s:i}", "ms", ms), NULL, 0);
		asked = m == last_of(c);
	}
	return asked;
}

void
chain_kill(struct chain *c, enum end_class class_, const char *text)
{
	if (c->has_end)
		return;
	/* If its last words are said, they are the ones that count. */
	if (c->count == 1 && c->proxy == NULL)
		worker_proc_kill(c->members[0].proc, class_, text);
	else
		end_all(c, class_, NULL, str_dup(text));
}

bool
chain_reaches(const struct chain *c, const struct forward *f)
{
	const struct worker_proc *w = last_of(c)->proc;

	return w != NULL && worker_proc_reaches(w, f);
}

pid_t
chain_pid(const struct chain *c)
{
	const struct worker_proc *w = last_of(c)->proc;

	return w != NULL ? worker_proc_pid(w) : -1;
}

enum phase
chain_phase(const struct chain *c)
{
	const struct member *m = &c->members[c->started - 1];
	enum phase phase = worker_proc_phase(m->proc);

	return phase == PHASE_UP && m != last_of(c) ? PHASE_CONNECT : phase;
}

const char *
chain_hop(const struct chain *c)
{
	const struct member *m = &c->members[c->started - 1];

	return m == last_of(c) ? NULL : m->name;
}

size_t
chain_size(const struct chain *c)
{
	return c->count + (c->proxy != NULL);
}

size_t
chain_members(const struct chain *c, struct chain_member *out)
{
	size_t n = 0;

	if (c->proxy != NULL && !proxy_is_over(c->proxy))
		out[n++] = (struct chain_member){ .pid = proxy_pid(c->proxy),
		    .role = "proxy" };
	for (size_t i = 0; i < c->started; i++) {
		const struct member *m = &c->members[i];
		bool is_hop = m != last_of(c);

		if (m->ended)
			continue;
		out[n++] = (struct chain_member){
			.pid = worker_proc_pid(m->proc),
			.counts = !is_hop,
			.role = "hop",
			.name = is_hop ? m->name : NULL,
			.sandbox = worker_proc_sandbox(m->proc),
		};
	}
	return n;
}

const struct host *
chain_nearest(const struct host *h)
{
	return h->jump_count > 0 ? &h->jumps[0] : h;
}
