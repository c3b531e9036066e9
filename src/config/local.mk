# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_config.a
libhawser_config_a_SOURCES =
libhawser_config_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links.
HAWSER_CONFIG_LIBS = libhawser_config.a $(HAWSER_IPC_LIBS)
