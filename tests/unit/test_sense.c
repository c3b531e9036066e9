/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/methods.h"
#include "config_files.h"

/* What is said of keywords that make no sense together. */

static void
set(const char *text)
{
	put("f", text);
}

static struct config *
load(void)
{
	return load_file("f");
}

static void
listeners_may_not_overlap(void **state)
{
	struct config *c;

	(void)state;
	set("Host a\n LocalForward 10.0.0.1:2001 h:1\n"
	    " LocalForward 10.0.0.2:2001 h:1\n DynamicForward *:2001\n"
	    " RemoteForward 5 h:1\n"
	    " RemoteForward 0 h:1\n RemoteForward 0 h:2\n"
	    "Host b\n HostName A\n RemoteForward localhost:5 h:1\n"
	    "Host c\n RemoteForward 5 h:1\n"
	    "Host d\n HawserEnabled no\n LocalForward *:2001 h:1\n");
	c = load();
	assert_true(says(c, SEVERITY_ERROR, 4, "twice"));
	assert_true(says(c, SEVERITY_ERROR, 10, "on that server"));
	assert_true(says(c, SEVERITY_NOTE, 2, "open to other machines"));
	assert_true(says(c, SEVERITY_NOTE, 4, "open to other machines"));
	assert_false(says(c, SEVERITY_ERROR, 11, "twice"));
	config_free(c);
}

static const struct {
	const char *text;
	int line;		/* of the complaint; 0: there is none */
	const char *way;	/* a part of it */
} circles[] = {
	{ "Host a\n LocalForward 2001 localhost:2002\n"
	    " RemoteForward 2002 127.0.0.1:2001\n", 3, "through L:2001 of a" },
	/* Different machines. */
	{ "Host a\n RemoteForward 2003 localhost:2003\n", 0, NULL },
	{ "Host a\n LocalForward 2001 localhost:2002\n"
	    "Host b\n RemoteForward 2002 localhost:2001\n", 0, NULL },
	{ "Host a\n LocalForward 2001 elsewhere:2001\n"
	    " RemoteForward 2001 localhost:2001\n", 0, NULL },
	/* The server is this machine. */
	{ "Host a\n HostName localhost\n LocalForward 2004 localhost:2004\n",
	    3, "L:2004 leads back to where it comes from: a" },
	{ "Host a\n HostName 127.0.0.1\n RemoteForward 2004 localhost:2004\n",
	    3, "R:2004 leads" },
	{ "Host a\n HostName localhost\n LocalForward 1 localhost:2\n"
	    " LocalForward 2 localhost:3\n RemoteForward 3 localhost:1\n",
	    5, "L:1 of a" },
	{ "Host a\n HostName localhost\n LocalForward 1 localhost:2\n"
	    " LocalForward 2 localhost:3\n", 0, NULL },
	/* Through two hosts of one server. */
	{ "Host a\n HostName s\n RemoteForward 9000 localhost:8000\n"
	    "Host b\n HostName s\n LocalForward 8000 localhost:9000\n", 6,
	    "through R:9000 of a" },
	{ "Host a\n HostName s\n RemoteForward 9000 localhost:8000\n"
	    "Host b\n HostName s\n LocalForward 8000 localhost:9000\n"
	    " HawserEnabled no\n", 0, NULL },
	/* A tail that leads into a circle isn't in it. */
	{ "Host a\n HostName localhost\n LocalForward 1 localhost:2\n"
	    " LocalForward 2 localhost:2\n LocalForward 3 localhost:1\n", 4,
	    "L:2 leads back" },
	/* One port on different addresses. */
	{ "Host a\n HostName localhost\n LocalForward 127.0.0.2:1 "
	    "127.0.0.1:1\n", 0, NULL },
	{ "Host a\n HostName localhost\n LocalForward 127.0.0.2:1 "
	    "127.0.0.3:1\n LocalForward 127.0.0.3:1 127.0.0.2:1\n", 4,
	    "L:127.0.0.2:1 of a" },
	{ "Host a\n HostName localhost\n LocalForward *:1 127.0.0.7:1\n", 3,
	    "leads back" },
};

static void
nothing_may_go_round_in_circles(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(circles) / sizeof(circles[0]); i++) {
		struct config *c;
		size_t errors = 0;

		set(circles[i].text);
		c = load();
		for (size_t j = 0; j < c->diagnostic_count; j++)
			errors += c->diagnostics[j].severity ==
			    SEVERITY_ERROR;
		if (errors != (circles[i].line != 0) || (errors > 0 &&
		    !says(c, SEVERITY_ERROR, circles[i].line,
		    circles[i].way))) {
			show_all(c);
			fail_msg("case %zu", i);
		}
		config_free(c);
	}
}

