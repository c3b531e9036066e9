# SPDX-License-Identifier: ISC

noinst_LIBRARIES += libhawser_ssh.a
libhawser_ssh_a_SOURCES = \
	src/ssh/agent.c \
	src/ssh/agent_reply.c \
	src/ssh/auth.c \
	src/ssh/auth_ask.c \
	src/ssh/auth_interactive.c \
	src/ssh/auth_key.c \
	src/ssh/auth_password.c \
	src/ssh/auth_prompt.c \
	src/ssh/auth_wire.c \
	src/ssh/bytebuf.c \
	src/ssh/channel.c \
	src/ssh/channel_data.c \
	src/ssh/channel_in.c \
	src/ssh/cipher.c \
	src/ssh/connection.c \
	src/ssh/ecdh.c \
	src/ssh/host_cert.c \
	src/ssh/host_key.c \
	src/ssh/host_key_method.c \
	src/ssh/identity.c \
	src/ssh/kexinit.c \
	src/ssh/key_list.c \
	src/ssh/key_verify.c \
	src/ssh/keyring.c \
	src/ssh/known_hosts.c \
	src/ssh/packet.c \
	src/ssh/private_key.c \
	src/ssh/public_key.c \
	src/ssh/record.c \
	src/ssh/request.c \
	src/ssh/revoked_keys.c \
	src/ssh/secret.c \
	src/ssh/signature.c \
	src/ssh/tap.c \
	src/ssh/transport.c \
	src/ssh/transport_loop.c \
	src/ssh/trusted_file.c \
	src/ssh/window.c \
	src/ssh/wipe.c \
	src/ssh/agent.h \
	src/ssh/agent_reply.h \
	src/ssh/auth.h \
	src/ssh/auth_impl.h \
	src/ssh/bytebuf.h \
	src/ssh/cipher.h \
	src/ssh/cipher_impl.h \
	src/ssh/connection.h \
	src/ssh/connection_impl.h \
	src/ssh/host_cert.h \
	src/ssh/host_key.h \
	src/ssh/identity.h \
	src/ssh/kexinit.h \
	src/ssh/key_list.h \
	src/ssh/key_verify.h \
	src/ssh/keyring.h \
	src/ssh/known_hosts.h \
	src/ssh/packet.h \
	src/ssh/private_key.h \
	src/ssh/public_key.h \
	src/ssh/record.h \
	src/ssh/revoked_keys.h \
	src/ssh/secret.h \
	src/ssh/session.h \
	src/ssh/signature.h \
	src/ssh/tap.h \
	src/ssh/transport.h \
	src/ssh/transport_impl.h \
	src/ssh/trusted_file.h \
	src/ssh/window.h \
	src/ssh/wipe.h
# libssh2's own headers are reached with <>: "packet.h" would be ours.
libhawser_ssh_a_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_INTERNAL_CPPFLAGS) \
	$(CRYPTO_CFLAGS) $(JANSSON_CFLAGS) $(EVENT_CFLAGS)

# What a program or test that uses this folder links, and its linker flags: the
# files that answer in libssh2's place are taken even if only libssh2, which
# the linker reads later, asks for them.
HAWSER_SSH_LIBS = libhawser_ssh.a $(HAWSER_IPC_LIBS) $(LIBSSH2_LIBS) \
	$(EVENT_LIBS)
HAWSER_SSH_LINK = $(AM_LDFLAGS) $(LIBSSH2_WRAP_LDFLAGS) \
	-Wl,-u,__wrap__libssh2_packet_add \
	-Wl,-u,__wrap_libssh2_crypt_methods \
	-Wl,-u,__wrap__libssh2_ecdh_gen_k
