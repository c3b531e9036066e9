/* SPDX-License-Identifier: ISC */
#include "referee.h"

#include "fuzz.h"
#include "ssh/packet.h"

static void
on_server_open(struct referee *f, struct reader *r)
{
	size_t n;
	uint32_t peer;

	reader_string(r, &n);		/* the type */
	peer = reader_u32(r);
	f->opens_asked++;
	if (peer < REFEREE_PEERS)
		f->granted[peer] += reader_u32(r);
}

static void
on_server_confirmation(struct referee *f, struct reader *r)
{
	uint32_t id = reader_u32(r), peer = reader_u32(r);

	if (peer < REFEREE_PEERS) {
		f->opens[peer]++;
		f->granted[peer] += reader_u32(r);
	}
	if (id < REFEREE_IDS)
		f->peer_of[id] = peer < REFEREE_PEERS ?
		    (uint8_t)(peer + 1) : 0;
}

static void
on_server_adjust(struct referee *f, struct reader *r)
{
	uint32_t id = reader_u32(r), n = reader_u32(r);

	if (id < REFEREE_IDS && f->peer_of[id] > 0)
		f->granted[f->peer_of[id] - 1] += n;
}

void
referee_hear_server(struct referee *f, const uint8_t *bytes, size_t n)
{
	struct reader r;
	size_t len;

	f->packets++;
	reader_init(&r, bytes + 1, n - 1);
	switch (bytes[0]) {
	case MSG_GLOBAL_REQUEST:
		reader_string(&r, &len);
		f->asked += reader_bool(&r);
		break;
	case MSG_CHANNEL_OPEN:
		on_server_open(f, &r);
		break;
	case MSG_CHANNEL_OPEN_CONFIRMATION:
		on_server_confirmation(f, &r);
		break;
	case MSG_CHANNEL_WINDOW_ADJUST:
		on_server_adjust(f, &r);
		break;
	default:
		break;
	}
}

/* About a channel that is open as far as the server can know. */
static void
on_channel(struct referee *f, uint8_t msg, struct reader *r)
{
	uint32_t peer = reader_u32(r);
	size_t n;

	if (msg == MSG_CHANNEL_DATA)
		reader_string(r, &n);
	FUZZ_CHECK(!r->broken);
	if (peer >= REFEREE_PEERS || f->is_lenient)
		return;
	FUZZ_CHECK(f->opens[peer] > f->closes[peer]);
	if (msg == MSG_CHANNEL_DATA) {
		f->sent[peer] += n;
		FUZZ_CHECK(n > 0 && f->sent[peer] <= f->granted[peer]);
	} else if (msg == MSG_CHANNEL_CLOSE) {
		f->closes[peer]++;
	}
}

static void
on_confirmation(struct referee *f, struct reader *r)
{
	uint32_t peer = reader_u32(r), id = reader_u32(r);

	FUZZ_CHECK(!r->broken);
	if (peer < REFEREE_PEERS)
		f->opens[peer]++;
	if (id < REFEREE_IDS)
		f->peer_of[id] = peer < REFEREE_PEERS ?
		    (uint8_t)(peer + 1) : 0;
}

void
referee_hear_us(struct referee *f, const uint8_t *bytes, size_t n)
{
	struct reader r;

	reader_init(&r, bytes + 1, n - 1);
	switch (bytes[0]) {
	case MSG_UNIMPLEMENTED:
		FUZZ_CHECK(reader_u32(&r) < f->packets && !r.broken);
		break;
	case MSG_GLOBAL_REQUEST:
	case MSG_CHANNEL_OPEN:
		break;
	case MSG_REQUEST_FAILURE:
		FUZZ_CHECK(++f->answered <= f->asked);
		break;
	case MSG_CHANNEL_OPEN_CONFIRMATION:
		on_confirmation(f, &r);
		break;
	case MSG_CHANNEL_OPEN_FAILURE:
		FUZZ_CHECK(++f->opens_refused <= f->opens_asked);
		break;
	case MSG_CHANNEL_WINDOW_ADJUST:
	case MSG_CHANNEL_DATA:
	case MSG_CHANNEL_EOF:
	case MSG_CHANNEL_CLOSE:
	case MSG_CHANNEL_REQUEST:
	case MSG_CHANNEL_FAILURE:
		on_channel(f, bytes[0], &r);
		break;
	default:
		FUZZ_CHECK(!"a message that we never send");
	}
}
