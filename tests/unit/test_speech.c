/* SPDX-License-Identifier: ISC */
#define _GNU_SOURCE
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "supervisor/speech.h"

#define FLOOD_MS	200
#define FLOOD_MAX	(4 * 1024 * 1024)

/* Writes as much as it can: how much that was goes to *arg. */
static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	static const char text[1024];
	size_t *written = arg;
	ssize_t n;

	(void)what;
	while ((n = write(fd, text, sizeof(text))) > 0)
		*written += (size_t)n;
}

/* Who never stops talking is read slowly, and has to wait. */
static void
test_flood(void **state)
{
	struct event_base *base = event_base_new();
	struct timeval end = { 0, FLOOD_MS * 1000 };
	struct event *writable;
	size_t written = 0;
	struct speech *s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s = speech_new(base, fds[0], "command", "vps");
	writable = event_new(base, fds[1], EV_WRITE | EV_PERSIST, on_writable,
	    &written);
	event_add(writable, NULL);
	event_base_loopexit(base, &end);
	event_base_dispatch(base);
	assert_in_range(written, 1, FLOOD_MAX);
	event_free(writable);
	close(fds[1]);
	speech_free(s);
	event_base_free(base);
}

/* What is in the pipe when it has ended is still heard. */
static void
test_last_words(void **state)
{
	struct event_base *base = event_base_new();
	struct process_exit how = { .code = 3 };
	char line[1024], *text;
	struct speech *s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	s = speech_new(base, fds[0], "command", "vps");
	memset(line, '.', sizeof(line));
	for (int i = 0; i < 63; i++)
		assert_int_equal(write(fds[1], line, sizeof(line)),
		    sizeof(line));
	assert_int_equal(write(fds[1], "\nno such key\n", 13), 13);
	close(fds[1]);
	speech_end(s);
	text = speech_describe_end(s, &how);
	assert_string_equal(text,
	    "command ended with exit code 3: no such key");
	free(text);
	speech_free(s);
	event_base_free(base);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_last_words),
	};

	log_setup(LOG_ERROR, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
