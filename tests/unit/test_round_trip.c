/* SPDX-License-Identifier: ISC */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/host.h"
#include "config/keyword.h"
#include "config/plan.h"

/*
 * A model that was written as JSON and read again is the same model: of real
 * files (HAWSER_CORPUS names a folder of them), of the samples, and of models
 * made by chance. HAWSER_SEED repeats the latter.
 */

#define MODELS	300

/* The same model after the way through a text; new. */
static struct config *
travel(const struct config *c, json_t **encoded)
{
	char *text;
	json_t *again;
	struct config *back;
	struct err err = { 0 };

	*encoded = config_encode(c);
	assert_non_null(*encoded);
	text = json_dumps(*encoded, JSON_COMPACT);
	assert_non_null(text);
	again = json_loads(text, 0, NULL);
	assert_non_null(again);
	back = config_decode(again, &err);
	if (back == NULL)
		fail_msg("%s", err.text);
	json_decref(again);
	free(text);
	return back;
}

/*
 * Equal as JSON, and by the rows of the keywords: a field that isn't encoded
 * at all shows in the second.
 */
static void
assert_round_trip(const struct config *c)
{
	json_t *before, *after;
	struct config *back = travel(c, &before), *twice =
	    travel(back, &after);
	struct plan *plan = plan_make(c, back);

	assert_true(json_equal(before, after));
	assert_int_equal(plan->counts[PLAN_KEEP], c->host_count);
	assert_int_equal(plan->step_count, c->host_count);
	for (size_t i = 0; i < c->host_count; i++)
		for (size_t j = 0; j < c->hosts[i].forward_count; j++) {
			const struct origin *o =
			    &c->hosts[i].forward_origins[j];
			const struct origin *p =
			    &back->hosts[i].forward_origins[j];

			assert_int_equal(o->line, p->line);
			assert_string_equal(c->hosts[i].forwards[j].id,
			    back->hosts[i].forwards[j].id);
		}
	assert_int_equal(c->diagnostic_count, back->diagnostic_count);
	assert_int_equal(c->file_count, back->file_count);
	plan_free(plan);
	config_free(twice);
	config_free(back);
	json_decref(before);
	json_decref(after);
}

/* Real files */

static void
copy(const char *from, const char *to)
{
	FILE *in = fopen(from, "r"), *out = fopen(to, "w");
	int c;

	assert_non_null(in);
	assert_non_null(out);
	while ((c = getc(in)) != EOF)
		putc(c, out);
	fclose(in);
	fclose(out);
}

/* Loads a copy of the file in a folder of its own; no commands are run. */
static struct config *
load_copy(const char *file, const char *name)
{
	char dir[] = "/tmp/hawser-test-XXXXXX";
	struct config_source source = { .dir = dir };
	struct config *c;
	char *folder, *ini, *path;
	FILE *f;

	umask(022);
	assert_non_null(mkdtemp(dir));
	folder = str_dupf("%s/conf.d", dir);
	ini = str_dupf("%s/hawser.ini", dir);
	path = str_dupf("%s/%s", folder, name);
	assert_int_equal(mkdir(folder, 0755), 0);
	f = fopen(ini, "w");
	assert_non_null(f);
	fputs("[supervisor]\nmatch_exec = no\n"
	    "inherit_ssh_config = no\n", f);
	fclose(f);
	copy(file, path);
	c = config_load(&source);
	unlink(path);
	unlink(ini);
	rmdir(folder);
	rmdir(dir);
	free(path);
	free(ini);
	free(folder);
	return c;
}

/* How many files of the folder were tried, how many hosts they have. */
static size_t
try_folder(const char *folder, size_t *hosts)
{
	DIR *dir = opendir(folder);
	const struct dirent *e;
	size_t files = 0;

	*hosts = 0;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		bool yaml = strstr(e->d_name, ".yaml") != NULL;
		char *path;
		struct config *c;

		if (!yaml && strstr(e->d_name, ".conf") == NULL)
			continue;
		path = str_dupf("%s/%s", folder, e->d_name);
		c = load_copy(path, yaml ? "x.yaml" : "x.conf");
		assert_round_trip(c);
		*hosts += c->host_count;
		files++;
		config_free(c);
		free(path);
	}
	if (dir != NULL)
		closedir(dir);
	return files;
}

static const char *
top(void)
{
	const char *dir = getenv("HAWSER_SOURCE_DIR");

	return dir != NULL ? dir : ".";
}

static void
real_files(void **state)
{
	const char *named = getenv("HAWSER_CORPUS");
	char *folder = named != NULL ? str_dup(named) :
	    str_dupf("%s/../shared/corpus", top());
	size_t files, hosts;

	(void)state;
	files = try_folder(folder, &hosts);
	print_message("# %zu files, %zu hosts in %s\n", files, hosts, folder);
	free(folder);
	if (files == 0)
		skip();
	assert_true(hosts > 0);
}

static void
samples(void **state)
{
	char *folder = str_dupf("%s/conf.d", top());
	size_t hosts;

	(void)state;
	assert_int_equal(try_folder(folder, &hosts), 3);
	assert_true(hosts >= 3);
	free(folder);
}

