/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_LOCALNET_H
#define HAWSER_CONFIG_LOCALNET_H

#include <stdbool.h>

/*
 * localnet: Match localnetwork: lists of networks "address/bits" (or single
 * addresses), separated by commas.
 */

/* Is it such a list? The bits behind each network have to be zero. */
bool localnet_is_list(const char *networks);

/* Does an address of an interface that is up lie in one of them? */
bool localnet_has(const char *networks);

#endif
