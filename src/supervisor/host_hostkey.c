/* SPDX-License-Identifier: ISC */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "supervisor/credential.h"
#include "supervisor/filewatch.h"
#include "supervisor/host_entry.h"
#include "supervisor/hostkeys.h"

/*
 * What hosts do about keys: those that servers show are recorded, and a file
 * that changes ends the wait of a host that waits for nothing else: a
 * known_hosts file that of a parked one, a key that of one that was refused.
 */

void
host_hostkey_keep(struct host_entry *e, const struct hostkey *k,
    const char *hop)
{
	hostkey_fini(&e->offered);
	free(e->offered_by);
	e->offered_by = NULL;
	if (k == NULL)
		return;
	e->offered_by = hop != NULL ? str_dup(hop) : NULL;
	e->offered = (struct hostkey){
		.verdict = k->verdict,
		.type = str_dup(k->type),
		.key = str_dup(k->key),
		.fingerprint = str_dup(k->fingerprint),
		.known_at = k->known_at != NULL ? str_dup(k->known_at) : NULL,
	};
}

/* h is a host, or a hop on the way to one. */
static int
record(const struct host *h, const struct hostkey *k, char **file,
    struct err *err)
{
	if (hostkeys_record(h, k, file, err) == -1) {
		log_error("a host key could not be recorded host=%s why=\"%s\"",
		    h->name, err->text);
		return -1;
	}
	log_info("a host key was recorded host=%s type=%s fingerprint=%s "
	    "file=%s", h->name, k->type, k->fingerprint, *file);
	return 0;
}

/*
 * May this worker have a key recorded? It may speak for a server that has
 * taken it over: so only once, before it has authenticated, and for a host
 * that is new indeed.
 */
static int
check_fact(const struct host *h, bool in_time, const struct hostkey *k,
    struct err *err)
{
	if (!in_time)
		return err_set(err, ERR_PROTOCOL,
		    "a key comes once, with the key exchange");
	if (h->checking != CHECKING_ACCEPT_NEW)
		return err_set(err, ERR_REFUSED, "StrictHostKeyChecking does "
		    "not let new keys be accepted");
	if (hostkeys_check(k, err) == -1)
		return -1;
	return hostkeys_check_new(h, k, err);
}

void
host_hostkey_on_fact(const struct host *h, struct worker_proc *from,
    bool in_time, const struct message *m)
{
	struct hostkey k = { 0 };
	json_t *body = json_object();
	char *file = NULL;
	struct err err;

	if (hostkey_decode(json_object_get(m->body, "host_key"), &k,
	    &err) == -1 || check_fact(h, in_time, &k, &err) == -1 ||
	    record(h, &k, &file, &err) == -1)
		json_object_set_new(body, "error", json_string(err.text));
	worker_proc_send(from, ORDER_RECORDED, body, NULL, 0);
	hostkey_fini(&k);
	free(file);
}

/*
 * A worker may be taken over by its server, which then claims to have proved
 * whatever it likes: but that is one list, for its own name, and of no other
 * host's lines.
 */
static int
check_list(const struct host *h, bool in_time, const struct hostkey_list *l,
    struct err *err)
{
	if (!in_time || !hostkeys_may_update(h))
		return err_set(err, ERR_PROTOCOL, "nobody asked for its keys");
	for (size_t i = 0; i < l->count; i++)
		if (hostkeys_check(&l->keys[i], err) == -1)
			return -1;
	return 0;
}

static void
log_change(const struct host *h, const struct hostkey_list *l,
    const struct hostkeys_change *c)
{
	for (size_t i = 0; i < l->count; i++)
		if (c->added[i])
			log_info("a host key that the server proves to have "
			    "was recorded host=%s type=%s fingerprint=%s "
			    "file=%s", h->name, l->keys[i].type,
			    l->keys[i].fingerprint, c->file);
	if (c->removed > 0)
		log_info("host keys that the server has replaced were removed "
		    "host=%s lines=%u", h->name, c->removed);
}

void
host_hostkey_on_list(const struct host *h, bool in_time,
    const struct message *m)
{
	struct hostkey_list keys = { 0 };
	struct hostkeys_change change = { 0 };
	struct err err;

	if (hostkey_list_decode(json_object_get(m->body, "host_keys"), &keys,
	    &err) == 0 && check_list(h, in_time, &keys, &err) == 0 &&
	    hostkeys_update(h, &keys, &change, &err) == 0)
		log_change(h, &keys, &change);
	else if (err.code == ERR_REFUSED)
		log_debug("the server's host keys are not recorded host=%s "
		    "why=\"%s\"", h->name, err.text);
	else
		log_warn("the server's host keys could not be recorded "
		    "host=%s why=\"%s\"", h->name, err.text);
	free(change.file);
	hostkey_list_fini(&keys);
}

