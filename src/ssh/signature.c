/* SPDX-License-Identifier: ISC */
#include "ssh/signature.h"

#include <libssh2_priv.h>

#include <stdlib.h>
#include <string.h>

static const char *const wanted[] = { "rsa-sha2-512", "rsa-sha2-256" };
#define WANTED_COUNT	(sizeof(wanted) / sizeof(wanted[0]))

static bool
has_name(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = list; p != NULL; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, name, n) == 0 && (p[n] == ',' || p[n] == '\0'))
			return true;
	}
	return false;
}

bool
signature_prepare_rsa(LIBSSH2_SESSION *session)
{
	char *list = session->server_sign_algorithms;
	bool found[WANTED_COUNT] = { false };
	size_t len = 0;

	if (list == NULL)
		return false;
	for (size_t i = 0; i < WANTED_COUNT; i++)
		found[i] = has_name(list, wanted[i]);
	/* What is found was part of the list, and so it fits in its place. */
	for (size_t i = 0; i < WANTED_COUNT; i++) {
		if (!found[i])
			continue;
		if (len > 0)
			list[len++] = ',';
		memcpy(list + len, wanted[i], strlen(wanted[i]) + 1);
		len += strlen(wanted[i]);
	}
	return len > 0;
}

void
signature_forget_method(LIBSSH2_SESSION *session)
{
	free(session->userauth_pblc_method);
	session->userauth_pblc_method = NULL;
	session->userauth_pblc_method_len = 0;
}
