/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/plan.h"

static char path[64];

static int
set_up(void **state)
{
	int fd;

	(void)state;
	strcpy(path, "/tmp/hawser-test-XXXXXX");
	if ((fd = mkstemp(path)) == -1)
		return -1;
	return close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

/* The configuration of a file with this text, by way of its JSON; new. */
static struct config *
load(const char *text)
{
	struct config_source source = { .file = path };
	struct config *c, *copy;
	FILE *f = fopen(path, "w");
	struct err err;
	json_t *model;

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	c = config_load(&source);
	model = config_encode(c);
	copy = config_decode(model, &err);
	assert_non_null(copy);
	json_decref(model);
	config_free(c);
	return copy;
}

/* What is wrong with it, or NULL; valid until the config is freed. */
static const char *
complaint(const struct config *c)
{
	for (size_t i = 0; i < c->diagnostic_count; i++)
		if (c->diagnostics[i].severity == SEVERITY_ERROR)
			return c->diagnostics[i].text;
	return NULL;
}

/* "name=user@hostname:port{command}" of each hop; new. */
static char *
way(const struct config *c, const char *name)
{
	const struct host *h = config_find(c, name);
	struct str s;

	assert_non_null(h);
	str_init(&s);
	for (size_t i = 0; i < h->jump_count; i++) {
		const struct host *j = &h->jumps[i];

		str_printf(&s, "%s=%s@%s:%u{%s} ", j->name, j->user,
		    j->hostname, j->port, j->proxy_command);
		assert_int_equal(j->forward_count, 0);
		assert_int_equal(j->jump_count, 0);
	}
	str_printf(&s, "{%s}", h->proxy_command);
	return str_take(&s);
}

static void
expect(const char *text, const char *name, const char *want)
{
	struct config *c = load(text);
	char *got;

	if (complaint(c) != NULL)
		fail_msg("%s", complaint(c));
	got = way(c, name);
	assert_string_equal(got, want);
	free(got);
	config_free(c);
}

static void
expect_error(const char *text, const char *want)
{
	struct config *c = load(text);

	assert_non_null(complaint(c));
	if (strstr(complaint(c), want) == NULL)
		fail_msg("%s", complaint(c));
	config_free(c);
}

#define F	" LocalForward 2001 h:1\n User u\n"

static void
hops_have_the_values_of_their_names(void **state)
{
	(void)state;
	expect("Host a\n" F, "a", "{}");
	expect("Host a\n ProxyJump none\n" F, "a", "{}");
	expect("Host a\n ProxyJump b\n" F
	    "Host b\n HostName 10.0.0.1\n Port 2222\n User v\n", "a",
	    "b=v@10.0.0.1:2222{} {}");
	expect("Host a\n ProxyJump w@b:99\n" F
	    "Host b\n HostName 10.0.0.1\n Port 2222\n User v\n", "a",
	    "b=w@10.0.0.1:99{} {}");
	expect("Host a\n ProxyJump ssh://w@b:99,x@c\n" F
	    "Host c\n HostName c.example\n", "a",
	    "b=w@b:99{} c=x@c.example:22{} {}");
	expect("Host a\n ProxyJump x@%h-gate\n HostName A\n" F, "a",
	    "a-gate=x@a-gate:22{} {}");
}

static void
the_first_hop_may_lie_behind_others(void **state)
{
	(void)state;
	expect("Host a\n ProxyJump b\n" F
	    "Host b\n ProxyJump c,d\n User v\n"
	    "Host c\n ProxyCommand nc -x p %h %p\n User v\n"
	    "Host d\n ProxyJump elsewhere\n User v\n", "a",
	    "c=v@c:22{nc -x p c 22} d=v@d:22{} b=v@b:22{} {}");
}

static void
commands_get_their_tokens(void **state)
{
	(void)state;
	expect("Host a\n ProxyCommand nc %h %p %n %r %% %k | cat\n"
	    " HostName A.example\n Port 23\n" F, "a",
	    "{nc a.example 23 a u % a | cat}");
	expect("Host a\n ProxyCommand none\n ProxyJump b\n" F, "a", "{}");
	expect("Host a\n ProxyCommand x\n ProxyJump b\n" F, "a", "{x}");
	expect("Host a\n ProxyJump w@b\n ProxyCommand x\n" F, "a",
	    "b=w@b:22{} {}");
	expect_error("Host a\n ProxyCommand nc %d\n" F, "ProxyCommand");
	expect_error("Host a\n ProxyCommand -\n" F, "standard input");
	expect_error("Host a\n ProxyCommand nc %h\n HostName x;reboot\n" F,
	    "a shell would act upon");
	expect_error("Host a\n ProxyJump x`id`@b\n" F, "a shell");
}

static void
circles_are_errors(void **state)
{
	struct config *c;

	(void)state;
	expect_error("Host *\n ProxyJump b\nHost a\n" F,
	    "the way to b leads through b itself");
	expect_error("Host a\n ProxyJump b\n" F "Host b\n ProxyJump a\n"
	    " User u\n", "leads through a itself");
	c = load("Host a\n ProxyJump b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b,b\n" F);
	assert_non_null(complaint(c));
	config_free(c);
	/* Not a circle: another account of the same machine. */
	expect("Match user w\n ProxyJump none\n"
	    "Host a\n ProxyJump w@a\n" F, "a", "a=w@a:22{} {}");
}

static enum plan_action
replan(const char *before, const char *after)
{
	struct config *a = load(before), *b = load(after);
	struct plan *p = plan_make(a, b);
	enum plan_action action;

	assert_int_equal(p->step_count, 1);
	action = p->steps[0].action;
	plan_free(p);
	config_free(a);
	config_free(b);
	return action;
}

static void
a_changed_hop_replaces_the_link(void **state)
{
	(void)state;
	assert_int_equal(replan("Host a\n ProxyJump b\n" F,
	    "Host a\n ProxyJump b\n" F), PLAN_KEEP);
	assert_int_equal(replan("Host a\n ProxyJump b\n" F,
	    "Host a\n ProxyJump b\n" F "Host b\n Port 23\n"), PLAN_REPLACE);
	assert_int_equal(replan("Host a\n ProxyJump b\n" F,
	    "Host a\n ProxyJump b,c\n" F), PLAN_REPLACE);
	assert_int_equal(replan("Host a\n ProxyCommand b\n" F,
	    "Host a\n ProxyCommand c\n" F), PLAN_REPLACE);
	/* Its forwards aren't ours. */
	assert_int_equal(replan("Host a\n ProxyJump b\n" F,
	    "Host a\n ProxyJump b\n" F "Host b\n HawserHold 1s\n"), PLAN_KEEP);
}

static void
servers_behind_different_hops_are_different(void **state)
{
	struct config *c;

	(void)state;
	c = load("Host a\n HostName localhost\n ProxyJump x\n"
	    " RemoteForward 5 h:1\n"
	    "Host b\n HostName localhost\n ProxyJump y\n"
	    " RemoteForward 5 h:1\n");
	assert_null(complaint(c));
	config_free(c);
	expect_error("Host a\n HostName localhost\n ProxyJump x\n"
	    " RemoteForward 5 h:1\n"
	    "Host b\n HostName localhost\n ProxyJump x\n"
	    " RemoteForward 5 h:1\n", "twice on that server");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hops_have_the_values_of_their_names),
		cmocka_unit_test(the_first_hop_may_lie_behind_others),
		cmocka_unit_test(commands_get_their_tokens),
		cmocka_unit_test(circles_are_errors),
		cmocka_unit_test(a_changed_hop_replaces_the_link),
		cmocka_unit_test(servers_behind_different_hops_are_different),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
