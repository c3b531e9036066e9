/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/document.h"
#include "config/host.h"
#include "config/plan.h"
#include "config/resolve.h"

/* A model with a host for each letter of names, out of one text. */
static struct config *
model(const char *text, const char *names)
{
	struct config *c = mem_alloc(sizeof(*c));
	struct document_list list = { 0 };
	struct expand_user user = { .name = (char *)"u",
	    .home = (char *)"/h", .machine = (char *)"m" };
	struct resolve_source source = { .documents = &list,
	    .user = &user };

	document_list_add(&list,
	    document_parse("f", text, strlen(text), false, c));
	c->hosts = mem_alloc(strlen(names) * sizeof(*c->hosts));
	for (; *names != '\0'; names++) {
		char name[] = { *names, '\0' };
		struct resolution r = { 0 };

		assert_int_equal(resolve_name(&source, name, &r, c), 0);
		host_build(&c->hosts[c->host_count++], &r, "f", 1, c);
		resolution_fini(&r);
	}
	assert_int_equal(c->diagnostic_count, 0);
	document_list_fini(&list);
	return c;
}

/* The plan as text: "a keep, b live -L:1 +L:2". */
static void
expect(const char *old_text, const char *old_names, const char *new_text,
    const char *new_names, const char *wanted)
{
	static const char *const names[] = { "keep", "live", "replace", "add",
	    "remove" };
	struct config *old = old_text != NULL ?
	    model(old_text, old_names) : NULL;
	struct config *new_ = model(new_text, new_names);
	struct plan *p = plan_make(old, new_);
	struct str s;

	str_init(&s);
	for (size_t i = 0; i < p->step_count; i++) {
		const struct plan_step *step = &p->steps[i];

		str_printf(&s, "%s%s %s", i > 0 ? ", " : "", step->name,
		    names[step->action]);
		for (size_t j = 0; j < step->cancel_count; j++)
			str_printf(&s, " -%s", step->cancel[j]->id);
		for (size_t j = 0; j < step->add_count; j++)
			str_printf(&s, " +%s", step->add[j]->id);
	}
	assert_string_equal(s.p != NULL ? s.p : "", wanted);
	str_fini(&s);
	plan_free(p);
	config_free(old);
	config_free(new_);
}

#define BASE	"Host a\nLocalForward 1 x:1\nHost b\nLocalForward 2 x:1\n"

static void
equal_models_change_nothing(void **state)
{
	(void)state;
	expect(BASE, "ab", "# other lines\n\n" BASE, "ab",
	    "a keep, b keep");
	expect("", "", "", "", "");
}

static void
hosts_come_and_go(void **state)
{
	(void)state;
	expect(NULL, "", BASE, "ab", "a add, b add");
	expect(BASE, "ab", BASE, "b", "a remove, b keep");
	expect(BASE, "ab", BASE, "ca", "b remove, c add, a keep");
}

static void
forwards_change_on_the_live_connection(void **state)
{
	(void)state;
	expect(BASE, "ab", BASE "LocalForward 3 y:1\nDynamicForward 4\n",
	    "ab", "a keep, b live +L:3 +D:4");
	expect(BASE, "ab", "Host a\nLocalForward 1 y:1\n", "a",
	    "b remove, a live -L:1 +L:1");
}

/* Each row's reload class is the one that the plan obeys. */
static void
every_row_has_its_effect(void **state)
{
	static const char *const lines[] = {
		"User x", "HostName x", "Port 3", "IdentitiesOnly yes",
		"StrictHostKeyChecking no", "ServerAliveCountMax 9",
		"ServerAliveInterval 9", "DynamicForward 9",
		"LocalForward 9 h:9", "RemoteForward 9 h:9",
		"IdentityFile /x", "GlobalKnownHostsFile /x",
		"UserKnownHostsFile /x", "ConnectTimeout 9",
		"HawserEnabled no", "HawserBackoff 2s 3s", "HawserStable 9s",
		"HawserHold 9s", "HawserDrain 9s",
	};
	size_t tried = 0, with_field = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *name = str_dup(lines[i]), *text;
		const struct keyword *k;
		struct config *old = model(BASE, "b"), *new_;
		struct plan *p;

		*strchr(name, ' ') = '\0';
		k = keyword_find(name);
		text = str_dupf("%s%s\n", BASE, lines[i]);
		new_ = model(text, "b");
		p = plan_make(old, new_);
		if (p->steps[0].action != (k->reload == RELOAD_LIVE ?
		    PLAN_LIVE : PLAN_REPLACE))
			fail_msg("%s: %d", lines[i], p->steps[0].action);
		plan_free(p);
		config_free(old);
		config_free(new_);
		free(text);
		free(name);
		tried++;
	}
	for (int i = 0; i < KEYWORD_COUNT; i++)
		with_field += keyword_get((enum keyword_id)i)->field !=
		    FIELD_NONE;
	assert_int_equal(tried, with_field);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_models_change_nothing),
		cmocka_unit_test(hosts_come_and_go),
		cmocka_unit_test(forwards_change_on_the_live_connection),
		cmocka_unit_test(every_row_has_its_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
