/* SPDX-License-Identifier: ISC */
/*
 * delay: a TCP proxy that stands for a long line: every byte arrives MS
 * milliseconds later, each way, at any rate.
 *
 *	delay PORT MS	listens on 127.0.0.1, prints its port, passes
 *			connections on to PORT
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RING	((size_t)128 << 20)	/* bytes on the way */
#define PIECES	((size_t)1 << 16)	/* of one recv() each */
#define READ	((size_t)1 << 18)

/* One direction. Counters only grow; places in the rings are modulo. */
struct way {
	int from, to;
	uint8_t *ring;
	size_t in, out;			/* bytes */
	struct { double due; size_t end; } pieces[PIECES];
	size_t first, last;		/* pieces on the way */
	bool eof, shut;
};

static double delay_s;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct way *
way_new(int from, int to)
{
	struct way *w = calloc(1, sizeof(*w));

	if (w == NULL)
		err(1, "calloc");
	w->from = from;
	w->to = to;
	w->ring = mmap(NULL, RING, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (w->ring == MAP_FAILED)
		err(1, "mmap");
	return w;
}

static bool
has_room(const struct way *w)
{
	return !w->eof && w->in - w->out < RING &&
	    w->last - w->first < PIECES;
}

static void
take(struct way *w)
{
	size_t at = w->in % RING, room = RING - (w->in - w->out);
	ssize_t n;

	if (room > RING - at)
		room = RING - at;
	n = recv(w->from, w->ring + at, room < READ ? room : READ,
	    MSG_DONTWAIT);
	if (n == -1 && errno == EAGAIN)
		return;
	if (n == -1)
		exit(0);		/* a reset ends both */
	w->eof = n == 0;
	w->in += (size_t)n;
	w->pieces[w->last % PIECES].due = now() + delay_s;
	w->pieces[w->last++ % PIECES].end = w->in;
}

/* Passes on what is due. False if the receiver takes no more now. */
static bool
pass(struct way *w)
{
	while (w->first < w->last &&
	    w->pieces[w->first % PIECES].due <= now()) {
		size_t at = w->out % RING;
		size_t n = w->pieces[w->first % PIECES].end - w->out;
		ssize_t sent;

		if (n > RING - at)
			n = RING - at;
		sent = n == 0 ? 0 : send(w->to, w->ring + at, n,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent == -1 && errno == EAGAIN)
			return false;
		if (sent == -1)
			exit(0);
		w->out += (size_t)sent;
		if (w->out == w->pieces[w->first % PIECES].end)
			w->first++;
	}
	if (w->eof && w->first == w->last && !w->shut) {
		shutdown(w->to, SHUT_WR);
		w->shut = true;
	}
	return true;
}

/* Milliseconds until something is due; -1: nothing is on the way. */
static int
wait_ms(const struct way *w)
{
	double left;

	if (w->first == w->last)
		return -1;
	left = (w->pieces[w->first % PIECES].due - now()) * 1000;
	return left < 0 ? 0 : (int)left + 1;
}

static void
run(int near, int far)
{
	struct way *ways[2] = { way_new(near, far), way_new(far, near) };

	while (!ways[0]->shut || !ways[1]->shut) {
		struct pollfd p[2] = { { .fd = near }, { .fd = far } };
		int timeout = -1;

		for (int i = 0; i < 2; i++) {
			int ms;

			if (!pass(ways[i]))
				p[1 - i].events |= POLLOUT;
			else if ((ms = wait_ms(ways[i])) != -1 &&
			    (timeout == -1 || ms < timeout))
				timeout = ms;
			if (has_room(ways[i]))
				p[i].events |= POLLIN;
		}
		if (poll(p, 2, timeout) == -1)
			err(1, "poll");
		for (int i = 0; i < 2; i++)
			if (p[i].revents & (POLLIN | POLLHUP | POLLERR) &&
			    has_room(ways[i]))
				take(ways[i]);
	}
	exit(0);
}

static struct sockaddr_in
here(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

int
main(int argc, char **argv)
{
	struct sockaddr_in at = here(0), to;
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0), near;

	if (argc != 3)
		errx(2, "usage: delay PORT MS");
	to = here(atoi(argv[1]));
	delay_s = atof(argv[2]) / 1000;
	signal(SIGCHLD, SIG_IGN);
	if (listener == -1 ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) == -1 ||
	    listen(listener, 128) == -1 ||
	    getsockname(listener, (struct sockaddr *)&at, &len) == -1)
		err(1, "listen");
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	while ((near = accept(listener, NULL, NULL)) != -1) {
		int far = socket(AF_INET, SOCK_STREAM, 0), on = 1;

		setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		if (far != -1 && connect(far, (struct sockaddr *)&to,
		    sizeof(to)) == 0 && fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			close(listener);
			run(near, far);
		}
		close(near);
		close(far);
	}
	return 1;
}
