/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_HOP_H
#define HAWSER_CONFIG_HOP_H

#include <stdint.h>

/*
 * hop: one host of a ProxyJump list: "[user@]host[:port]" or
 * "ssh://[user@]host[:port]".
 */
struct hop {
	const char *user, *host;	/* in the text; user or NULL */
	uint16_t port;			/* 0: none given */
};

/* Cuts text, which must outlive out. 0, or -1 if it isn't a hop. */
int hop_cut(struct hop *out, char *text);

/* New: the hop as ssh -G prints it, numeric addresses in brackets. */
char *hop_format(const struct hop *);

#endif
