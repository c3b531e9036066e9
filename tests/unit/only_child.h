/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_TESTS_ONLY_CHILD_H
#define HAWSER_TESTS_ONLY_CHILD_H

#include <sys/types.h>

/* The pid of this test's only child. 0: there is none. */
pid_t only_child(void);

#endif
