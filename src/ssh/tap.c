/* SPDX-License-Identifier: ISC */
#include "ssh/tap.h"

#include <libssh2_priv.h>

#include <stdlib.h>

#include "ssh/packet.h"

/*
 * Packets that libssh2 keeps until somebody asks for them. A handshake needs
 * a few at a time; those that nobody will ever ask for stay for good.
 */
#define KEPT_MAX	256

/* Were both functions called in libssh2's place? */
static bool adds_live, reads_live;

/* Names that the linker gives and asks for (--wrap). */
int __real__libssh2_transport_read(LIBSSH2_SESSION *);
int __wrap__libssh2_transport_read(LIBSSH2_SESSION *);
int __real__libssh2_packet_add(LIBSSH2_SESSION *, unsigned char *, size_t,
    int, uint32_t);
int __wrap__libssh2_packet_add(LIBSSH2_SESSION *, unsigned char *, size_t,
    int, uint32_t);

static bool
keeps_too_many(LIBSSH2_SESSION *session)
{
	struct list_node *node = _libssh2_list_first(&session->packets);
	int n = 0;

	for (; node != NULL && n < KEPT_MAX; node = _libssh2_list_next(node))
		n++;
	return n == KEPT_MAX;
}

/* Does the transport still want it once the user is authenticated? */
static bool
is_transports(const struct tap *tap, uint8_t msg)
{
	switch (msg) {
	case MSG_DISCONNECT:
	case MSG_IGNORE:
	case MSG_DEBUG:
	case MSG_EXT_INFO:
	case MSG_KEXINIT:
	case MSG_NEWKEYS:
		return true;
	default:
		return tap->exchanging && msg >= MSG_KEX_FIRST &&
		    msg <= MSG_KEX_LAST;
	}
}

/* What no server may send now: a sentence; NULL if it may. */
static const char *
find_fault(LIBSSH2_SESSION *session, const struct tap *tap,
    const uint8_t *data, size_t n)
{
	const uint8_t msg = n > 0 ? data[0] : 0;

	if (n == 0)
		/* libssh2 would take its padding for a message's number. */
		return "the server sent a packet without a message";
	if (msg == MSG_KEXINIT && tap->exchanging)
		/* RFC 4253 7.1; and the host key would still be in use. */
		return "the server began a key exchange inside another";
	if (msg == MSG_NEWKEYS && !tap->exchanging)
		return "the server took new keys that nobody had exchanged";
	if (msg > MSG_KEX_LAST && !(session->state & LIBSSH2_STATE_NEWKEYS))
		return "the server went on before keys were exchanged";
	if (msg >= MSG_GLOBAL_REQUEST &&
	    !(session->state & LIBSSH2_STATE_AUTHENTICATED))
		/* RFC 4252 6 */
		return "the server went on before the user was authenticated";
	if (keeps_too_many(session))
		return "the server sends what nobody asked for";
	return NULL;
}

int
__wrap__libssh2_packet_add(LIBSSH2_SESSION *session, unsigned char *data,
    size_t n, int macstate, uint32_t seq)
{
	struct tap *tap = session->abstract;
	const char *fault;

	adds_live = true;
	/*
	 * libssh2 forgets that it has given the packet away: when the next
	 * one's length is refused, it would free this one a second time.
	 */
	if (session->packet.payload == data)
		session->packet.payload = NULL;
	/*
	 * While packAdd_state is not idle, libssh2 resumes a packet that it
	 * began before: not a new one.
	 */
	if (macstate != LIBSSH2_MAC_CONFIRMED ||
	    session->packAdd_state != libssh2_NB_state_idle)
		return __real__libssh2_packet_add(session, data, n, macstate,
		    seq);
	if ((fault = find_fault(session, tap, data, n)) != NULL) {
		free(data);
		tap->on_break(tap, ERR_PROTOCOL, fault);
		return LIBSSH2_ERROR_PROTO;
	}
	if ((session->state & LIBSSH2_STATE_AUTHENTICATED) &&
	    !is_transports(tap, data[0])) {
		tap->on_packet(tap, seq, data, n);
		free(data);
		return 0;
	}
	/* Nobody shows it, and libssh2 would keep every one. */
	if (data[0] == MSG_USERAUTH_BANNER) {
		free(data);
		return 0;
	}
	if ((data[0] == MSG_KEXINIT && !tap->on_kexinit(tap, data, n)) ||
	    (data[0] == MSG_NEWKEYS && !tap->on_newkeys(tap))) {
		free(data);
		return LIBSSH2_ERROR_KEX_FAILURE;
	}
	if (data[0] == MSG_KEXINIT || data[0] == MSG_NEWKEYS)
		tap->exchanging = data[0] == MSG_KEXINIT;
	if (data[0] == MSG_USERAUTH_FAILURE)
		tap->on_auth_failure(tap, data, n);
	return __real__libssh2_packet_add(session, data, n, macstate, seq);
}

/* libssh2 forgets a packet that one of our ciphers refuses to open. */
static void
free_refused(LIBSSH2_SESSION *session, int rc)
{
	struct transportpacket *p = &session->packet;

	if (rc != LIBSSH2_ERROR_DECRYPT || p->total_num != 0 ||
	    session->remote.crypt == NULL || !(session->remote.crypt->flags &
	    LIBSSH2_CRYPT_FLAG_REQUIRES_FULL_PACKET))
		return;
	LIBSSH2_FREE(session, p->payload);
	p->payload = NULL;
}

/* A packet that is encrypted and not genuine: not the server's doing. */
static bool
is_altered(const LIBSSH2_SESSION *session, int rc)
{
	return (session->state & LIBSSH2_STATE_NEWKEYS) &&
	    session->remote.crypt_abstract != NULL &&
	    (rc == LIBSSH2_ERROR_INVALID_MAC || rc == LIBSSH2_ERROR_DECRYPT ||
	    rc == LIBSSH2_ERROR_OUT_OF_BOUNDARY);
}

int
__wrap__libssh2_transport_read(LIBSSH2_SESSION *session)
{
	struct tap *tap = session->abstract;
	int rc;

	reads_live = true;
	/* After an error, libssh2's reader would be lost inside a packet. */
	if (tap->broken != 0)
		return tap->broken;
	rc = __real__libssh2_transport_read(session);
	if (rc < 0 && rc != LIBSSH2_ERROR_EAGAIN) {
		tap->broken = rc;
		free_refused(session, rc);
		if (is_altered(session, rc))
			tap->on_break(tap, ERR_CORRUPT, TAP_ALTERED);
		else
			tap->on_break(tap, ERR_PROTOCOL, "a packet could not "
			    "be read");
	}
	return rc;
}

bool
tap_is_live(void)
{
	return adds_live && reads_live;
}
