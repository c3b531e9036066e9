/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include "supervisor/supervisor.h"

#include <assert.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdio.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/places.h"
#include "base/spawn.h"
#include "base/str.h"
#include "supervisor/api.h"
#include "supervisor/budget.h"
#include "supervisor/child.h"
#include "supervisor/daemonize.h"
#include "supervisor/event_stream.h"
#include "supervisor/guard.h"
#include "supervisor/hooks.h"
#include "supervisor/host.h"
#include "supervisor/inherit.h"
#include "supervisor/instance.h"
#include "supervisor/ledger.h"
#include "supervisor/netwatch.h"
#include "supervisor/notice.h"
#include "supervisor/notify.h"
#include "supervisor/options.h"
#include "supervisor/pid_one.h"
#include "supervisor/privs.h"
#include "supervisor/pulse.h"
#include "supervisor/reload.h"
#include "supervisor/resolver.h"
#include "supervisor/routes.h"

#define SIGNAL_COUNT	4

struct supervisor {
	struct options options;
	struct instance instance;
	int sock;			/* until the API has it */
	int daemon_fd;			/* -1: in the foreground */
	int worker_fd;			/* the worker's program */
	struct event_base *base;
	struct event *signals[SIGNAL_COUNT];
	struct notices *notices;
	struct netwatch *netwatch;
	struct notify *notify;
	struct inherit *inherit;
	struct budget *budget;
	struct resolver *resolver;
	struct pulse *pulse;
	struct host_table *table;
	struct hooks *hooks;
	struct reload *reload;
	struct event_streams *events;
	struct ledger *ledger;		/* NULL: there is no history */
	struct routes_env routes;
	struct api *api;
	struct settings settings;	/* of the configuration in force */
	bool running;			/* the first configuration is applied */
	bool stopping;
	int exit_code;
};

static void
complain(const char *text)
{
	fprintf(stderr, "hawserd: %s\n", text);
}

static void
on_stopped(void *arg)
{
	struct supervisor *s = arg;

	event_base_loopbreak(s->base);
}

static void
on_reloaded(void *arg, const struct reload_result *r)
{
	struct supervisor *s = arg;

	(void)r;
	notify_reloaded(s->notify);
}

static void
on_hup(evutil_socket_t number, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)number;
	(void)what;
	notify_reloading(s->notify);
	reload_start(s->reload, (struct reload_wish){ 0 }, on_reloaded, s);
}

static void
on_stop(evutil_socket_t number, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)what;
	if (s->stopping) {
		log_warn("told again to stop: the workers are killed");
		host_table_kill(s->table);
		return;
	}
	log_info("stopping signal=%s", number == SIGINT ? "INT" : "TERM");
	s->stopping = true;
	hooks_stop(s->hooks);
	notify_stopping(s->notify);
	inherit_leave(s->inherit);
	if (s->running)
		host_table_stop(s->table, HOST_STOP_MS, on_stopped, s);
	else
		event_base_loopbreak(s->base);
}

static void
on_usr1(evutil_socket_t number, short what, void *arg)
{
	struct supervisor *s = arg;

	(void)number;
	(void)what;
	log_info("every host that waits is tried now");
	host_table_retry_all(s->table);
}

static void
on_network(void *arg)
{
	struct supervisor *s = arg;

	host_table_network_changed(s->table);
}

static void
on_wake(void *arg, int64_t slept_ms)
{
	struct supervisor *s = arg;

	host_table_slept(s->table, slept_ms);
}

static const struct netwatch_ops netwatch_ops = {
	.on_change = on_network,
	.on_wake = on_wake,
};

static const struct {
	int number;
	event_callback_fn on_signal;
} signals[] = {
	{ SIGHUP, on_hup },
	{ SIGTERM, on_stop },
	{ SIGINT, on_stop },
	{ SIGUSR1, on_usr1 },
};
static_assert(sizeof(signals) / sizeof(signals[0]) == SIGNAL_COUNT,
    "one event per signal");

/* Everything the files say, one line each, as `hawser check` prints it. */
static void
print_diagnostics(const struct reload_result *r)
{
	fd_set_nonblock(STDERR_FILENO, 0);	/* see log_detach() */
	if (r->config == NULL) {
		complain(r->error);
		return;
	}
	for (size_t i = 0; i < r->config->diagnostic_count; i++) {
		struct str line;

		str_init(&line);
		diagnostic_format(&r->config->diagnostics[i], &line);
		fprintf(stderr, "%s\n", line.p);
		str_fini(&line);
	}
}

/* The last step of --daemon: the pid file and the log beside the state. */
static int
go_to_background(struct supervisor *s, struct err *err)
{
	char *dir = place_state_dir(err), *usual, *pid, *log;
	int rc;

	if (dir == NULL)
		return -1;
	if (instance_make_dir(dir, err) == -1) {
		free(dir);
		return -1;
	}
	/* A second one, told apart by its socket, has its files there. */
	usual = place_socket(false, NULL);
	if (str_equal(usual, s->options.socket)) {
		pid = str_dupf("%s/hawserd.pid", dir);
		log = str_dupf("%s/hawserd.log", dir);
	} else {
		pid = str_dupf("%s.pid", s->options.socket);
		log = str_dupf("%s.log", s->options.socket);
	}
	rc = instance_write_pid_file(&s->instance, pid, err);
	if (rc == 0)
		rc = daemonize_ready(s->daemon_fd, log, err);
	else
		fd_close(&s->daemon_fd);
	s->daemon_fd = -1;
	free(usual);
	free(dir);
	free(pid);
	free(log);
	return rc;
}

