/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_TOGETHER_H
#define HAWSER_CONFIG_TOGETHER_H

#include "config/config.h"

/*
 * together: what the hosts of a configuration do to each other. A local port
 * or socket can be listened on once, a server's too (HostName and Port say
 * which server), and no connection may go round in circles. What can't be is
 * an error in the same config.
 */
void together_check(struct config *);

#endif
