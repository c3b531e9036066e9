/* SPDX-License-Identifier: ISC */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "supervisor/host_entry.h"
#include "supervisor/openmetrics.h"
#include "supervisor/self.h"
#include "supervisor/view.h"

struct scrape {
	const struct host_table *table;
	const struct reload_info *info;
	struct self self;
	int64_t now_ms;
	struct str out;
	const struct metric_family *family;	/* whose turn it is */
};

/* Of the table, of a host, of a forward of it; "labels" are those of it. */
typedef void of_all(struct scrape *);
typedef void of_host(struct scrape *, const struct host_entry *,
    struct str *labels);
typedef void of_forward(struct scrape *, const struct host_forward *,
    struct str *labels);

static void
put_count(struct scrape *s, const struct str *labels, uint64_t value)
{
	openmetrics_count(&s->out, s->family,
	    labels != NULL ? labels->p : NULL, value);
}

static void
put_real(struct scrape *s, const struct str *labels, double value)
{
	openmetrics_real(&s->out, s->family,
	    labels != NULL ? labels->p : NULL, value);
}

/* A wall time; nothing for none. */
static void
put_time(struct scrape *s, const struct str *labels, int64_t wall_ms)
{
	if (wall_ms != 0)
		put_real(s, labels, (double)wall_ms / 1000);
}

/* The same labels with one more. */
static void
put_labelled(struct scrape *s, struct str *labels, const char *name,
    const char *value, uint64_t count)
{
	size_t len = labels->len;

	openmetrics_label(labels, name, value);
	put_count(s, labels, count);
	labels->len = len;
	labels->p[len] = '\0';
}

static void
build(struct scrape *s)
{
	struct str labels;

	str_init(&labels);
	openmetrics_label(&labels, "version", HAWSER_VERSION);
	put_count(s, &labels, 1);
	str_fini(&labels);
}

static void
generation(struct scrape *s)
{
	put_count(s, NULL, s->info->generation);
}

static void
reload_successful(struct scrape *s)
{
	put_count(s, NULL, s->info->error == NULL ? 1 : 0);
}

static void
reload_time(struct scrape *s)
{
	put_time(s, NULL, s->info->tried_wall_ms);
}

static void
loaded_time(struct scrape *s)
{
	put_time(s, NULL, s->info->loaded_wall_ms);
}

static uint64_t
count_processes(const struct host_entries *hosts)
{
	const struct host_entry *e;
	const struct host_run *run;
	uint64_t n = 0;

	TAILQ_FOREACH(e, hosts, entry)
		TAILQ_FOREACH(run, &e->runs, entry)
			n += chain_size(run->chain);
	return n;
}

static void
processes(struct scrape *s)
{
	put_count(s, NULL, count_processes(&s->table->hosts) +
	    count_processes(&s->table->leaving));
}

static void
cpu(struct scrape *s)
{
	put_real(s, NULL, s->self.cpu_s);
}

static void
resident(struct scrape *s)
{
	if (s->self.resident_bytes >= 0)
		put_count(s, NULL, (uint64_t)s->self.resident_bytes);
}

static void
fds(struct scrape *s)
{
	if (s->self.open_fds >= 0)
		put_count(s, NULL, (uint64_t)s->self.open_fds);
}

static void
max_fds(struct scrape *s)
{
	put_count(s, NULL, s->self.max_fds);
}

static void
host_states(struct scrape *s, const struct host_entry *e, struct str *labels)
{
	const char *is = host_state_name(e->state);

	for (int i = 0; i < HOST_STATE_COUNT; i++) {
		const char *name = host_state_name((enum host_state)i);

		if (i != HOST_QUEUED)	/* it has the name of another one */
			put_labelled(s, labels, s->family->name, name,
			    str_equal(name, is) ? 1 : 0);
	}
}

static void
host_up_now(struct scrape *s, const struct host_entry *e, struct str *labels)
{
	put_count(s, labels, host_is_up(e) ? 1 : 0);
}

static void
host_ends(struct scrape *s, const struct host_entry *e, struct str *labels)
{
	for (int i = 0; i < END_CLASS_COUNT; i++)
		if (e->ends[i] > 0)
			put_labelled(s, labels, "class",
			    end_class_name((enum end_class)i), e->ends[i]);
}

static void
host_outages(struct scrape *s, const struct host_entry *e, struct str *labels)
{
	put_count(s, labels, e->availability.outages);
}

static void
host_rtt(struct scrape *s, const struct host_entry *e, struct str *labels)
{
	if (e->rtt_us >= 0)
		put_real(s, labels, (double)e->rtt_us / 1e6);
}

static void
forward_states(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	for (int i = 0; i < FORWARD_STATE_COUNT; i++)
		put_labelled(s, labels, s->family->name,
		    forward_state_name((enum forward_state)i),
		    i == (int)f->state ? 1 : 0);
}

static void
forward_verified(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	put_time(s, labels, f->proof.verified_wall_ms);
}

static void
forward_ok(struct scrape *s, const struct host_forward *f, struct str *labels)
{
	put_time(s, labels, f->last_ok_wall_ms);
}

static void
forward_proof(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	if (f->proof.us >= 0)
		put_real(s, labels, (double)f->proof.us / 1e6);
}

static void
forward_held(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	int64_t ms = f->held_ms + (f->state == FORWARD_HELD ?
	    s->now_ms - f->since_ms : 0);

	put_real(s, labels, (double)ms / 1000);
}

