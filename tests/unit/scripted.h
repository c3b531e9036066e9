/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_UNIT_SCRIPTED_H
#define HAWSER_TESTS_UNIT_SCRIPTED_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "ssh/packet.h"
#include "ssh/transport.h"

/*
 * scripted: a server that is a script in a child process, at the other end of
 * a TCP connection on loopback, and the handshake with it, which fails.
 */

#define SCRIPTED_BANNER	"SSH-2.0-Test_1\r\n"

/* For scripts: says bytes; the child ends if the client has heard enough. */
void say(int fd, const void *bytes, size_t n);
void say_banner(int fd);

/* Until the client hangs up. */
void listen_only(int fd);

/* A packet as before there are keys (RFC 4253 6). Takes p. */
void say_packet(int fd, struct packet *p);

/* The whole life of a server that says one packet. Takes p. */
void say_only(int fd, struct packet *p);

/* One unit of text after the other, without end. */
void flood(int fd, const char *unit);

/* One test's world. */
struct world {
	struct transport *t;
	pid_t pid;
	struct err err;			/* of the handshake */
	const char *host_key_types;
	int64_t deadline_ms;		/* from now */
	int begun;			/* calls of transport_on_kex's */
};
extern struct world w;

/* For cmocka's fixtures: one test's, and the program's. */
int scripted_setup(void **state);
int scripted_teardown(void **state);
int scripted_begin(void **state);
int scripted_end(void **state);

/* Connects w.t to a child that does script. */
void start(void (*script)(int fd));

/* Connects w.t to a socket pair; new: its other end. */
int start_pipe(void);

/* The handshake, which must fail. */
void shake(void);

/* The handshake with script must fail like this. */
void fails(void (*script)(int fd), enum err_code code, const char *text);

#endif
