# SPDX-License-Identifier: ISC
#
# Fuzzers are built by `CC=clang ./configure --enable-fuzzers`, and run for some
# seconds each by scripts/test. The pattern:
#
#	fuzzers += tests/fuzz/fuzz_sshconf
#	tests_fuzz_fuzz_sshconf_SOURCES = tests/fuzz/fuzz_sshconf.c
#	tests_fuzz_fuzz_sshconf_LDADD = $(HAWSER_CONFIG_LIBS)
#	tests_fuzz_fuzz_sshconf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
#
# The folder tests/fuzz/fuzz_sshconf.corpus, if there is one, holds its seeds.

fuzzers =
EXTRA_DIST += tests/fuzz/fuzz.h

fuzzers += tests/fuzz/fuzz_agent
tests_fuzz_fuzz_agent_SOURCES = tests/fuzz/fuzz_agent.c
tests_fuzz_fuzz_agent_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_agent_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_connection
tests_fuzz_fuzz_connection_SOURCES = tests/fuzz/fuzz_connection.c \
	tests/fuzz/player.c tests/fuzz/player.h \
	tests/fuzz/referee.c tests/fuzz/referee.h \
	tests/unit/fake_transport.c tests/unit/fake_transport.h
tests_fuzz_fuzz_connection_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_connection_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_endpoint
tests_fuzz_fuzz_endpoint_SOURCES = tests/fuzz/fuzz_endpoint.c
tests_fuzz_fuzz_endpoint_LDADD = $(HAWSER_BASE_LIBS)
tests_fuzz_fuzz_endpoint_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_forwarded
tests_fuzz_fuzz_forwarded_SOURCES = tests/fuzz/fuzz_forwarded.c
tests_fuzz_fuzz_forwarded_LDADD = $(HAWSER_WORKER_LIBS)
tests_fuzz_fuzz_forwarded_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_fwdspec
tests_fuzz_fuzz_fwdspec_SOURCES = tests/fuzz/fuzz_fwdspec.c
tests_fuzz_fuzz_fwdspec_LDADD = $(HAWSER_CONFIG_LIBS)
tests_fuzz_fuzz_fwdspec_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_host_cert
tests_fuzz_fuzz_host_cert_SOURCES = tests/fuzz/fuzz_host_cert.c
tests_fuzz_fuzz_host_cert_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_host_cert_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_key_list
tests_fuzz_fuzz_key_list_SOURCES = tests/fuzz/fuzz_key_list.c
tests_fuzz_fuzz_key_list_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_key_list_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_kexinit
tests_fuzz_fuzz_kexinit_SOURCES = tests/fuzz/fuzz_kexinit.c
tests_fuzz_fuzz_kexinit_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_kexinit_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_known_hosts
tests_fuzz_fuzz_known_hosts_SOURCES = tests/fuzz/fuzz_known_hosts.c
tests_fuzz_fuzz_known_hosts_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_known_hosts_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_message
tests_fuzz_fuzz_message_SOURCES = tests/fuzz/fuzz_message.c
tests_fuzz_fuzz_message_LDADD = $(HAWSER_IPC_LIBS)
tests_fuzz_fuzz_message_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_way
tests_fuzz_fuzz_way_SOURCES = tests/fuzz/fuzz_way.c
tests_fuzz_fuzz_way_LDADD = $(HAWSER_SUPERVISOR_LIBS)
tests_fuzz_fuzz_way_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_packet
tests_fuzz_fuzz_packet_SOURCES = tests/fuzz/fuzz_packet.c
tests_fuzz_fuzz_packet_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_packet_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_prompts
tests_fuzz_fuzz_prompts_SOURCES = tests/fuzz/fuzz_prompts.c
tests_fuzz_fuzz_prompts_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS)
tests_fuzz_fuzz_prompts_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_prompts_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_revoked_keys
tests_fuzz_fuzz_revoked_keys_SOURCES = tests/fuzz/fuzz_revoked_keys.c
tests_fuzz_fuzz_revoked_keys_LDADD = $(HAWSER_SSH_LIBS)
tests_fuzz_fuzz_revoked_keys_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_socks
tests_fuzz_fuzz_socks_SOURCES = tests/fuzz/fuzz_socks.c
tests_fuzz_fuzz_socks_LDADD = $(HAWSER_WORKER_LIBS)
tests_fuzz_fuzz_socks_LDFLAGS = $(HAWSER_SSH_LINK) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_sshconf
tests_fuzz_fuzz_sshconf_SOURCES = tests/fuzz/fuzz_sshconf.c
tests_fuzz_fuzz_sshconf_LDADD = $(HAWSER_CONFIG_LIBS)
tests_fuzz_fuzz_sshconf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_document
tests_fuzz_fuzz_document_SOURCES = tests/fuzz/fuzz_document.c
tests_fuzz_fuzz_document_LDADD = $(HAWSER_CONFIG_LIBS)
tests_fuzz_fuzz_document_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_ini
tests_fuzz_fuzz_ini_SOURCES = tests/fuzz/fuzz_ini.c
tests_fuzz_fuzz_ini_LDADD = $(HAWSER_CONFIG_LIBS)
tests_fuzz_fuzz_ini_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

fuzzers += tests/fuzz/fuzz_yaml
tests_fuzz_fuzz_yaml_SOURCES = tests/fuzz/fuzz_yaml.c
tests_fuzz_fuzz_yaml_LDADD = $(HAWSER_CONFIG_LIBS)
tests_fuzz_fuzz_yaml_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

if FUZZERS
noinst_PROGRAMS += $(fuzzers)
endif
