/* SPDX-License-Identifier: ISC */
#include "ssh/kexinit.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "ssh/packet.h"

#define COOKIE_SIZE	16
#define SHOWN_MAX	360	/* bytes of a list that are shown */

static const struct {
	const char *name;
	int kind;		/* enum algorithm_kind, or -1 */
} rows[] = {
	[KEXINIT_KEX] = { "key exchange", ALGORITHM_KEX },
	[KEXINIT_HOST_KEY] = { "host key", ALGORITHM_HOST_KEY },
	[KEXINIT_CIPHER_C2S] = { "cipher", ALGORITHM_CIPHER },
	[KEXINIT_CIPHER_S2C] = { "cipher", ALGORITHM_CIPHER },
	[KEXINIT_MAC_C2S] = { "MAC", ALGORITHM_MAC },
	[KEXINIT_MAC_S2C] = { "MAC", ALGORITHM_MAC },
	[KEXINIT_COMPRESSION_C2S] = { "compression", -1 },
	[KEXINIT_COMPRESSION_S2C] = { "compression", -1 },
};
static_assert(sizeof(rows) / sizeof(rows[0]) == KEXINIT_LIST_COUNT,
    "one row per list");

struct span {
	const char *p;
	size_t len;
};

static bool
same(struct span a, struct span b)
{
	return a.len == b.len && memcmp(a.p, b.p, a.len) == 0;
}

/* Is the name one of the comma-separated ones in list? */
static bool
has(struct span list, struct span name)
{
	while (list.len > 0) {
		const char *comma = memchr(list.p, ',', list.len);
		size_t n = comma != NULL ? (size_t)(comma - list.p) : list.len;

		if (same((struct span){ list.p, n }, name))
			return true;
		if (comma == NULL)
			return false;
		list.p += n + 1;
		list.len -= n + 1;
	}
	return false;
}

/* The first of ours that theirs has; len 0 if there is none. */
static struct span
choose(const char *ours, struct span theirs)
{
	while (*ours != '\0') {
		struct span name = { ours, strcspn(ours, ",") };

		if (has(theirs, name))
			return name;
		ours += name.len;
		ours += *ours == ',';
	}
	return (struct span){ ours, 0 };
}

static bool
needs_mac(struct span cipher)
{
	static const char gcm[] = "-gcm@openssh.com";
	static const char chacha[] = "chacha20-poly1305@openssh.com";

	if (cipher.len == sizeof(chacha) - 1 &&
	    memcmp(cipher.p, chacha, cipher.len) == 0)
		return false;
	return cipher.len < sizeof(gcm) - 1 || memcmp(cipher.p + cipher.len -
	    (sizeof(gcm) - 1), gcm, sizeof(gcm) - 1) != 0;
}

/* The beginning of a list, for people. */
static void
show(char out[SHOWN_MAX + 4], const char *names, size_t len)
{
	size_t n = len < SHOWN_MAX ? len : SHOWN_MAX;

	memcpy(out, names, n);
	strcpy(out + n, n < len ? "..." : "");
	str_make_printable(out);
}

static int
no_match(const struct kexinit_offer *offer, enum kexinit_list i,
    struct span theirs, struct err *err)
{
	const int kind = rows[i].kind;
	const char *ours = offer->lists[i], *origin = NULL, *keyword;
	char they[SHOWN_MAX + 4], we[SHOWN_MAX + 4];

	show(they, theirs.p, theirs.len);
	show(we, ours, strlen(ours));
	if (kind == -1 || offer->said == NULL)
		return err_set(err, ERR_REFUSED, "no common %s algorithm: the "
		    "server offers %s; hawser asks for %s", rows[i].name,
		    they, we);
	origin = offer->said->lists[kind].origin;
	keyword = algorithm_keyword((enum algorithm_kind)kind);
	return err_set(err, ERR_REFUSED, "no common %s algorithm: the server "
	    "offers %s; hawser asks for %s (%s%s%s)", rows[i].name, they, we,
	    keyword, origin != NULL ? " at " : " can change that",
	    origin != NULL ? origin : "");
}

int
kexinit_check(const uint8_t *packet, size_t n,
    const struct kexinit_offer *offer, struct err *err)
{
	struct span chosen[KEXINIT_LIST_COUNT], list;
	struct reader r;
	bool mac = true;

	reader_init(&r, packet, n);
	reader_skip(&r, 1 + COOKIE_SIZE);
	for (int i = 0; i < KEXINIT_LIST_COUNT; i++) {
		list.p = (const char *)reader_string(&r, &list.len);
		if (r.broken)
			return err_set(err, ERR_PROTOCOL,
			    "the server's KEXINIT packet is malformed");
		chosen[i] = choose(offer->lists[i], list);
		if (i == KEXINIT_MAC_C2S)
			mac = needs_mac(chosen[KEXINIT_CIPHER_C2S]);
		if ((i == KEXINIT_MAC_C2S || i == KEXINIT_MAC_S2C) && !mac)
			continue;
		if (chosen[i].len == 0)
			return no_match(offer, (enum kexinit_list)i, list,
			    err);
	}
	if (!same(chosen[KEXINIT_CIPHER_C2S], chosen[KEXINIT_CIPHER_S2C]))
		return err_set(err, ERR_PROTOCOL,
		    "the server wants a different cipher per direction");
	if (!same(chosen[KEXINIT_COMPRESSION_C2S],
	    chosen[KEXINIT_COMPRESSION_S2C]))
		return err_set(err, ERR_PROTOCOL,
		    "the server wants a different compression per direction");
	return 0;
}
