/* SPDX-License-Identifier: ISC */
/*
 * traffic: the two ends of a measured tunnel, cheap enough to leave the cores
 * to what is measured.
 *
 *	traffic serve			listens on 127.0.0.1, prints its port
 *	traffic up PORT MIB STREAMS	sends so much over each of so many
 *					connections at once; prints seconds
 *	traffic down PORT MIB STREAMS	receives as much; prints seconds
 *	traffic ping PORT COUNT		64-byte echoes; prints p50 p99 in us
 *	traffic rate PORT COUNT WIDTH [TARGET]
 *					opens COUNT connections, WIDTH at a
 *					time, one echo on each; prints seconds;
 *					by SOCKS 5 to the port TARGET here
 *	traffic hold PORT COUNT		opens COUNT connections, one echo on
 *					each, prints a line and keeps them
 *					open until its input ends
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
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CHUNK	((size_t)1 << 20)
#define CONNS	8192
#define ECHO	64	/* bytes of one echo */

static uint8_t chunk[CHUNK];
static char mode[CONNS];	/* by descriptor; 0 while unknown */

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
serve_one(int poller, int fd)
{
	struct epoll_event wanted = { .events = EPOLLOUT, .data.fd = fd };
	ssize_t n;

	if (mode[fd] == 's') {
		n = send(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
		return n >= 0 || errno == EAGAIN;
	}
	if (mode[fd] == 0) {
		if (recv(fd, &mode[fd], 1, 0) != 1)
			return false;
		if (mode[fd] == 's')
			epoll_ctl(poller, EPOLL_CTL_MOD, fd, &wanted);
		return true;
	}
	n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	if (n == -1)
		return errno == EAGAIN;
	if (n == 0) {
		if (mode[fd] == 'd')
			(void)!write(fd, "d", 1);
		return false;
	}
	if (mode[fd] == 'e')
		send_all(fd, chunk, (size_t)n);
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
	struct epoll_event e = { .events = EPOLLIN };
	int poller = epoll_create1(0), listener = listen_here();

	e.data.fd = listener;
	if (poller == -1 ||
	    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &e) == -1)
		err(1, "epoll");
	while (epoll_wait(poller, &e, 1, -1) > 0) {
		int fd = e.data.fd;

		if (fd != listener) {
			if (!serve_one(poller, fd))
				close(fd);
			continue;
		}
		if ((fd = accept(listener, NULL, NULL)) == -1)
			err(1, "accept");
		if (fd >= CONNS)
			errx(1, "too many connections");
		no_delay(fd);
		mode[fd] = 0;
		e = (struct epoll_event){ .events = EPOLLIN, .data.fd = fd };
		if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &e) == -1)
			err(1, "epoll_ctl");
	}
}

static int
dial_port(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		err(1, "connect to port %d", port);
	no_delay(fd);
	return fd;
}

static int
dial(int port, char what)
{
	int fd = dial_port(port);

	send_all(fd, &what, 1);
	return fd;
}

static void
up(int port, long mib)
{
	int fd = dial(port, 'd');
	char end;

	for (long i = 0; i < mib; i++)
		send_all(fd, chunk, CHUNK);
	shutdown(fd, SHUT_WR);
	recv_all(fd, &end, 1);
	close(fd);
}

static void
down(int port, long mib)
{
	int fd = dial(port, 's');

	for (long i = 0; i < mib; i++)
		recv_all(fd, chunk, CHUNK);
	close(fd);
}

/* One process for each stream. */
static void
bulk(void (*way)(int, long), int port, long mib, int streams)
{
	double start = now();
	int status;

	for (int i = 0; i < streams; i++) {
		pid_t pid = fork();

		if (pid == -1)
			err(1, "fork");
		if (pid == 0) {
			way(port, mib);
			_exit(0);
		}
	}
	for (int i = 0; i < streams; i++)
		if (wait(&status) == -1 || status != 0)
			errx(1, "a stream failed");
	printf("%.6f\n", now() - start);
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

/* Greeting and request at once: the replies come later. */
static void
ask_socks(int fd, int target)
{
	const uint8_t bytes[] = { 5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1,
	    (uint8_t)(target >> 8), (uint8_t)target };

	send_all(fd, bytes, sizeof(bytes));
}

static void
rate(int port, long count, int width, int target)
{
	double start = now();
	int fds[CONNS];

	if (width < 1 || width > CONNS)
		errx(2, "width is 1 to %d", CONNS);
	for (long done = 0; done < count; done += width) {
		for (int i = 0; i < width; i++) {
			fds[i] = dial_port(port);
			if (target != 0)
				ask_socks(fds[i], target);
		}
		for (int i = 0; i < width; i++) {
			if (target != 0)
				recv_all(fds[i], chunk, 12);
			send_all(fds[i], "ex", 2);
		}
		for (int i = 0; i < width; i++) {
			recv_all(fds[i], chunk, 1);
			close(fds[i]);
		}
	}
	printf("%.6f\n", now() - start);
}

static void
hold(int port, long count)
{
	char byte;

	for (long i = 0; i < count; i++) {
		int fd = dial(port, 'e');

		send_all(fd, "x", 1);
		recv_all(fd, &byte, 1);
	}
	puts("held");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		continue;
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
	else if (strcmp(what, "up") == 0 && count > 0 && argc > 4)
		bulk(up, port, count, atoi(argv[4]));
	else if (strcmp(what, "down") == 0 && count > 0 && argc > 4)
		bulk(down, port, count, atoi(argv[4]));
	else if (strcmp(what, "ping") == 0 && count > 0)
		ping(port, count);
	else if (strcmp(what, "rate") == 0 && count > 0 && argc > 4)
		rate(port, count, atoi(argv[4]), argc > 5 ? atoi(argv[5]) : 0);
	else if (strcmp(what, "hold") == 0 && count > 0)
		hold(port, count);
	else
		errx(2, "usage: traffic serve | up | down | ping | rate | "
		    "hold ...");
	return 0;
}
