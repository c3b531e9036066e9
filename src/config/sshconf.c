/* SPDX-License-Identifier: ISC */
#include "config/sshconf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define BLANKS	" \t\r\n"

/*
 * Takes the word at *s: changes the string and moves *s behind the word, or
 * makes it NULL at the end. NULL if a quote isn't closed.
 */
static char *
take_word(char **s)
{
	char *word = *s, *end;
	char stop;

	if (word == NULL)
		return NULL;
	if ((end = strpbrk(word, BLANKS "\"=")) == NULL) {
		*s = NULL;
		return word;
	}
	stop = *end;
	if (stop == '"') {
		/* The quote goes, wherever in the word it stands. */
		memmove(end, end + 1, strlen(end));
		if ((end = strchr(end, '"')) == NULL) {
			*s = NULL;
			return NULL;
		}
		*end++ = '\0';
		*s = end + strspn(end, BLANKS);
		return word;
	}
	*end++ = '\0';
	end += strspn(end, BLANKS);
	/* One "=" is skipped, with blanks around it. */
	if (stop != '=' && *end == '=') {
		end++;
		end += strspn(end, BLANKS);
	}
	*s = end;
	return word;
}

/*
 * Appends one word from *s (unquoted) to out and moves *s behind it. 0, or -1
 * if a quote isn't closed.
 */
static int
take_argument(const char **s, struct str *out)
{
	const char *p = *s;
	char quote = '\0';

	for (; *p != '\0'; p++) {
		if (*p == '\\' && (p[1] == '\'' || p[1] == '"' ||
		    p[1] == '\\' || (quote == '\0' && p[1] == ' ')))
			str_append_n(out, ++p, 1);
		else if (quote == '\0' && (*p == ' ' || *p == '\t'))
			break;
		else if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (quote != '\0' && *p == quote)
			quote = '\0';
		else
			str_append_n(out, p, 1);
	}
	*s = p;
	return quote == '\0' ? 0 : -1;
}

static int
split(struct sshconf_line *line, struct err *err)
{
	const char *p = line->rest;

	for (;;) {
		struct str word;
		int rc;

		p += strspn(p, " \t");
		if (*p == '\0' || *p == '#')
			return 0;
		str_init(&word);
		rc = take_argument(&p, &word);
		line->argv = mem_grow(line->argv, line->argc + 1,
		    sizeof(*line->argv));
		line->argv[line->argc++] = str_take(&word);
		if (rc == -1)
			return err_set(err, ERR_INPUT,
			    "a quote isn't closed");
	}
}

/* Finds the keyword in a copy of the line. 0 if there is none, else 1. */
static int
take_keyword(struct sshconf_line *out, char *copy, struct err *err)
{
	char *s = copy, *word = take_word(&s);

	if (word != NULL && *word == '\0')	/* white space before it */
		word = take_word(&s);
	if (word == NULL)
		return err_set(err, ERR_NOTFOUND, "a quote in the keyword "
		    "isn't closed: this line is taken for a comment");
	if (*word == '\0' || *word == '#')
		return 0;
	out->keyword = str_dup(word);
	for (char *p = out->keyword; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	if (s != NULL)
		s += strspn(s, BLANKS);
	if (s == NULL || *s == '\0')
		return err_set(err, ERR_INPUT,
		    "nothing follows the keyword %s", word);
	out->rest = str_dup(s);
	return 1;
}

int
sshconf_parse_line(struct sshconf_line *out, const char *text, size_t n,
    struct err *err)
{
	char *copy;
	int rc;

	*out = (struct sshconf_line){ 0 };
	if (memchr(text, '\0', n) != NULL)
		return err_set(err, ERR_INPUT, "the line holds a NUL byte");
	/* The first byte stays, so that a form feed alone is a word. */
	while (n > 1 && strchr(BLANKS "\f", text[n - 1]) != NULL)
		n--;
	if (n == 0)
		return 0;
	copy = str_dupf("%.*s", (int)n, text);
	rc = take_keyword(out, copy, err);
	free(copy);
	if (rc <= 0)
		return rc;
	return split(out, err);
}

void
sshconf_line_fini(struct sshconf_line *line)
{
	free(line->keyword);
	free(line->rest);
	for (size_t i = 0; i < line->argc; i++)
		free(line->argv[i]);
	free(line->argv);
	*line = (struct sshconf_line){ 0 };
}
