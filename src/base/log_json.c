/* SPDX-License-Identifier: ISC */
#include "base/log_json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define PAIRS_MAX	32

/* Room that is kept for the end of a string and of the object. */
#define RESERVE		3

struct buffer {
	char *p;
	size_t len, limit;
};

/* A piece of text. Borrowed. */
struct piece {
	const char *p;
	size_t n;
};

struct pair {
	struct piece key, value;
};

/* All of the bytes or none. */
static bool
put(struct buffer *b, const char *bytes, size_t n)
{
	if (b->len + n > b->limit)
		return false;
	memcpy(b->p + b->len, bytes, n);
	b->len += n;
	return true;
}

static void
put_text(struct buffer *b, struct piece text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	bool fits = true;

	for (size_t i = 0; i < text.n && fits;) {
		size_t n = utf8_length(p + i, text.n - i);
		char escape[8];

		if (n == 0)
			fits = put(b, "\xef\xbf\xbd", 3);
		else if (p[i] == '"' || p[i] == '\\')
			fits = put(b, (char[]){ '\\', (char)p[i] }, 2);
		else if (p[i] < 0x20)
			fits = put(b, escape, (size_t)snprintf(escape,
			    sizeof(escape), "\\u%04x", p[i]));
		else
			fits = put(b, text.p + i, n);
		i += n == 0 ? 1 : n;
	}
}

static bool
is_equal(struct piece a, struct piece b)
{
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

/* Is it the key of a member before the i-th pair? */
static bool
is_taken(const struct pair *pairs, size_t i)
{
	static const struct piece taken[] = { { "time", 4 }, { "level", 5 },
	    { "who", 3 }, { "msg", 3 } };

	for (size_t n = 0; n < sizeof(taken) / sizeof(taken[0]); n++)
		if (is_equal(taken[n], pairs[i].key))
			return true;
	for (size_t n = 0; n < i; n++)
		if (is_equal(pairs[n].key, pairs[i].key))
			return true;
	return false;
}

/* One member; the first opens the object. Nothing if its key has no room. */
static void
put_member(struct buffer *b, const char *prefix, struct piece key,
    struct piece value)
{
	size_t before = b->len, limit = b->limit;

	if (!put(b, b->len == 0 ? "{\"" : ",\"", 2) ||
	    !put(b, prefix, strlen(prefix)) || !put(b, key.p, key.n) ||
	    !put(b, "\":\"", 3)) {
		b->len = before;
		return;
	}
	put_text(b, value);
	b->limit += RESERVE;	/* the string has to end */
	put(b, "\"", 1);
	b->limit = limit;
}

static bool
is_key_byte(char c)
{
	return islower((unsigned char)c) || isdigit((unsigned char)c) ||
	    c == '_';
}

/* The length of "key" if p begins with "key=", else 0. */
static size_t
key_length(const char *p)
{
	size_t n = 0;

	if (!islower((unsigned char)*p))
		return 0;
	while (is_key_byte(p[n]))
		n++;
	return p[n] == '=' ? n : 0;
}

/* The length of the value at p; a quoted one ends before the next pair. */
static size_t
value_length(const char *p)
{
	size_t n = 1;

	if (*p != '"')
		return strcspn(p, " ");
	while (p[n] != '\0' && !(p[n] == '"' && (p[n + 1] == '\0' ||
	    (p[n + 1] == ' ' && key_length(p + n + 2) > 0))))
		n++;
	return p[n] == '"' ? n + 1 : n;
}

static struct piece
unquote(const char *p, size_t n)
{
	if (n > 0 && *p == '"') {
		p++;
		n--;
		if (n > 0 && p[n - 1] == '"')
			n--;
	}
	return (struct piece){ p, n };
}

/* Cuts text into pairs. Their number, or 0 if it is anything else. */
static size_t
cut_pairs(const char *p, struct pair *out)
{
	size_t count = 0;

	while (count < PAIRS_MAX) {
		size_t key = key_length(p), value;

		if (key == 0)
			return 0;
		value = value_length(p + key + 1);
		out[count++] = (struct pair){ { p, key },
		    unquote(p + key + 1, value) };
		p += key + 1 + value;
		if (*p == '\0')
			return count;
		if (*p++ != ' ')
			return 0;
	}
	return 0;
}

/* Where in text the pairs begin; text.n of the clause goes to *clause. */
static size_t
find_pairs(const char *text, struct piece *clause, struct pair *out)
{
	size_t count = cut_pairs(text, out);

	*clause = (struct piece){ text, count > 0 ? 0 : strlen(text) };
	for (const char *p = text; count == 0 &&
	    (p = strchr(p, ' ')) != NULL; p++)
		if ((count = cut_pairs(p + 1, out)) > 0)
			clause->n = (size_t)(p - text);
	return count;
}

size_t
log_json(char *out, size_t size, const struct log_json_event *e)
{
	struct buffer b = { .p = out, .limit = size - RESERVE };
	struct pair pairs[PAIRS_MAX];
	struct piece clause;
	size_t count = find_pairs(e->text, &clause, pairs);

	put_member(&b, "", (struct piece){ "time", 4 },
	    (struct piece){ e->time, strlen(e->time) });
	put_member(&b, "", (struct piece){ "level", 5 },
	    (struct piece){ e->level, strlen(e->level) });
	put_member(&b, "", (struct piece){ "who", 3 },
	    (struct piece){ e->who, strlen(e->who) });
	put_member(&b, "", (struct piece){ "msg", 3 }, clause);
	for (size_t i = 0; i < count; i++)
		put_member(&b, is_taken(pairs, i) ? "_" : "",
		    pairs[i].key, pairs[i].value);
	b.limit = size;
	put(&b, "}", 1);
	out[b.len] = '\0';
	return b.len;
}
