# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_ipc.a
libhawser_ipc_a_SOURCES = \
	src/ipc/end.c \
	src/ipc/hostkey.c \
	src/ipc/message.c \
	src/ipc/order.c \
	src/ipc/secret.c \
	src/ipc/targets.c \
	src/ipc/end.h \
	src/ipc/hostkey.h \
	src/ipc/message.h \
	src/ipc/order.h \
	src/ipc/secret.h \
	src/ipc/targets.h
libhawser_ipc_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_IPC_LIBS = libhawser_ipc.a $(HAWSER_BASE_LIBS) $(JANSSON_LIBS)