/* Whose key is offered; NULL if the way has changed since. */
static const struct host *
shown_by(const struct host_entry *e)
{
	if (e->offered_by == NULL)
		return e->conf;
	for (size_t i = 0; i < e->conf->jump_count; i++)
		if (strcmp(e->conf->jumps[i].name, e->offered_by) == 0)
			return &e->conf->jumps[i];
	return NULL;
}

int
host_accept_key(struct host_entry *e, const char *fingerprint, char **file,
    struct err *err)
{
	const struct hostkey *k = &e->offered;
	const struct host *h = shown_by(e);

	*file = NULL;
	if (k->type == NULL || h == NULL)
		return err_set(err, ERR_NOTFOUND, "no key of %s waits to be "
		    "accepted", e->name);
	if (k->verdict == HOSTKEY_REVOKED)
		return err_set(err, ERR_REFUSED, "the key of %s is marked as "
		    "revoked in %s; take it out there first", e->name,
		    k->known_at != NULL ? k->known_at : "known_hosts");
	if (strcmp(fingerprint, k->fingerprint) != 0)
		return err_set(err, ERR_REFUSED, "%s has shown the key %s, "
		    "not %s", e->name, k->fingerprint, fingerprint);
	if (record(h, k, file, err) == -1)
		return -1;
	host_hostkey_keep(e, NULL, NULL);
	host_retry(e);
	return 0;
}

/* Calls f for each file that may end the wait for this host or hop. */
static void
each_file_of(const struct host *h, enum end_class class_,
    void (*f)(void *arg, const char *path), void *arg)
{
	if (class_ == END_HOSTKEY) {
		for (size_t i = 0; i < h->known_hosts_file_count; i++)
			f(arg, h->known_hosts_files[i]);
		for (size_t i = 0; i < h->revoked_key_file_count; i++)
			f(arg, h->revoked_key_files[i]);
	}
	if (class_ != END_AUTH)
		return;
	for (size_t i = 0; i < h->identity_file_count; i++) {
		char *cert = str_dupf("%s-cert.pub", h->identity_files[i]);
		char *pub = str_dupf("%s.pub", h->identity_files[i]);

		f(arg, h->identity_files[i]);
		f(arg, cert);
		f(arg, pub);	/* it tells which key of the agent is meant */
		free(cert);
		free(pub);
	}
	for (size_t i = 0; i < h->certificate_file_count; i++)
		f(arg, h->certificate_files[i]);
	if (h->agent[0] != '\0')
		f(arg, h->agent);
	credential_each(h->name, f, arg);
}

/* Has something failed, and is it not being tried again just now? */
static bool
is_waiting(const struct host_entry *e)
{
	const struct host_replacement *r = &e->replacement;

	return e->state == HOST_PARKED ||
	    (e->state == HOST_WAITING && e->last_end.known) ||
	    (r->wanted && r->tries > 0 && e->next == NULL);
}

/* Which files may end this host's wait; calls f for each. */
static void
each_file(const struct host_entry *e, void (*f)(void *arg, const char *path),
    void *arg)
{
	const struct host *h = e->conf;
	enum end_class class_ = e->last_end.class_;
	char *own;

	if (!is_waiting(e))
		return;
	each_file_of(h, class_, f, arg);
	for (size_t i = 0; i < h->jump_count; i++)
		each_file_of(&h->jumps[i], class_, f, arg);
	if (class_ == END_HOSTKEY &&
	    (own = hostkeys_own_file(NULL)) != NULL) {
		f(arg, own);
		free(own);
	}
}

struct search {
	const struct filewatch *watch;
	bool found;
};

static void
look(void *arg, const char *path)
{
	struct search *s = arg;

	s->found = s->found || filewatch_has_changed(s->watch, path);
}

static void
on_change(void *arg)
{
	struct host_table *t = arg;
	struct host_entry *e;

	TAILQ_FOREACH(e, &t->hosts, entry) {
		struct search s = { .watch = t->filewatch };

		each_file(e, look, &s);
		if (!s.found)
			continue;
		log_info("a file that it waits for has changed: it is tried "
		    "now host=%s", e->name);
		host_retry(e);
	}
}

static void
add(void *arg, const char *path)
{
	filewatch_add(arg, path);
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	struct host_table *t = arg;
	struct host_entry *e;

	(void)fd;
	(void)what;
	filewatch_begin(t->filewatch);
	TAILQ_FOREACH(e, &t->hosts, entry)
		each_file(e, add, t->filewatch);
	filewatch_end(t->filewatch);
}

void
host_hostkey_watch(struct host_table *t)
{
	event_active(t->watch, EV_TIMEOUT, 0);
}

void
host_hostkey_init(struct host_table *t)
{
	t->filewatch = filewatch_new(t->env.base, on_change, t);
	if ((t->watch = evtimer_new(t->env.base, on_watch, t)) == NULL)
		abort();
}

void
host_hostkey_fini(struct host_table *t)
{
	filewatch_free(t->filewatch);
	event_free(t->watch);
}