static void
fail(struct supervisor *s, const char *text)
{
	if (text != NULL)
		complain(text);
	s->exit_code = 1;
	event_base_loopbreak(s->base);
}

/* Whose members may use the API, or NULL. */
static const gid_t *
api_group(const struct supervisor *s)
{
	return s->settings.has_api_group ? &s->settings.api_gid : NULL;
}

/* hawser.ini's settings; -v on the command line wins over log_level. */
static void
on_apply(void *arg, const struct config *c)
{
	struct supervisor *s = arg;
	struct err err;

	s->settings = c->settings;
	log_setup(s->options.verbose ? LOG_DEBUG : c->settings.has_log_level ?
	    c->settings.log_level : LOG_INFO, "hawserd");
	log_set_format(c->settings.log_format);
	if (instance_lend(&s->instance, api_group(s), &err) == -1)
		log_error("the API stays closed to its group why=\"%s\"",
		    err.text);
	if (s->api != NULL)	/* not yet, at the first load */
		api_set_group(s->api, api_group(s));
}

/* What was before we started: for hosts[].availability_24h. */
static void
on_past(void *arg, json_t *history, const char *error)
{
	struct supervisor *s = arg;
	const json_t *subject;
	size_t i;

	if (error != NULL)
		log_debug("the last day is not known why=\"%s\"", error);
	json_array_foreach(json_object_get(history, "summary"), i, subject) {
		struct host_entry *e = host_table_find(s->table,
		    json_string_value(json_object_get(subject, "host")));

		if (e != NULL)
			host_seed_availability(e,
			    json_object_get(subject, "slots"));
	}
}

static void
on_first_load(void *arg, const struct reload_result *r)
{
	struct supervisor *s = arg;
	struct err err;

	if (s->stopping)
		return;
	if (r->error != NULL) {
		print_diagnostics(r);
		notify_failed(s->notify, r->error);
		fail(s, NULL);
		return;
	}
	s->running = true;
	if (s->ledger != NULL)
		ledger_ask(s->ledger, &(struct ledger_question){
		    .since_wall_ms = clock_wall_ms(), .slots = true }, on_past,
		    s);
	inherit_settle(s->inherit);
	if (r->config->host_count == 0)
		log_warn("no host in the configuration has a forward");
	s->api = api_new(s->base, s->sock, &s->routes, &err);
	s->sock = -1;
	if (s->api != NULL)
		api_set_group(s->api, api_group(s));
	if (s->api == NULL ||
	    (s->daemon_fd != -1 && go_to_background(s, &err) == -1))
		fail(s, err.text);
	else
		notify_ready(s->notify);
}

static int
watch_signals(struct supervisor *s, struct err *err)
{
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < SIGNAL_COUNT; i++) {
		s->signals[i] = evsignal_new(s->base, signals[i].number,
		    signals[i].on_signal, s);
		if (s->signals[i] == NULL ||
		    event_add(s->signals[i], NULL) == -1)
			return err_set(err, ERR_SYS,
			    "the signals cannot be watched");
	}
	return 0;
}

/* Were 0, 1 or 2 closed, a socket would get its number and our log lines. */
static void
open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd != -1 && fd <= STDERR_FILENO);
	fd_close(&fd);
}

/* Without a state folder to write to there is no history, and all the rest. */
static struct ledger *
open_ledger(struct supervisor *s)
{
	struct err err;
	char *dir = place_state_dir(&err), *path = NULL;
	struct ledger *l = NULL;

	if (dir != NULL && instance_make_dir(dir, &err) == 0)
		path = place_ledger(s->options.socket, &err);
	if (path != NULL)
		l = ledger_new(s->base, s->notices, path);
	else
		log_warn("outages are not recorded why=\"%s\"", err.text);
	free(dir);
	free(path);
	return l;
}

