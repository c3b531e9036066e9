# SPDX-License-Identifier: ISC

fake_peer = tests/unit/fake_peer.c tests/unit/fake_peer.h \
	tests/unit/fake_transport.c tests/unit/fake_transport.h

unit_tests += tests/unit/test_agent
tests_unit_test_agent_SOURCES = tests/unit/test_agent.c
tests_unit_test_agent_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_agent_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_auth
tests_unit_test_auth_SOURCES = tests/unit/test_auth.c \
	tests/unit/sshd.c tests/unit/sshd.h
tests_unit_test_auth_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_auth_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_auth_dialogue
tests_unit_test_auth_dialogue_SOURCES = tests/unit/test_auth_dialogue.c
tests_unit_test_auth_dialogue_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS)
tests_unit_test_auth_dialogue_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_auth_dialogue_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_auth_keys
tests_unit_test_auth_keys_SOURCES = tests/unit/test_auth_keys.c \
	tests/unit/sshd.c tests/unit/sshd.h
tests_unit_test_auth_keys_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_auth_keys_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_auth_secret
tests_unit_test_auth_secret_SOURCES = tests/unit/test_auth_secret.c \
	tests/unit/sshd.c tests/unit/sshd.h
tests_unit_test_auth_secret_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_auth_secret_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_channel
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c \
	$(fake_peer)
tests_unit_test_channel_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_channel_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_channel_free
tests_unit_test_channel_free_SOURCES = tests/unit/test_channel_free.c \
	$(fake_peer)
tests_unit_test_channel_free_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_channel_free_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_channel_open
tests_unit_test_channel_open_SOURCES = tests/unit/test_channel_open.c \
	$(fake_peer)
tests_unit_test_channel_open_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_channel_open_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_cipher
tests_unit_test_cipher_SOURCES = tests/unit/test_cipher.c
tests_unit_test_cipher_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_INTERNAL_CPPFLAGS)
tests_unit_test_cipher_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_cipher_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_host_cert
tests_unit_test_host_cert_SOURCES = tests/unit/test_host_cert.c
tests_unit_test_host_cert_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_host_cert_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_host_key
tests_unit_test_host_key_SOURCES = tests/unit/test_host_key.c
tests_unit_test_host_key_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_host_key_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_identity
tests_unit_test_identity_SOURCES = tests/unit/test_identity.c
tests_unit_test_identity_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_identity_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_kexinit
tests_unit_test_kexinit_SOURCES = tests/unit/test_kexinit.c
tests_unit_test_kexinit_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_kexinit_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_key_list
tests_unit_test_key_list_SOURCES = tests/unit/test_key_list.c
tests_unit_test_key_list_CPPFLAGS = $(AM_CPPFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_key_list_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_key_list_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_known_hosts
tests_unit_test_known_hosts_SOURCES = tests/unit/test_known_hosts.c
tests_unit_test_known_hosts_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_known_hosts_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_packet
tests_unit_test_packet_SOURCES = tests/unit/test_packet.c
tests_unit_test_packet_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_packet_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_record
tests_unit_test_record_SOURCES = tests/unit/test_record.c
tests_unit_test_record_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_INTERNAL_CPPFLAGS)
tests_unit_test_record_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_record_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_request
tests_unit_test_request_SOURCES = tests/unit/test_request.c \
	$(fake_peer)
tests_unit_test_request_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_request_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_revoked_keys
tests_unit_test_revoked_keys_SOURCES = tests/unit/test_revoked_keys.c
tests_unit_test_revoked_keys_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_revoked_keys_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_signature
tests_unit_test_signature_SOURCES = tests/unit/test_signature.c
tests_unit_test_signature_CPPFLAGS = $(AM_CPPFLAGS) \
	$(LIBSSH2_INTERNAL_CPPFLAGS)
tests_unit_test_signature_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_signature_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_transport
tests_unit_test_transport_SOURCES = tests/unit/test_transport.c \
	tests/unit/scripted.c tests/unit/scripted.h
tests_unit_test_transport_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS)
tests_unit_test_transport_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_transport_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_transport_kex
tests_unit_test_transport_kex_SOURCES = tests/unit/test_transport_kex.c \
	tests/unit/scripted.c tests/unit/scripted.h
tests_unit_test_transport_kex_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS)
tests_unit_test_transport_kex_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_transport_kex_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_transport_loop
tests_unit_test_transport_loop_SOURCES = tests/unit/test_transport_loop.c \
	tests/unit/sshd.c tests/unit/sshd.h
tests_unit_test_transport_loop_CPPFLAGS = $(AM_CPPFLAGS) $(LIBSSH2_CPPFLAGS) \
	$(EVENT_CFLAGS)
tests_unit_test_transport_loop_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_transport_loop_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_window
tests_unit_test_window_SOURCES = tests/unit/test_window.c
tests_unit_test_window_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_window_LDFLAGS = $(HAWSER_SSH_LINK)

unit_tests += tests/unit/test_hand_over
tests_unit_test_hand_over_SOURCES = tests/unit/test_hand_over.c \
	$(fake_peer)
tests_unit_test_hand_over_LDADD = $(HAWSER_SSH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_hand_over_LDFLAGS = $(HAWSER_SSH_LINK)
