/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_CIRCLES_H
#define HAWSER_CONFIG_CIRCLES_H

#include "config/config.h"

/*
 * circles: forwards whose connections would go round for ever: from a
 * listener to itself, or through others back to it, on this machine and on
 * the servers, across all hosts that run.
 */
void circles_check(struct config *);

#endif
