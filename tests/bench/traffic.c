/* SPDX-License-Identifier: ISC */
/*
 * traffic: the two ends of a measured tunnel, cheap enough to leave the cores
 * to what is measured.
 *
 *	traffic serve			listens on 127.0.0.1, prints its port
 *	traffic up PORT MIB		sends that much; prints seconds
 *	traffic down PORT MIB		receives that much; prints seconds
 *	traffic ping PORT COUNT		64-byte echoes; prints p50 p99 in us
 *	traffic rate PORT COUNT WIDTH	opens COUNT connections, WIDTH at a
 *					time, one echo on each; prints seconds
 *
 * The first byte of a connection says what the server does with it: 'd'
 * discards to the end and answers with one byte, 's' sends until the client
 * has gone, 'e' echoes.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	((size_t)1 << 20)
#define CONNS	1024
#define ECHO	64	/* bytes of one echo */

static uint8_t chunk[CHUNK];
static struct pollfd polled[CONNS];
static char mode[CONNS];	/* by place in polled; 0 while unknown */

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
no_delay(int fd)
{
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void
send_all(int fd, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n > 0) {
		ssize_t sent = send(fd, p, n, 0);

		if (sent == -1)
			err(1, "send");
		p += sent;
		n -= (size_t)sent;
	}
}

static void
recv_all(int fd, void *bytes, size_t n)
{
	uint8_t *p = bytes;

	while (n > 0) {
		ssize_t got = recv(fd, p, n, 0);

		if (got <= 0)
			errx(1, "the connection ended early");
		p += got;
		n -= (size_t)got;
	}
}

/* Serves one readable or writable connection; false when it has ended. */
static bool
serve_one(struct pollfd *p, char *what)
{
	ssize_t n;

	if (*what == 's') {
		n = send(p->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		return n >= 0 || errno == EAGAIN;
	}
	if (*what == 0) {
		if (recv(p->fd, what, 1, 0) != 1)
			return false;
		p->events = *what == 's' ? POLLOUT : POLLIN;
		return true;
	}
	n = recv(p->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0) {
		if (*what == 'd')
			(void)!write(p->fd, "d", 1);
		return false;
	}
	if (*what == 'e')
		send_all(p->fd, chunk, (size_t)n);
	return true;
}

static int
listen_here(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || bind(fd, (struct sockaddr *)&at, len) == -1 ||
	    listen(fd, 1024) == -1 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) == -1)
		err(1, "listen");
	printf("%d\n", ntohs(at.sin_port));
	fflush(stdout);
	return fd;
}

static void
serve(void)
{
	nfds_t count = 1;

	polled[0] = (struct pollfd){ .fd = listen_here(), .events = POLLIN };
	while (poll(polled, count, -1) > 0) {
		for (nfds_t i = count - 1; i > 0; i--) {
			if (polled[i].revents == 0 ||
			    serve_one(&polled[i], &mode[i]))
				continue;
			close(polled[i].fd);
			count--;
			polled[i] = polled[count];
			mode[i] = mode[count];
		}
		if (polled[0].revents != 0 && count < CONNS) {
			int fd = accept(polled[0].fd, NULL, NULL);

			if (fd == -1)
				err(1, "accept");
			no_delay(fd);
			mode[count] = 0;
			polled[count++] = (struct pollfd){ .fd = fd,
			    .events = POLLIN };
		}
	}
}

static int
dial(int port, char what)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(1, "connect to port %d", port);
	no_delay(fd);
	send_all(fd, &what, 1);
	return fd;
}

static void
up(int port, long mib)
{
	int fd = dial(port, 'd');
	double start = now();
	char end;

	for (long i = 0; i < mib; i++)
		send_all(fd, chunk, CHUNK);
	shutdown(fd, SHUT_WR);
	recv_all(fd, &end, 1);
	printf("%.6f\n", now() - start);
	close(fd);
}

static void
down(int port, long mib)
{
	int fd = dial(port, 's');
	double start = now();

	for (long i = 0; i < mib; i++)
		recv_all(fd, chunk, CHUNK);
	printf("%.6f\n", now() - start);
	close(fd);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
ping(int port, long count)
{
	int fd = dial(port, 'e');
	double *took = calloc((size_t)count, sizeof(*took));

	if (took == NULL)
		err(1, "calloc");
	for (long i = 0; i < count; i++) {
		double start = now();

		send_all(fd, chunk, ECHO);
		recv_all(fd, chunk, ECHO);
		took[i] = (now() - start) * 1e6;
	}
	qsort(took, (size_t)count, sizeof(*took), compare);
	printf("%.1f %.1f\n", took[count / 2], took[count * 99 / 100]);
	free(took);
	close(fd);
}

static void
rate(int port, long count, int width)
{
	double start = now();
	int fds[CONNS];

	if (width < 1 || width > CONNS)
		errx(2, "width is 1 to %d", CONNS);
	for (long done = 0; done < count; done += width) {
		for (int i = 0; i < width; i++) {
			fds[i] = dial(port, 'e');
			send_all(fds[i], "x", 1);
		}
		for (int i = 0; i < width; i++) {
			recv_all(fds[i], chunk, 1);
			close(fds[i]);
		}
	}
	printf("%.6f\n", now() - start);
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int port = argc > 2 ? atoi(argv[2]) : 0;
	long count = argc > 3 ? atol(argv[3]) : 0;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(what, "serve") == 0)
		serve();
	else if (strcmp(what, "up") == 0 && count > 0)
		up(port, count);
	else if (strcmp(what, "down") == 0 && count > 0)
		down(port, count);
	else if (strcmp(what, "ping") == 0 && count > 0)
		ping(port, count);
	else if (strcmp(what, "rate") == 0 && count > 0 && argc > 4)
		rate(port, count, atoi(argv[4]));
	else
		errx(2, "usage: traffic serve | up | down | ping | rate ...");
	return 0;
}
