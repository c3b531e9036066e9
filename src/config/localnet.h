/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_LOCALNET_H
#define HAWSER_CONFIG_LOCALNET_H

#include <stdbool.h>

/*
 * localnet: Match localnetwork. Does an address of an interface that is up
 * lie in one of the networks "address/bits", separated by commas? One with
 * "!" that holds beats the others. What isn't a network never holds.
 */
bool localnet_has(const char *networks);

#endif
