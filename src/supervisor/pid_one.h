/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_SUPERVISOR_PID_ONE_H
#define HAWSER_SUPERVISOR_PID_ONE_H

/*
 * pid_one: the first process of a container gets every process there whose
 * parent has died, such as what a ProxyCommand put into the background, and
 * has to reap it. hawserd doesn't wait for strangers: it runs below a process
 * that does nothing else.
 */

/*
 * Returns at once, but in process 1: there only in a child of it. Process 1
 * itself passes signals on to that, reaps, and exits as it did (128 and the
 * number of the signal that killed it).
 */
void pid_one_step_aside(void);

#endif
