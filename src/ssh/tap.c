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

static bool live;

/* Names that the linker gives and asks for (--wrap). */
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

int
__wrap__libssh2_packet_add(LIBSSH2_SESSION *session, unsigned char *data,
    size_t n, int macstate, uint32_t seq)
{
	struct tap *tap = session->abstract;

	live = true;
	/*
	 * While packAdd_state is not idle, libssh2 resumes a packet that it
	 * began before: not a new one.
	 */
	if (macstate != LIBSSH2_MAC_CONFIRMED || n == 0 ||
	    session->packAdd_state != libssh2_NB_state_idle)
		return __real__libssh2_packet_add(session, data, n, macstate,
		    seq);
	if (keeps_too_many(session)) {
		free(data);
		tap->on_excess(tap);
		return LIBSSH2_ERROR_PROTO;
	}
	if (data[0] == MSG_KEXINIT) {
		if (!tap->on_kexinit(tap, data, n)) {
			free(data);
			return LIBSSH2_ERROR_KEX_FAILURE;
		}
		tap->exchanging = true;
	} else if (data[0] == MSG_NEWKEYS) {
		tap->exchanging = false;
	}
	if (data[0] < MSG_GLOBAL_REQUEST)
		return __real__libssh2_packet_add(session, data, n, macstate,
		    seq);
	if (!(session->state & LIBSSH2_STATE_AUTHENTICATED)) {
		/* RFC 4252 6: nothing from 80 upwards before success. */
		free(data);
		return LIBSSH2_ERROR_PROTO;
	}
	tap->on_packet(tap, data, n);
	free(data);
	return 0;
}

bool
tap_is_live(void)
{
	return live;
}
