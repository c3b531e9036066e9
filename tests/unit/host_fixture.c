/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "host_fixture.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "supervisor/budget.h"
#include "supervisor/notice.h"
#include "supervisor/resolver.h"
#include "supervisor/view.h"

int
fixture_set_up(void **state)
{
	struct fixture *f = mem_alloc(sizeof(*f));

	f->base = event_base_new();
	f->budget = budget_new(BUDGET_PLACES);
	f->resolver = resolver_new(f->base);
	f->notices = notices_new();
	f->table = host_table_new(&(struct host_env){ .base = f->base,
	    .budget = f->budget, .resolver = f->resolver,
	    .worker = { "/proc/self/exe", -1, NULL },
	    .notices = f->notices });
	*state = f;
	return 0;
}

int
fixture_tear_down(void **state)
{
	struct fixture *f = *state;

	host_table_free(f->table);
	resolver_free(f->resolver);
	budget_free(f->budget);
	notices_free(f->notices);
	event_base_free(f->base);
	free(f);
	return 0;
}

void
apply(struct fixture *f, struct host *hosts, size_t count)
{
	struct config c = { .hosts = hosts, .host_count = count };
	struct plan *plan = plan_make(f->config.host_count > 0 ? &f->config :
	    NULL, &c);

	host_table_apply(f->table, plan, &c);
	plan_free(plan);
	f->config = c;
}

const char *
field(struct fixture *f, const char *name, const char *key)
{
	static char *text;
	json_t *host = view_host(f->table, name);

	free(text);
	text = host == NULL ? NULL :
	    json_dumps(json_object_get(host, key), JSON_ENCODE_ANY);
	json_decref(host);
	return text;
}

const char *
forward_field(struct fixture *f, const char *name, const char *key)
{
	static char *text;
	json_t *host = view_host(f->table, name);

	free(text);
	text = json_dumps(json_object_get(json_array_get(
	    json_object_get(host, "forwards"), 0), key), JSON_ENCODE_ANY);
	json_decref(host);
	return text;
}

void
wait_field(struct fixture *f, const char *(*get)(struct fixture *,
    const char *, const char *), const char *name, const char *key,
    const char *want)
{
	int64_t deadline = clock_now_ms() + 20000;
	struct timeval tick = { 0, 50000 };

	while (!str_equal(get(f, name, key), want)) {
		if (clock_now_ms() > deadline)
			fail_msg("%s %s is %s, not %s", name, key,
			    get(f, name, key), want);
		event_base_loopexit(f->base, &tick);
		event_base_loop(f->base, EVLOOP_ONCE);
	}
}

void
wait_state(struct fixture *f, const char *name, const char *want)
{
	char *quoted = str_dupf("\"%s\"", want);

	wait_field(f, field, name, "state", quoted);
	free(quoted);
}

uint16_t
free_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	bind(fd, (struct sockaddr *)&in, len);
	getsockname(fd, (struct sockaddr *)&in, &len);
	close(fd);
	return ntohs(in.sin_port);
}

bool
accepts(uint16_t port)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
	    .sin_port = htons(port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;

	rc = connect(fd, (struct sockaddr *)&in, sizeof(in));
	close(fd);
	return rc == 0;
}

struct forward
local(uint16_t port)
{
	return (struct forward){ (char *)"L:test", FORWARD_LOCAL,
	    { ENDPOINT_TCP, NULL, port },
	    { ENDPOINT_TCP, (char *)"localhost", 80 } };
}

struct forward
remote(void)
{
	return (struct forward){ (char *)"R:9", FORWARD_REMOTE,
	    { ENDPOINT_TCP, NULL, 9 },
	    { ENDPOINT_TCP, (char *)"localhost", 80 } };
}

bool
fixture_is_worker(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[0], "hawser-worker") == 0)
		return true;
	signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_ERROR, "test");
	return false;
}