/* Models made by chance */

static uint64_t random_state;

static uint64_t
chance(uint64_t below)
{
	/* xorshift64: the same numbers everywhere. */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

/* New: letters, and what JSON, shells and terminals care about. */
static char *
any_text(void)
{
	static const char *const parts[] = { "a", "b.example", "/", "~", " ",
	    "\"", "\\", "'", "\t", "\n", "\x1b[31m", "%h", "${X}", "{", "]",
	    "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x9a\xa2", "\x7f", "0" };
	struct str s;

	str_init(&s);
	for (uint64_t n = chance(8); n > 0; n--)
		str_append(&s, parts[chance(sizeof(parts) /
		    sizeof(parts[0]))]);
	return str_take(&s);
}

static struct endpoint
any_endpoint(void)
{
	switch (chance(4)) {
	case 0:
		return (struct endpoint){ ENDPOINT_UNIX, any_text(), 0 };
	case 1:
		return (struct endpoint){ ENDPOINT_TCP, NULL,
		    (uint16_t)chance(65536) };
	default:
		return (struct endpoint){ ENDPOINT_TCP, any_text(),
		    (uint16_t)chance(65536) };
	}
}

static void
add_any_forward(struct host *h)
{
	char *file = any_text();
	struct forward f = {
		.kind = (enum forward_kind)chance(FORWARD_KIND_COUNT),
		.listen = any_endpoint(),
	};

	f.id = str_dupf("%zu", h->forward_count);
	if (f.kind == FORWARD_LOCAL || f.kind == FORWARD_REMOTE)
		f.target = any_endpoint();
	host_add_forward(h, &f, file, (int)chance(100000), (int)chance(80));
	forward_fini(&f);
	free(file);
}

#define MEMBER(type, h, offset) ((type *)((char *)(h) + (offset)))

static void
fill_strings(struct host *h, const struct keyword *k)
{
	char ***list = MEMBER(char **, h, k->at);
	size_t *count = MEMBER(size_t, h, k->count_at);

	if (*count > 0)		/* another row's field too */
		return;
	*count = chance(4);
	free(*list);
	*list = mem_alloc(*count * sizeof(**list));
	for (size_t i = 0; i < *count; i++)
		(*list)[i] = any_text();
}

/* Fills the field of a row; those of other types are put in elsewhere. */
static void
fill(struct host *h, const struct keyword *k)
{
	switch ((int)k->field) {
	case FIELD_STRING:
		free(*MEMBER(char *, h, k->at));
		*MEMBER(char *, h, k->at) = any_text();
		break;
	case FIELD_STRINGS:
		fill_strings(h, k);
		break;
	case FIELD_BOOL:
		*MEMBER(bool, h, k->at) = chance(2);
		break;
	case FIELD_INT:
	case FIELD_FAMILY:
	case FIELD_MASK:
	case FIELD_TOS:
		*MEMBER(int, h, k->at) = (int)chance(INT32_MAX);
		break;
	case FIELD_PORT:
		*MEMBER(uint16_t, h, k->at) = (uint16_t)chance(65536);
		break;
	case FIELD_ALGORITHMS:
		*MEMBER(struct algorithm_list, h, k->at) = chance(2) ?
		    (struct algorithm_list){ .names = str_dup("a,b"),
		    .is_arranged = chance(2), .origin = str_dup("f:1") } :
		    (struct algorithm_list){ 0 };
		break;
	case FIELD_CHECKING:
		h->checking = (enum host_key_checking)chance(3);
		break;
	case FIELD_MS_PAIR:
		*MEMBER(int64_t, h, k->count_at) = (int64_t)chance(INT64_MAX);
		/* FALLTHROUGH */
	case FIELD_MS:
		*MEMBER(int64_t, h, k->at) = (int64_t)chance(INT64_MAX);
		break;
	default:
		break;
	}
}

static struct config *
any_model(void)
{
	struct config *c = mem_alloc(sizeof(*c));

	c->host_count = chance(5);
	c->hosts = mem_alloc(c->host_count * sizeof(*c->hosts));
	for (size_t i = 0; i < c->host_count; i++) {
		struct host *h = &c->hosts[i];

		h->name = str_dupf("%zu", i);
		h->file = any_text();
		h->line = (int)chance(100000);
		for (int j = 0; j < KEYWORD_COUNT; j++)
			fill(h, keyword_get((enum keyword_id)j));
		for (uint64_t n = chance(6); n > 0; n--)
			add_any_forward(h);
	}
	return c;
}

static void
models_made_by_chance(void **state)
{
	const char *seed = getenv("HAWSER_SEED");

	(void)state;
	random_state = seed != NULL ? strtoull(seed, NULL, 10) : 20260101;
	if (random_state == 0)
		random_state = 1;	/* xorshift stays at 0 for ever */
	print_message("# HAWSER_SEED=%llu\n",
	    (unsigned long long)random_state);
	for (int i = 0; i < MODELS; i++) {
		struct config *c = any_model();

		assert_round_trip(c);
		config_free(c);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_files),
		cmocka_unit_test(samples),
		cmocka_unit_test(models_made_by_chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
