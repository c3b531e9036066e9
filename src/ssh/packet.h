/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SSH_PACKET_H
#define HAWSER_SSH_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * packet: reading and building SSH packets (the types of RFC 4251 5). No I/O.
 */

/* The messages of RFC 4254 9, and those below it that we send or see. */
enum {
	MSG_DISCONNECT = 1,
	MSG_IGNORE = 2,
	MSG_UNIMPLEMENTED = 3,
	MSG_DEBUG = 4,
	MSG_EXT_INFO = 7,		/* RFC 8308 */
	MSG_KEXINIT = 20,
	MSG_NEWKEYS = 21,
	MSG_KEX_FIRST = 30,		/* what a key exchange is made of */
	MSG_KEX_LAST = 49,
	MSG_USERAUTH_REQUEST = 50,
	MSG_USERAUTH_FAILURE = 51,
	MSG_USERAUTH_SUCCESS = 52,
	MSG_USERAUTH_BANNER = 53,
	MSG_USERAUTH_METHOD = 60,	/* what 60 and 61 mean depends on the
					   method of the last request */
	MSG_USERAUTH_RESPONSE = 61,
	MSG_GLOBAL_REQUEST = 80,
	MSG_REQUEST_SUCCESS = 81,
	MSG_REQUEST_FAILURE = 82,
	MSG_CHANNEL_OPEN = 90,
	MSG_CHANNEL_OPEN_CONFIRMATION = 91,
	MSG_CHANNEL_OPEN_FAILURE = 92,
	MSG_CHANNEL_WINDOW_ADJUST = 93,
	MSG_CHANNEL_DATA = 94,
	MSG_CHANNEL_EXTENDED_DATA = 95,
	MSG_CHANNEL_EOF = 96,
	MSG_CHANNEL_CLOSE = 97,
	MSG_CHANNEL_REQUEST = 98,
	MSG_CHANNEL_SUCCESS = 99,
	MSG_CHANNEL_FAILURE = 100,
};

/*
 * A reader over borrowed bytes. After the first value that does not fit,
 * broken is set, and every value is 0 or empty; check once, at the end.
 */
struct reader {
	const uint8_t *p;
	size_t left;
	bool broken;
};

void reader_init(struct reader *, const uint8_t *bytes, size_t n);
uint8_t reader_u8(struct reader *);
bool reader_bool(struct reader *);
uint32_t reader_u32(struct reader *);
uint64_t reader_u64(struct reader *);
/* Points into the reader's bytes. */
const uint8_t *reader_string(struct reader *, size_t *len);
void reader_skip(struct reader *, size_t n);

/*
 * Copies a string for people and comparisons: cut to size - 1 bytes, control
 * and non-ASCII bytes replaced by '?'. Always NUL-terminated.
 */
void reader_text(struct reader *, char *out, size_t size);

/* A packet being built: grows on the heap; packet_free when done. */
struct packet {
	uint8_t *bytes;
	size_t len;
	size_t size;
	struct packet *next;	/* for the owner's queue */
};

/* New, with the message number as its first byte. */
struct packet *packet_new(uint8_t msg);
void packet_free(struct packet *);
void packet_u8(struct packet *, uint8_t);
void packet_u32(struct packet *, uint32_t);
void packet_string(struct packet *, const void *bytes, size_t n);
void packet_cstring(struct packet *, const char *text);
/* As they are, without a length before them. */
void packet_bytes(struct packet *, const void *bytes, size_t n);

/* Stores a number in network order. */
void packet_store_u32(uint8_t *out, uint32_t n);

#endif