/* Paths as they are after "%%" and "~" were expanded; sun_path has 108. */
static void
socket_paths_have_a_bound(void **state)
{
	char longest[108], *text;
	struct config *c;

	(void)state;
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "/tmp/", 5);
	longest[107] = '\0';
	text = str_dupf("Host a\n LocalForward 2001 %s\n"
	    " LocalForward 2002 %sy\n RemoteForward 2003 %sy\n"
	    " LocalForward 2004 /%%h%.104s\n", longest, longest, longest,
	    longest);
	set(text);
	c = load();
	assert_false(says(c, SEVERITY_ERROR, 2, ""));
	assert_true(says(c, SEVERITY_ERROR, 3, "longer than 107 bytes"));
	assert_true(says(c, SEVERITY_ERROR, 4, "longer than 107 bytes"));
	assert_false(says(c, SEVERITY_ERROR, 5, ""));
	config_free(c);
	free(text);
	text = str_dupf("Host a\n HostName b.example\n"
	    " LocalForward 2004 /%%h%.104s\n", longest);
	set(text);
	c = load();
	assert_true(says(c, SEVERITY_ERROR, 3, "longer than 107 bytes"));
	config_free(c);
	free(text);
}

static void
servers_have_to_be_known(void **state)
{
	struct config *c;

	(void)state;
	set("Host a\n StrictHostKeyChecking no\n LocalForward 2001 h:1\n"
	    "Host b\n StrictHostKeyChecking yes\n LocalForward 2002 h:1\n");
	c = load();
	assert_true(says(c, SEVERITY_WARNING, 2, "any server that answers"));
	assert_int_equal(c->diagnostic_count, 1);
	config_free(c);
}

/* May anybody bind them here, as in many containers? */
static bool
all_ports_are_free(void)
{
	FILE *f = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "r");
	int first = 1024;

	if (f != NULL && fscanf(f, "%d", &first) != 1)
		first = 1024;
	if (f != NULL)
		fclose(f);
	return first < 1024;
}

/* Without the right to: as another user, in another process. */
static void
privileged_ports_are_told(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (all_ports_are_free())
		skip();
	set("Host a\n LocalForward 1 h:1\n DynamicForward 1023\n"
	    " LocalForward 65535 h:1\n RemoteForward 80 h:1\n");
	if ((pid = fork()) == 0) {
		struct config *c;
		bool fine;

		if (getuid() == 0 && (chdir(dir) == -1 ||
		    chown("f", 65534, 65534) == -1 ||
		    chown(".", 65534, 65534) == -1 || setgid(65534) == -1 ||
		    setuid(65534) == -1))
			_exit(2);
		c = load();
		fine = says(c, SEVERITY_WARNING, 2, "below 1024") &&
		    says(c, SEVERITY_WARNING, 3, "below 1024") &&
		    !says(c, SEVERITY_WARNING, 4, "below 1024") &&
		    !says(c, SEVERITY_WARNING, 5, "below 1024");
		config_free(c);
		_exit(fine ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
idle_lines_are_told(void **state)
{
	struct config *c;

	(void)state;
	set("Host *\n User u\n Port 22\n ServerAliveInterval 5\n"
	    "Host a\n LocalForward 2001 h:1\n User v\n Port 22\n"
	    "Host a*\n ServerAliveInterval 6\n"
	    "Host a\n User w\n Compression no\n");
	c = load();
	assert_true(says(c, SEVERITY_WARNING, 7, "has no effect here"));
	assert_true(says(c, SEVERITY_WARNING, 12, "has no effect here"));
	assert_int_equal(c->diagnostic_count, 2);
	config_free(c);
}

#define TEST(f)	cmocka_unit_test_setup_teardown(f, config_files_setup, \
	    config_files_teardown)

#define FORWARD	"Host a\n LocalForward 2001 h:1\n"

/* What a host's keywords leave it to log in with, or what is said of them. */
static const struct {
	const char *text;
	const char *left;
	enum severity severity;
	int line;		/* of the complaint; 0: there is none */
	const char *complaint;	/* a part of it */
} ways_in[] = {
	{ FORWARD, "publickey keyboard-interactive password", 0, 0, NULL },
	{ FORWARD " PreferredAuthentications password,publickey,password\n",
	    "password publickey", 0, 0, NULL },
	{ FORWARD " PreferredAuthentications gssapi-with-mic,none,publickey\n",
	    "publickey", SEVERITY_WARNING, 3, "doesn't do gssapi-with-mic" },
	{ FORWARD " PreferredAuthentications Password,publickey\n",
	    "publickey", SEVERITY_WARNING, 3, "\"Password\" is no method" },
	{ FORWARD " PreferredAuthentications hostbased\n", "",
	    SEVERITY_ERROR, 3, "no method is left" },
	{ FORWARD " PreferredAuthentications publickey\n"
	    " PubkeyAuthentication no\n", "", SEVERITY_ERROR, 3,
	    "no method is left" },
	{ FORWARD " PubkeyAuthentication no\n"
	    " ChallengeResponseAuthentication no\n", "password", 0, 0, NULL },
	{ FORWARD " PubkeyAuthentication unbound\n PasswordAuthentication no\n",
	    "publickey keyboard-interactive", SEVERITY_WARNING, 3,
	    "keys are offered as by yes" },
	{ FORWARD " NumberOfPasswordPrompts 0\n", "publickey", 0, 0, NULL },
	{ FORWARD " NumberOfPasswordPrompts 0\n PubkeyAuthentication no\n",
	    "", SEVERITY_ERROR, 4, "no method is left" },
	/* They ask nobody, so they stay. */
	{ FORWARD " BatchMode yes\n",
	    "publickey keyboard-interactive password", 0, 0, NULL },
};

static char *
join(const struct host *h)
{
	char *left[METHODS_MAX];
	size_t n = methods_list(h, left);
	struct str s;

	str_init(&s);
	for (size_t i = 0; i < n; i++)
		str_printf(&s, "%s%s", i > 0 ? " " : "", left[i]);
	return str_take(&s);
}

static void
ways_in_are_left(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways_in) / sizeof(ways_in[0]); i++) {
		struct config *c;
		char *left;

		set(ways_in[i].text);
		c = load();
		left = join(&c->hosts[0]);
		if (ways_in[i].line == 0 ? c->diagnostic_count > 0 :
		    !says(c, ways_in[i].severity, ways_in[i].line,
		    ways_in[i].complaint)) {
			show_all(c);
			fail_msg("%s", ways_in[i].text);
		}
		assert_string_equal(left, ways_in[i].left);
		free(left);
		config_free(c);
	}
}

