/* SPDX-License-Identifier: ISC */
#include "supervisor/view.h"

#include <time.h>

#include "base/str.h"
#include "supervisor/host_entry.h"

/* How many troubles are named; the others are counted. */
#define NAMED_MAX	3

struct sums {
	unsigned forwards, up, verified;
	unsigned troubles;
};

/* " since Nov 20 12:04:10", as the reader's clock shows it. */
static void
append_since(struct str *s, int64_t wall_ms)
{
	time_t t = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];

	if (localtime_r(&t, &tm) != NULL &&
	    strftime(text, sizeof(text), "%b %e %H:%M:%S", &tm) > 0)
		str_printf(s, " since %s", text);
}

/* One more thing that isn't as it should be: host, or host:forward. */
static void
append_trouble(struct sums *n, struct str *s, const char *host,
    const char *forward, const char *state, int64_t since_wall_ms)
{
	if (n->troubles++ >= NAMED_MAX)
		return;
	str_printf(s, ", %s%s%s %s", host, forward != NULL ? ":" : "",
	    forward != NULL ? forward : "", state);
	append_since(s, since_wall_ms);
}

static void
add_forward(struct sums *n, struct str *s, const struct host_forward *f)
{
	bool is_up = f->state == FORWARD_UP || f->state == FORWARD_VERIFIED ||
	    f->state == FORWARD_UNPROVABLE;

	n->forwards++;
	n->up += is_up;
	n->verified += f->state == FORWARD_VERIFIED;
	/* Of a host that is down, the host says it all. */
	if (!is_up && f->state != FORWARD_DOWN)
		append_trouble(n, s, f->host->name, f->spec.id,
		    forward_state_name(f->state), f->since_wall_ms);
}

static void
add_host(struct sums *n, struct str *s, const struct host_entry *e)
{
	struct host_forward *f;

	if (e->state == HOST_DISABLED)
		return;
	if (!host_is_up(e))
		append_trouble(n, s, e->name, NULL, host_state_name(e->state),
		    e->since_wall_ms);
	TAILQ_FOREACH(f, &e->forwards, entry)
		add_forward(n, s, f);
}

void
view_summary(const struct host_table *t, const struct reload_info *info,
    struct str *out)
{
	struct sums n = { 0 };
	struct host_entry *e;
	struct str troubles;

	str_init(&troubles);
	TAILQ_FOREACH(e, &t->hosts, entry)
		add_host(&n, &troubles, e);
	if (info->error != NULL)
		str_printf(out, "the last reload was refused (%s); ",
		    info->error);
	str_printf(out, "%u/%u forwards up, %u verified", n.up, n.forwards,
	    n.verified);
	if (troubles.p != NULL)
		str_append(out, troubles.p);
	if (n.troubles > NAMED_MAX)
		str_printf(out, ", and %u more", n.troubles - NAMED_MAX);
	str_fini(&troubles);
}
