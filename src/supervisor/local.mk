# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_supervisor.a
libhawser_supervisor_a_SOURCES =
libhawser_supervisor_a_CPPFLAGS = $(AM_CPPFLAGS) $(EVENT_CFLAGS) \
	$(MICROHTTPD_CFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_SUPERVISOR_LIBS = libhawser_supervisor.a $(HAWSER_CONFIG_LIBS) \
	$(EVENT_LIBS) $(MICROHTTPD_LIBS) $(JANSSON_LIBS)

sbin_PROGRAMS += hawserd
hawserd_SOURCES = src/supervisor/main.c
hawserd_CPPFLAGS = $(libhawser_supervisor_a_CPPFLAGS)
hawserd_LDADD = $(HAWSER_SUPERVISOR_LIBS)