static int
set_up(struct supervisor *s, struct err *err)
{
	struct host_env env = { .worker = { .path = s->options.worker,
	    .fd = s->worker_fd } };
	struct config_source source = { .dir = s->options.config_dir,
	    .file = s->options.config_file, .runs_here = true };

	if ((s->base = event_base_new()) == NULL ||
	    event_base_priority_init(s->base, CHILD_PRIORITIES) == -1)
		return err_set(err, ERR_NOMEM, "there is no event loop");
	if (watch_signals(s, err) == -1)
		return -1;
	s->notices = notices_new();
	s->budget = budget_new(BUDGET_PLACES);
	s->resolver = resolver_new(s->base);
	s->pulse = pulse_new(s->base, PULSE_MS);
	env.base = s->base;
	env.budget = s->budget;
	env.resolver = s->resolver;
	env.notices = s->notices;
	s->notify = notify_new(s->base);
	inherit_tell(s->inherit, s->notify);
	env.inherit = s->inherit;
	env.worker.pulse = s->pulse;
	s->table = host_table_new(&env);
	s->hooks = hooks_new(s->base, s->table, s->notices, HOOKS_LIMIT_S);
	s->reload = reload_new(s->base, s->table, &source, s->notices);
	reload_watch(s->reload, on_apply, s);
	s->netwatch = netwatch_new(s->base, &netwatch_ops, s);
	notify_follow(s->notify, s->notices, s->table, s->reload);
	s->events = event_streams_new(s->notices, s->table, s->reload);
	s->ledger = open_ledger(s);
	s->routes = (struct routes_env){ s->table, s->reload, s->events,
	    s->ledger };
	reload_start(s->reload, (struct reload_wish){ 0 }, on_first_load, s);
	return 0;
}

static void
tear_down(struct supervisor *s)
{
	netwatch_free(s->netwatch);
	api_free(s->api);
	fd_close(&s->sock);
	instance_close(&s->instance);
	event_streams_free(s->events);
	/* A start that failed, too, leaves the sockets to the next one. */
	inherit_leave(s->inherit);
	hooks_free(s->hooks);
	ledger_free(s->ledger);
	host_table_free(s->table);
	notify_free(s->notify);
	inherit_free(s->inherit);
	reload_free(s->reload);
	resolver_free(s->resolver);
	pulse_free(s->pulse);
	budget_free(s->budget);
	notices_free(s->notices);
	for (int i = 0; i < SIGNAL_COUNT; i++)
		if (s->signals[i] != NULL)
			event_free(s->signals[i]);
	if (s->base != NULL)
		event_base_free(s->base);
	fd_close(&s->daemon_fd);
	fd_close(&s->worker_fd);
	options_fini(&s->options);
}

/* From here on we are who we stay, and where we stay if that matters. */
static int
settle_down(struct supervisor *s, struct err *err)
{
	struct options *o = &s->options;
	struct runas who;
	int rc = privs_find(&who, o, err);

	if (rc == 0 && (o->daemon || who.name != NULL))
		rc = options_make_absolute(o, err);
	if (rc == 0)
		rc = who.name == NULL ? privs_stay(o, err) :
		    privs_become(&who, o, err);
	runas_fini(&who);
	if (rc == 0 && o->daemon && (s->daemon_fd = daemonize_begin(err)) == -1)
		rc = -1;
	return rc;
}

static int
run(struct supervisor *s, struct err *err)
{
	s->inherit = inherit_new();
	/* What root may has to come first. */
	log_detach();
	limits_oom_keep();
	if (settle_down(s, err) == -1)
		return -1;
	if (instance_open(&s->instance, s->options.socket, &s->sock,
	    err) == -1)
		return -1;
	limits_many_fds();
	/* A program that isn't there, or a script, is looked for each time. */
	s->worker_fd = spawn_open(s->options.worker);
	if (set_up(s, err) == -1)
		return -1;
	log_info("hawserd starts version=%s pid=%ld config=%s socket=%s",
	    HAWSER_VERSION, (long)getpid(), s->options.config_dir != NULL ?
	    s->options.config_dir : s->options.config_file,
	    s->options.socket);
	event_base_dispatch(s->base);
	return 0;
}

static void
set_up_child_log(const char *name, const char *format)
{
	log_setup(LOG_WARN, name);
	log_set_format(strcmp(format, "json") == 0 ? LOG_JSON : LOG_TEXT);
}

int
supervisor_main(int argc, char **argv)
{
	struct supervisor s = { .sock = -1, .daemon_fd = -1, .worker_fd = -1,
	    .instance = { .lock = -1 } };
	enum options_verdict verdict;
	struct err err;

	open_standard_fds();
	/* Also for what is started from here: nothing of it is for others. */
	umask(077);
	limits_no_core();
	if (argc == 3 && strcmp(argv[1], RESOLVER_OPTION) == 0) {
		set_up_child_log("hawserd resolver", argv[2]);
		return resolver_child_main();
	}
	if (argc == 4 && strcmp(argv[1], LEDGER_OPTION) == 0) {
		set_up_child_log("hawserd ledger", argv[2]);
		return ledger_child_main(argv[3]);
	}
	if (argc == 3 && strcmp(argv[1], GUARD_OPTION) == 0)
		return guard_main(argv[2]);
	if (options_parse(&s.options, argc, argv, &verdict, &err) == -1) {
		complain(err.text);
		options_fini(&s.options);
		return 1;
	}
	if (verdict != OPTIONS_RUN) {
		options_fini(&s.options);
		return verdict == OPTIONS_DONE ? 0 : 2;
	}
	pid_one_step_aside();
	log_setup(s.options.verbose ? LOG_DEBUG : LOG_INFO, "hawserd");
	if (run(&s, &err) == -1) {
		complain(err.text);
		s.exit_code = 1;
	}
	if (s.stopping)
		log_info("stopped");
	tear_down(&s);
	return s.exit_code;
}
