/* SPDX-License-Identifier: ISC */
#include "worker/socks.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* RFC 1928, 3 and 6 */
#define V5_NO_AUTH		0x00
#define V5_NO_METHOD		0xff
#define V5_COMMAND_UNKNOWN	0x07
#define V5_ADDRESS_UNKNOWN	0x08
#define V5_IPV4			1
#define V5_NAME			3
#define V5_IPV6			4
#define V4_GRANTED		0x5a
#define V4_REJECTED		0x5b
#define CONNECT			1

/* Codes on the wire. SOCKS 4 knows only yes and no. */
static const struct {
	uint8_t v5;
	uint8_t v4;
} answers[] = {
	[SOCKS_GRANTED] = { 0x00, V4_GRANTED },
	[SOCKS_FAILED] = { 0x01, V4_REJECTED },
	[SOCKS_PROHIBITED] = { 0x02, V4_REJECTED },
	[SOCKS_UNREACHABLE] = { 0x04, V4_REJECTED },
	[SOCKS_REFUSED] = { 0x05, V4_REJECTED },
};
static_assert(sizeof(answers) / sizeof(answers[0]) == SOCKS_ANSWER_COUNT,
    "one row per answer");

/* A client that sends all at once gets both SOCKS 5 replies at once. */
static void
add_reply(struct socks *s, const uint8_t *bytes, size_t n)
{
	assert(s->reply_len + n <= sizeof(s->reply));
	memcpy(s->reply + s->reply_len, bytes, n);
	s->reply_len += n;
}

static void
reply_v5(struct socks *s, uint8_t code)
{
	/* The bound address is nobody's business: 0.0.0.0:0. */
	add_reply(s, (uint8_t[10]){ 5, code, 0, V5_IPV4 }, 10);
}

static void
reply_v4(struct socks *s, uint8_t code)
{
	add_reply(s, (uint8_t[8]){ 0, code }, 8);
}

void
socks_answer(struct socks *s, enum socks_answer answer)
{
	if (s->version == 4)
		reply_v4(s, answers[answer].v4);
	else
		reply_v5(s, answers[answer].v5);
}

static enum socks_verdict
refuse(struct socks *s)
{
	socks_answer(s, SOCKS_FAILED);
	return SOCKS_BAD;
}

static void
get_literal(struct socks *s, int family, size_t at)
{
	inet_ntop(family, s->bytes + at, s->host, sizeof(s->host));
}

static void
get_port(struct socks *s, size_t at)
{
	s->port = (uint16_t)(s->bytes[at] << 8 | s->bytes[at + 1]);
}

/* A name of n bytes, if it is one that may be asked for. */
static enum socks_verdict
get_name(struct socks *s, size_t at, size_t n)
{
	if (n == 0 || n > SOCKS_HOST_MAX ||
	    memchr(s->bytes + at, '\0', n) != NULL)
		return refuse(s);
	memcpy(s->host, s->bytes + at, n);
	s->host[n] = '\0';
	return SOCKS_CONNECT;
}

/* The whole SOCKS 4 request is there; name_at is 0 without a name. */
static enum socks_verdict
finish_v4(struct socks *s)
{
	get_port(s, 2);
	if (s->bytes[1] != CONNECT || s->port == 0)
		return refuse(s);
	if (s->name_at != 0)
		return get_name(s, s->name_at, s->have - 1 - s->name_at);
	get_literal(s, AF_INET, 4);
	return SOCKS_CONNECT;
}

static enum socks_verdict
read_v4_name(struct socks *s)
{
	if (s->bytes[s->have - 1] == '\0')
		return finish_v4(s);
	if (s->have - s->name_at > SOCKS_HOST_MAX)
		return refuse(s);
	s->need = s->have + 1;
	return SOCKS_MORE;
}

static enum socks_verdict
read_v4_user(struct socks *s)
{
	const uint8_t *ip = s->bytes + 4;

	s->need = s->have + 1;
	if (s->bytes[s->have - 1] != '\0')
		return s->have - 8 > SOCKS_USER_MAX ? SOCKS_BAD : SOCKS_MORE;
	/* 4a: the address 0.0.0.x, x not 0, says that a name follows. */
	if (ip[0] != 0 || ip[1] != 0 || ip[2] != 0 || ip[3] == 0)
		return finish_v4(s);
	s->name_at = s->have;
	s->stage = read_v4_name;
	return SOCKS_MORE;
}