static void
forward_bytes(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	put_labelled(s, labels, "direction", "in", f->counters.in);
	put_labelled(s, labels, "direction", "out", f->counters.out);
}

static void
forward_open(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	put_count(s, labels, f->counters.open);
}

static void
forward_connections(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	put_count(s, labels, f->counters.total);
}

static void
forward_failed(struct scrape *s, const struct host_forward *f,
    struct str *labels)
{
	put_count(s, labels, f->counters.failed);
}

/* docs/METRICS.md says more of each; its test compares the two. */
static const struct row {
	struct metric_family family;
	of_all *all;			/* one of the three is set */
	of_host *host;
	of_forward *forward;
} rows[] = {
	{ { "hawser_build", METRIC_INFO, NULL,
	    "The version that runs." }, .all = build },
	{ { "hawser_config_generation", METRIC_GAUGE, NULL,
	    "How often a configuration was applied." }, .all = generation },
	{ { "hawser_config_last_reload_successful", METRIC_GAUGE, NULL,
	    "1 if the last reload was applied, 0 if it was refused." },
	    .all = reload_successful },
	{ { "hawser_config_last_reload_timestamp_seconds", METRIC_GAUGE,
	    "seconds", "When the last reload was tried." },
	    .all = reload_time },
	{ { "hawser_config_loaded_timestamp_seconds", METRIC_GAUGE, "seconds",
	    "When the configuration in force was applied." },
	    .all = loaded_time },
	{ { "hawser_processes", METRIC_GAUGE, NULL,
	    "Processes of connections: workers, hops, ProxyCommands." },
	    .all = processes },
	{ { "process_cpu_seconds", METRIC_COUNTER, "seconds",
	    "CPU time of the supervisor." }, .all = cpu },
	{ { "process_resident_memory_bytes", METRIC_GAUGE, "bytes",
	    "Memory of the supervisor." }, .all = resident },
	{ { "process_open_fds", METRIC_GAUGE, NULL,
	    "Open file descriptors of the supervisor." }, .all = fds },
	{ { "process_max_fds", METRIC_GAUGE, NULL,
	    "How many file descriptors it may have." }, .all = max_fds },
	{ { "hawser_host_state", METRIC_STATESET, NULL,
	    "The state of the host." }, .host = host_states },
	{ { "hawser_host_up", METRIC_GAUGE, NULL,
	    "1 if the link is up, degraded or not." }, .host = host_up_now },
	{ { "hawser_host_rtt_seconds", METRIC_GAUGE, "seconds",
	    "Round trip of the last ping." }, .host = host_rtt },
	{ { "hawser_outages", METRIC_COUNTER, NULL,
	    "How often the link was lost while it was wanted." },
	    .host = host_outages },
	{ { "hawser_attempts", METRIC_COUNTER, NULL,
	    "Attempts and connections that ended, by class." },
	    .host = host_ends },
	{ { "hawser_forward_state", METRIC_STATESET, NULL,
	    "The state of the forward." }, .forward = forward_states },
	{ { "hawser_forward_verified_timestamp_seconds", METRIC_GAUGE,
	    "seconds", "When it was last proved end to end." },
	    .forward = forward_verified },
	{ { "hawser_forward_last_ok_timestamp_seconds", METRIC_GAUGE,
	    "seconds", "When bytes last passed both ways." },
	    .forward = forward_ok },
	{ { "hawser_forward_proof_seconds", METRIC_GAUGE, "seconds",
	    "Round trip of the last proof." }, .forward = forward_proof },
	{ { "hawser_forward_held_seconds", METRIC_COUNTER, "seconds",
	    "How long its port there was taken by another session." },
	    .forward = forward_held },
	{ { "hawser_forward_bytes", METRIC_COUNTER, "bytes",
	    "Bytes to (in) and from (out) the clients of the listener." },
	    .forward = forward_bytes },
	{ { "hawser_forward_open_connections", METRIC_GAUGE, NULL,
	    "Connections that are open now." }, .forward = forward_open },
	{ { "hawser_forward_connections", METRIC_COUNTER, NULL,
	    "Connections that were made." }, .forward = forward_connections },
	{ { "hawser_forward_failed_connections", METRIC_COUNTER, NULL,
	    "Connections whose target could not be reached." },
	    .forward = forward_failed },
};

static void
put_host(struct scrape *s, const struct row *row, const struct host_entry *e)
{
	const struct host_forward *f;
	struct str labels;
	size_t len;

	str_init(&labels);
	openmetrics_label(&labels, "host", e->name);
	len = labels.len;
	if (row->host != NULL)
		row->host(s, e, &labels);
	if (row->forward != NULL)
		TAILQ_FOREACH(f, &e->forwards, entry) {
			labels.len = len;
			openmetrics_label(&labels, "forward", f->spec.id);
			row->forward(s, f, &labels);
		}
	str_fini(&labels);
}

char *
view_metrics(const struct host_table *t, const struct reload_info *info)
{
	struct scrape s = { .table = t, .info = info,
	    .now_ms = clock_now_ms() };
	const struct host_entry *e;

	self_look(&s.self);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		s.family = &rows[i].family;
		openmetrics_begin(&s.out, s.family);
		if (rows[i].all != NULL)
			rows[i].all(&s);
		else
			TAILQ_FOREACH(e, &t->hosts, entry)
				put_host(&s, &rows[i], e);
	}
	openmetrics_end(&s.out);
	return str_take(&s.out);
}
