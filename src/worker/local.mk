# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_worker.a
libhawser_worker_a_SOURCES =
libhawser_worker_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links; with HAWSER_SSH_LINK.
HAWSER_WORKER_LIBS = libhawser_worker.a $(HAWSER_SSH_LIBS) $(EVENT_LIBS) \
	$(JANSSON_LIBS)

pkglibexec_PROGRAMS += hawser-worker
hawser_worker_SOURCES = src/worker/main.c
hawser_worker_CPPFLAGS = $(libhawser_worker_a_CPPFLAGS)
hawser_worker_LDFLAGS = $(HAWSER_SSH_LINK)
hawser_worker_LDADD = $(HAWSER_WORKER_LIBS)
