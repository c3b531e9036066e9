/* SPDX-License-Identifier: ISC */
#include <string.h>

#include "base/str.h"
#include "config/host.h"

/* host_equal: do two hosts say the same? */

static bool
strings_equal(char *const *a, size_t n, char *const *b, size_t m)
{
	for (size_t i = 0; i < n && n == m; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return n == m;
}

static bool
forwards_equal(const struct host *a, const struct host *b)
{
	if (a->forward_count != b->forward_count)
		return false;
	for (size_t i = 0; i < a->forward_count; i++)
		if (!forward_equal(&a->forwards[i], &b->forwards[i]))
			return false;
	return true;
}

/* What makes a difference to a link makes one to a hop's. */
static bool
is_same_hop(const struct host *a, const struct host *b)
{
	if (!str_equal(a->name, b->name))
		return false;
	for (int i = 0; i < KEYWORD_COUNT; i++) {
		const struct keyword *k = keyword_get((enum keyword_id)i);

		if (k->reload == RELOAD_REPLACE && i != KW_HAWSERENABLED &&
		    !host_field_equal(k, a, b))
			return false;
	}
	return true;
}

static bool
jumps_equal(const struct host *a, const struct host *b)
{
	if (a->jump_count != b->jump_count)
		return false;
	for (size_t i = 0; i < a->jump_count; i++)
		if (!is_same_hop(&a->jumps[i], &b->jumps[i]))
			return false;
	return true;
}

bool
host_field_equal(const struct keyword *k, const struct host *a,
    const struct host *b)
{
#define SAME(type, offset) \
	(*HOST_MEMBER(type, a, offset) == *HOST_MEMBER(type, b, offset))
	switch (k->field) {
	case FIELD_NONE:
		return true;
	case FIELD_STRING:
		return str_equal(*HOST_MEMBER(char *, a, k->at),
		    *HOST_MEMBER(char *, b, k->at));
	case FIELD_STRINGS:
		return strings_equal(*HOST_MEMBER(char **, a, k->at),
		    *HOST_MEMBER(size_t, a, k->count_at),
		    *HOST_MEMBER(char **, b, k->at),
		    *HOST_MEMBER(size_t, b, k->count_at));
	case FIELD_BOOL:
		return SAME(bool, k->at);
	case FIELD_INT:
	case FIELD_FAMILY:
	case FIELD_CHOICE:
	case FIELD_MASK:
	case FIELD_TOS:
		return SAME(int, k->at);
	case FIELD_PORT:
		return SAME(uint16_t, k->at);
	case FIELD_CHECKING:
		return SAME(enum host_key_checking, k->at);
	case FIELD_MS:
		return SAME(int64_t, k->at);
	case FIELD_MS_PAIR:
		return SAME(int64_t, k->at) && SAME(int64_t, k->count_at);
	case FIELD_ALGORITHMS:
		return algorithm_list_equal(
		    HOST_MEMBER(const struct algorithm_list, a, k->at),
		    HOST_MEMBER(const struct algorithm_list, b, k->at));
	case FIELD_JUMPS:
		return jumps_equal(a, b);
	case FIELD_FORWARDS:
		return forwards_equal(a, b);
	}
	return true;
#undef SAME
}
