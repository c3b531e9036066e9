/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/api_call.h"

/*
 * What stands behind a socket may be anything: the peers here are processes
 * that answer one connection with fixed bytes.
 */

#define SILENT	NULL		/* answers nothing, keeps the line open */

struct place {
	char dir[32];
	char path[64];
};

static void
place_init(struct place *p)
{
	strcpy(p->dir, "/tmp/hawser-api-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->path, sizeof(p->path), "%s/api.sock", p->dir);
}

static void
place_fini(struct place *p)
{
	unlink(p->path);
	assert_int_equal(rmdir(p->dir), 0);
}

static int
bind_at(const struct place *p)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_not_equal(fd, -1);
	memcpy(sun.sun_path, p->path, strlen(p->path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	return fd;
}

/* The peer's whole life. Fails unless the request begins as expected. */
static void
serve(int listener, const char *expected, const char *answer)
{
	char request[4096] = "";
	size_t n = 0;
	ssize_t got;
	int fd = accept(listener, NULL, NULL);

	while (strstr(request, "\r\n\r\n") == NULL) {
		got = read(fd, request + n, sizeof(request) - 1 - n);
		if (got <= 0)
			_exit(2);
		n += (size_t)got;
		request[n] = '\0';
	}
	if (strncmp(request, expected, strlen(expected)) != 0)
		_exit(3);
	if (answer == SILENT)
		(void)!read(fd, request, 1);
	else if (write(fd, answer, strlen(answer)) == -1)
		_exit(4);
	_exit(0);
}

/* One call of a peer. The peer must have seen what it expected. */
static json_t *
call(enum api_method method, const char *path, long ms, const char *expected,
    const char *answer, struct err *err)
{
	struct place place;
	json_t *body;
	int listener, status;
	pid_t pid;

	place_init(&place);
	listener = bind_at(&place);
	assert_int_equal(listen(listener, 1), 0);
	if ((pid = fork()) == 0)
		serve(listener, expected, answer);
	assert_int_not_equal(pid, -1);
	close(listener);
	*err = (struct err){ 0 };
	body = api_call(place.path, method, path, "", ms, err);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	place_fini(&place);
	return body;
}

static json_t *
get(const char *answer, struct err *err)
{
	return call(API_GET, "/v1/status", API_CALL_MS,
	    "GET /v1/status HTTP/1.1\r\n", answer, err);
}

static void
test_an_answer(void **state)
{
	struct err err;
	json_t *body;

	(void)state;
	body = get("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n"
	    "{\"hosts\":1}", &err);
	assert_int_equal(json_integer_value(json_object_get(body, "hosts")),
	    1);
	json_decref(body);
	body = call(API_POST, "/v1/reload", API_CALL_MS,
	    "POST /v1/reload HTTP/1.1\r\n",
	    "HTTP/1.1 200 OK\r\n\r\n{\"ok\":true}", &err);
	assert_non_null(body);
	json_decref(body);
}

static void
test_a_proxy_in_the_environment_is_ignored(void **state)
{
	struct err err;
	json_t *body;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "socks5://127.0.0.1:1", 1);
	body = get("HTTP/1.1 200 OK\r\n\r\n{}", &err);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	assert_non_null(body);
	json_decref(body);
}

static void
fails(const char *answer, enum err_code code, const char *text)
{
	struct err err;

	assert_null(get(answer, &err));
	assert_int_equal(err.code, code);
	assert_non_null(strstr(err.text, text));
}

static void
test_the_supervisor_says_no(void **state)
{
	(void)state;
	fails("HTTP/1.1 200 OK\r\n\r\n{\"ok\":false,\"error\":\"a.conf:3: "
	    "no\"}", ERR_REFUSED, "a.conf:3: no");
	fails("HTTP/1.1 404 Not Found\r\n\r\n{\"error\":\"no host x\"}",
	    ERR_NOTFOUND, "no host x");
	fails("HTTP/1.1 403 Forbidden\r\n\r\n{}", ERR_PERM, "403");
	fails("HTTP/1.1 500 Oops\r\n\r\n{}", ERR_REFUSED, "HTTP 500");
}

static void
test_something_else_answers(void **state)
{
	(void)state;
	fails("HTTP/1.1 200 OK\r\n\r\n<html>", ERR_PROTOCOL, "JSON");
	fails("HTTP/1.1 200 OK\r\n\r\n[]", ERR_PROTOCOL, "JSON");
	fails("HTTP/1.1 200 OK\r\n\r\n", ERR_PROTOCOL, "JSON");
	fails("SSH-2.0-OpenSSH_9.2\r\n", ERR_PROTOCOL, "failed");
	fails("", ERR_PERM, "hung up");
}

static void
test_silence_ends_at_the_deadline(void **state)
{
	struct err err;

	(void)state;
	assert_null(call(API_GET, "/v1/status", 50, "GET", SILENT, &err));
	assert_int_equal(err.code, ERR_TIMEOUT);
}

static void
test_nobody_there(void **state)
{
	struct place place;
	struct err err = { 0 };
	int fd;

	(void)state;
	place_init(&place);
	assert_null(api_call(place.path, API_GET, "/v1/status", "",
	    1000, &err));
	assert_int_equal(err.code, ERR_CLOSED);
	assert_non_null(strstr(err.text, "no socket at"));
	/* What a supervisor that was killed leaves behind. */
	fd = bind_at(&place);
	close(fd);
	assert_null(api_call(place.path, API_GET, "/v1/status", "",
	    1000, &err));
	assert_int_equal(err.code, ERR_CLOSED);
	assert_non_null(strstr(err.text, "nobody listens"));
	place_fini(&place);
}

static void
test_names_are_encoded(void **state)
{
	char *path = api_host_path("a b/c%\xc3\xbc?#-._~9", "retry");

	(void)state;
	assert_string_equal(path,
	    "/v1/hosts/a%20b%2Fc%25%C3%BC%3F%23-._~9/retry");
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer),
		cmocka_unit_test(test_a_proxy_in_the_environment_is_ignored),
		cmocka_unit_test(test_the_supervisor_says_no),
		cmocka_unit_test(test_something_else_answers),
		cmocka_unit_test(test_silence_ends_at_the_deadline),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_names_are_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
