/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/fdio.h"
#include "base/forward.h"
#include "ipc/end.h"

static void
an_error_tells_code_and_sentence(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(err_set(&err, ERR_INPUT, "%d is odd", 3), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "3 is odd");
	errno = ENOENT;
	err_sys(&err, "cannot open %s", "x");
	assert_int_equal(err.sys, ENOENT);
	assert_string_equal(err.text,
	    "cannot open x: No such file or directory");
	err_prefix(&err, "host %s", "vps");
	assert_string_equal(err.text,
	    "host vps: cannot open x: No such file or directory");
	for (int i = 0; i < 100; i++)
		err_prefix(&err, "a long prefix");
	assert_true(strlen(err.text) < ERR_TEXT_SIZE);
	assert_int_equal(err_set(NULL, ERR_INPUT, "nobody asked"), -1);
}

static int64_t
fixed(void)
{
	return 42;
}

static void
time_can_be_injected(void **state)
{
	char text[CLOCK_TEXT_SIZE];
	int64_t now = clock_now_ms();

	(void)state;
	clock_inject(fixed);
	assert_int_equal(clock_now_ms(), 42);
	clock_inject(NULL);
	assert_true(clock_now_ms() >= now);
	clock_format(text, sizeof(text), INT64_C(1763621211123));
	assert_string_equal(text, "2025-11-20T06:46:51.123Z");
}

static void
a_file_is_read_whole_or_not(void **state)
{
	char name[] = "/tmp/hawser-test-XXXXXX", *text;
	int fd = mkstemp(name);
	struct err err;
	size_t len;

	(void)state;
	assert_true(fd != -1);
	unlink(name);
	assert_int_equal(fd_write_all(fd, "0123456789", 10), 0);
	lseek(fd, 0, SEEK_SET);
	text = fd_read_all(fd, 10, &len, &err);
	assert_int_equal(len, 10);
	assert_string_equal(text, "0123456789");
	free(text);
	lseek(fd, 0, SEEK_SET);
	assert_null(fd_read_all(fd, 9, &len, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(fd_set_cloexec(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fd_set_nonblock(fd, 1), 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	fd_close(&fd);
	assert_int_equal(fd, -1);
	fd_close(&fd);
}

/* Every name is read back as what it was printed from. */
static void
names_go_round(void **state)
{
	enum forward_kind kind;
	enum forward_state fs;
	enum end_class class_;
	enum phase phase;

	(void)state;
	for (int i = 0; i < FORWARD_KIND_COUNT; i++) {
		assert_int_equal(forward_kind_parse(forward_kind_name(
		    (enum forward_kind)i), &kind), 0);
		assert_int_equal(kind, i);
	}
	for (int i = 0; i < FORWARD_STATE_COUNT; i++) {
		assert_int_equal(forward_state_parse(forward_state_name(
		    (enum forward_state)i), &fs), 0);
		assert_int_equal(fs, i);
	}
	for (int i = 0; i < END_CLASS_COUNT; i++) {
		assert_int_equal(end_class_parse(end_class_name(
		    (enum end_class)i), &class_), 0);
		assert_int_equal(class_, i);
	}
	for (int i = 0; i < PHASE_COUNT; i++) {
		assert_int_equal(phase_parse(phase_name((enum phase)i),
		    &phase), 0);
		assert_int_equal(phase, i);
	}
	assert_int_equal(forward_kind_parse("nonsense", &kind), -1);
	assert_int_equal(forward_state_parse("", &fs), -1);
	assert_int_equal(end_class_parse("LOST", &class_), -1);
	assert_int_equal(phase_parse("upp", &phase), -1);
}

static void
forwards_have_ids(void **state)
{
	struct forward f = { .kind = FORWARD_REMOTE,
	    .listen = { ENDPOINT_TCP, (char *)"*", 8080 },
	    .target = { ENDPOINT_UNIX, (char *)"/run/x", 0 } }, copy;

	(void)state;
	f.id = forward_make_id(f.kind, &f.listen);
	assert_string_equal(f.id, "R:*:8080");
	assert_false(forward_is_local(f.kind));
	assert_true(forward_is_local(FORWARD_DYNAMIC));
	forward_copy(&copy, &f);
	assert_true(forward_equal(&copy, &f));
	copy.listen.port++;
	assert_false(forward_equal(&copy, &f));
	forward_fini(&copy);
	free(f.id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_tells_code_and_sentence),
		cmocka_unit_test(time_can_be_injected),
		cmocka_unit_test(a_file_is_read_whole_or_not),
		cmocka_unit_test(names_go_round),
		cmocka_unit_test(forwards_have_ids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
