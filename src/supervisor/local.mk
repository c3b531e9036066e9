# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_supervisor.a
libhawser_supervisor_a_SOURCES = \
	src/supervisor/address.c \
	src/supervisor/api.c \
	src/supervisor/api_stream.c \
	src/supervisor/availability.c \
	src/supervisor/budget.c \
	src/supervisor/chain.c \
	src/supervisor/child.c \
	src/supervisor/daemonize.c \
	src/supervisor/door.c \
	src/supervisor/event_stream.c \
	src/supervisor/credential.c \
	src/supervisor/filewatch.c \
	src/supervisor/guard.c \
	src/supervisor/guests.c \
	src/supervisor/helper.c \
	src/supervisor/holder.c \
	src/supervisor/holder_search.c \
	src/supervisor/hooks.c \
	src/supervisor/host.c \
	src/supervisor/host_apply.c \
	src/supervisor/host_forward.c \
	src/supervisor/host_network.c \
	src/supervisor/host_proof.c \
	src/supervisor/host_fsm.c \
	src/supervisor/host_hostkey.c \
	src/supervisor/host_move.c \
	src/supervisor/host_replace.c \
	src/supervisor/host_run.c \
	src/supervisor/host_spare.c \
	src/supervisor/host_table.c \
	src/supervisor/host_takeover.c \
	src/supervisor/hostkeys.c \
	src/supervisor/hostkeys_text.c \
	src/supervisor/inherit.c \
	src/supervisor/instance.c \
	src/supervisor/ledger.c \
	src/supervisor/ledger_child.c \
	src/supervisor/ledger_db.c \
	src/supervisor/ledger_past.c \
	src/supervisor/ledger_trim.c \
	src/supervisor/ledger_watch.c \
	src/supervisor/listener.c \
	src/supervisor/loader.c \
	src/supervisor/notice.c \
	src/supervisor/notify.c \
	src/supervisor/notify_line.c \
	src/supervisor/openmetrics.c \
	src/supervisor/netwatch.c \
	src/supervisor/options.c \
	src/supervisor/pid_one.c \
	src/supervisor/privs.c \
	src/supervisor/proxy.c \
	src/supervisor/pulse.c \
	src/supervisor/reload.c \
	src/supervisor/resolver.c \
	src/supervisor/resolver_child.c \
	src/supervisor/rewrite.c \
	src/supervisor/routes.c \
	src/supervisor/schedule.c \
	src/supervisor/secrets.c \
	src/supervisor/self.c \
	src/supervisor/speech.c \
	src/supervisor/supervisor.c \
	src/supervisor/uptime.c \
	src/supervisor/view.c \
	src/supervisor/view_summary.c \
	src/supervisor/view_metrics.c \
	src/supervisor/way.c \
	src/supervisor/worker_link.c \
	src/supervisor/worker_proc.c \
	src/supervisor/address.h \
	src/supervisor/api.h \
	src/supervisor/api_stream.h \
	src/supervisor/availability.h \
	src/supervisor/budget.h \
	src/supervisor/chain.h \
	src/supervisor/child.h \
	src/supervisor/daemonize.h \
	src/supervisor/door.h \
	src/supervisor/event_stream.h \
	src/supervisor/credential.h \
	src/supervisor/filewatch.h \
	src/supervisor/guard.h \
	src/supervisor/guests.h \
	src/supervisor/helper.h \
	src/supervisor/holder.h \
	src/supervisor/holder_search.h \
	src/supervisor/hooks.h \
	src/supervisor/host.h \
	src/supervisor/host_entry.h \
	src/supervisor/host_fsm.h \
	src/supervisor/hostkeys.h \
	src/supervisor/hostkeys_text.h \
	src/supervisor/inherit.h \
	src/supervisor/instance.h \
	src/supervisor/ledger.h \
	src/supervisor/ledger_db.h \
	src/supervisor/ledger_past.h \
	src/supervisor/ledger_trim.h \
	src/supervisor/ledger_watch.h \
	src/supervisor/listener.h \
	src/supervisor/loader.h \
	src/supervisor/notice.h \
	src/supervisor/notify.h \
	src/supervisor/notify_line.h \
	src/supervisor/openmetrics.h \
	src/supervisor/netwatch.h \
	src/supervisor/options.h \
	src/supervisor/pid_one.h \
	src/supervisor/privs.h \
	src/supervisor/proxy.h \
	src/supervisor/pulse.h \
	src/supervisor/reload.h \
	src/supervisor/resolver.h \
	src/supervisor/rewrite.h \
	src/supervisor/routes.h \
	src/supervisor/schedule.h \
	src/supervisor/secrets.h \
	src/supervisor/self.h \
	src/supervisor/speech.h \
	src/supervisor/supervisor.h \
	src/supervisor/uptime.h \
	src/supervisor/view.h \
	src/supervisor/way.h \
	src/supervisor/worker_link.h \
	src/supervisor/worker_proc.h
libhawser_supervisor_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	$(MICROHTTPD_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) $(SYSTEMD_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_SUPERVISOR_LIBS = libhawser_supervisor.a $(HAWSER_CONFIG_LIBS) \
	$(EVENT_LIBS) $(MICROHTTPD_LIBS) $(JANSSON_LIBS) $(SQLITE_LIBS) $(SYSTEMD_LIBS)

sbin_PROGRAMS += hawserd
hawserd_SOURCES = src/supervisor/main.c
hawserd_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
hawserd_LDADD = $(HAWSER_SUPERVISOR_LIBS)