static void
a_passphrase_command_is_expanded(void **state)
{
	struct config *c;

	(void)state;
	set("Host a\n HostName b.example\n User u\n Port 7\n"
	    " LocalForward 2001 h:1\n"
	    " HawserPassphraseCommand pass \"%h %p\" %r %n 100%%\n"
	    "Host none\n LocalForward 2002 h:1\n"
	    " HawserPassphraseCommand none\n"
	    "Host c\n LocalForward 2003 h:1\n"
	    " HawserPassphraseCommand pass %z\n"
	    "Host d\n HostName a;b\n LocalForward 2004 h:1\n"
	    " HawserPassphraseCommand pass\n");
	c = load();
	assert_string_equal(config_find(c, "a")->passphrase_command,
	    "pass \"b.example 7\" u a 100%");
	assert_string_equal(config_find(c, "none")->passphrase_command, "");
	assert_true(says(c, SEVERITY_ERROR, 12,
	    "HawserPassphraseCommand: the token %z"));
	assert_true(says(c, SEVERITY_ERROR, 16,
	    "a character that a shell would act upon"));
	config_free(c);
}

static void
an_alias_is_one_name(void **state)
{
	static const char *const bad[] = { "\"x y\"", "*", "a,b", "!a", "|1|x",
	    "@revoked" };
	struct config *c;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char *text = str_dupf("Host a\n LocalForward 2001 h:1\n"
		    " HostKeyAlias %s\n", bad[i]);

		set(text);
		c = load();
		assert_true(says(c, SEVERITY_ERROR, 3,
		    "is no name for known_hosts"));
		config_free(c);
		free(text);
	}
	set("Host a\n LocalForward 2001 h:1\n HostKeyAlias [a.b]:7\n");
	c = load();
	assert_false(says(c, SEVERITY_ERROR, 3, ""));
	config_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(listeners_may_not_overlap),
		TEST(nothing_may_go_round_in_circles),
		TEST(socket_paths_have_a_bound),
		TEST(servers_have_to_be_known),
		TEST(privileged_ports_are_told),
		TEST(idle_lines_are_told),
		TEST(ways_in_are_left),
		TEST(a_passphrase_command_is_expanded),
		TEST(an_alias_is_one_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