static enum socks_verdict
read_v4_fixed(struct socks *s)
{
	s->stage = read_v4_user;
	s->need = s->have + 1;
	return SOCKS_MORE;
}

static enum socks_verdict
finish_v5(struct socks *s)
{
	enum socks_verdict verdict = SOCKS_CONNECT;

	if (s->bytes[1] != CONNECT) {
		reply_v5(s, V5_COMMAND_UNKNOWN);
		return SOCKS_BAD;
	}
	get_port(s, s->have - 2);
	if (s->port == 0)
		return refuse(s);
	if (s->bytes[3] == V5_NAME)
		verdict = get_name(s, 5, s->bytes[4]);
	else
		get_literal(s, s->bytes[3] == V5_IPV4 ? AF_INET : AF_INET6, 4);
	return verdict;
}

static enum socks_verdict
wait_v5(struct socks *s, size_t need)
{
	s->need = need;
	return s->have == need ? finish_v5(s) : SOCKS_MORE;
}

static enum socks_verdict
read_v5_request(struct socks *s)
{
	if (s->bytes[0] != 5)
		return SOCKS_BAD;
	switch (s->bytes[3]) {
	case V5_IPV4:
		return wait_v5(s, 4 + 4 + 2);
	case V5_IPV6:
		return wait_v5(s, 4 + 16 + 2);
	case V5_NAME:
		if (s->have < 5) {
			s->need = 5;
			return SOCKS_MORE;
		}
		return wait_v5(s, 5 + (size_t)s->bytes[4] + 2);
	default:
		reply_v5(s, s->bytes[1] == CONNECT ?
		    V5_ADDRESS_UNKNOWN : V5_COMMAND_UNKNOWN);
		return SOCKS_BAD;
	}
}

static enum socks_verdict
read_v5_methods(struct socks *s)
{
	size_t all = 2 + (size_t)s->bytes[1];
	uint8_t method = V5_NO_METHOD;

	if (s->have < all) {
		s->need = all;
		return SOCKS_MORE;
	}
	if (memchr(s->bytes + 2, V5_NO_AUTH, all - 2) != NULL)
		method = V5_NO_AUTH;
	add_reply(s, (uint8_t[2]){ 5, method }, 2);
	s->stage = read_v5_request;
	s->have = 0;
	s->need = 4;
	return method == V5_NO_AUTH ? SOCKS_MORE : SOCKS_BAD;
}

static enum socks_verdict
read_version(struct socks *s)
{
	s->version = s->bytes[0];
	if (s->version == 4) {
		s->stage = read_v4_fixed;
		s->need = 8;
		return SOCKS_MORE;
	}
	if (s->version == 5) {
		s->stage = read_v5_methods;
		s->need = 2;
		return SOCKS_MORE;
	}
	return SOCKS_BAD;
}

void
socks_init(struct socks *s)
{
	memset(s, 0, sizeof(*s));
	s->stage = read_version;
	s->need = 1;
}

enum socks_verdict
socks_feed(struct socks *s, const uint8_t *bytes, size_t n, size_t *used)
{
	enum socks_verdict verdict = SOCKS_MORE;

	*used = 0;
	while (verdict == SOCKS_MORE && *used < n) {
		size_t part = s->need - s->have;

		if (part > n - *used)
			part = n - *used;
		memcpy(s->bytes + s->have, bytes + *used, part);
		s->have += part;
		*used += part;
		if (s->have == s->need)
			verdict = s->stage(s);
		assert(verdict != SOCKS_MORE || s->need > s->have ||
		    *used == n);
		assert(s->need <= sizeof(s->bytes));
	}
	return verdict;
}

size_t
socks_take_reply(struct socks *s, const uint8_t **bytes)
{
	size_t n = s->reply_len;

	*bytes = s->reply;
	s->reply_len = 0;
	return n;
}
