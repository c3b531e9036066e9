# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_worker.a
libhawser_worker_a_SOURCES = \
	src/worker/ask.c \
	src/worker/ask.h \
	src/worker/ask_secret.c \
	src/worker/ask_secret.h \
	src/worker/bind_truth.c \
	src/worker/bind_truth.h \
	src/worker/dial.c \
	src/worker/dial.h \
	src/worker/dial_socket.c \
	src/worker/dial_socket.h \
	src/worker/ending.c \
	src/worker/ending.h \
	src/worker/forward_local.c \
	src/worker/forward_local.h \
	src/worker/forward_remote.c \
	src/worker/forward_remote.h \
	src/worker/forwarded.c \
	src/worker/forwarded.h \
	src/worker/forwards.c \
	src/worker/forwards.h \
	src/worker/harden.c \
	src/worker/harden.h \
	src/worker/listener.c \
	src/worker/listener.h \
	src/worker/host_keys.c \
	src/worker/host_keys.h \
	src/worker/lookup.c \
	src/worker/lookup.h \
	src/worker/loop.c \
	src/worker/loop.h \
	src/worker/nonce.c \
	src/worker/nonce.h \
	src/worker/onward.c \
	src/worker/onward.h \
	src/worker/permit.c \
	src/worker/permit.h \
	src/worker/ping.c \
	src/worker/ping.h \
	src/worker/proof.c \
	src/worker/proof.h \
	src/worker/proxy_header.c \
	src/worker/proxy_header.h \
	src/worker/relay.c \
	src/worker/relay.h \
	src/worker/report.c \
	src/worker/report.h \
	src/worker/sandbox.c \
	src/worker/sandbox.h \
	src/worker/session.c \
	src/worker/session.h \
	src/worker/socks.c \
	src/worker/socks.h \
	src/worker/socks_local.c \
	src/worker/socks_local.h \
	src/worker/socks_remote.c \
	src/worker/socks_remote.h \
	src/worker/syscall_filter.c \
	src/worker/syscall_filter.h \
	src/worker/takeover.c \
	src/worker/takeover.h \
	src/worker/target.c \
	src/worker/target.h \
	src/worker/triage.c \
	src/worker/triage.h \
	src/worker/tunnel.c \
	src/worker/visit.c \
	src/worker/tunnel.h \
	src/worker/visit.h \
	src/worker/worker.c \
	src/worker/worker.h
libhawser_worker_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS) \
	$(SECCOMP_CFLAGS) $(LANDLOCK_CPPFLAGS)

# What a program or test that uses this folder links; with HAWSER_SSH_LINK.
HAWSER_WORKER_LIBS = libhawser_worker.a $(HAWSER_SSH_LIBS) $(EVENT_LIBS) \
	$(JANSSON_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += hawser-worker
hawser_worker_SOURCES = src/worker/main.c
hawser_worker_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
hawser_worker_LDFLAGS = $(HAWSER_SSH_LINK)
hawser_worker_LDADD = $(HAWSER_WORKER_LIBS)
