# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_ssh.a
libhawser_ssh_a_SOURCES =
# libssh2's own headers are reached with <>: "packet.h" would be ours.
libhawser_ssh_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_INTERNAL_CPPFLAGS) \
	$(CRYPTO_CFLAGS) $(JANSSON_CFLAGS)

# What a program or test that uses this folder links, and its linker flags.
HAWSER_SSH_LIBS = libhawser_ssh.a $(HAWSER_IPC_LIBS) $(LIBSSH2_LIBS)
HAWSER_SSH_LINK = $(AM_LDFLAGS) $(LIBSSH2_WRAP_LDFLAGS)
