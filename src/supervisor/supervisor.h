/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_SUPERVISOR_H
#define HAWSER_SUPERVISOR_SUPERVISOR_H

/*
 * supervisor: hawserd from its command line to its exit code: 0 after a
 * signal to stop, 1 if it could not start, 2 if the command line is wrong.
 */
int supervisor_main(int argc, char **argv);

#endif
