/* SPDX-License-Identifier: ISC */
#ifndef HAWSER_CONFIG_REPORT_H
#define HAWSER_CONFIG_REPORT_H

#include <stdarg.h>

#include "config/config.h"

/*
 * report: how the rooms of this folder say what they have found. A sentence
 * that was already said about the same line isn't said again (a block is
 * evaluated once for each host), and after REPORT_MAX sentences only their
 * number grows in the last one.
 */

#define REPORT_MAX	1000

/* Adds a diagnostic. file (copied) may be NULL, line may be 0. */
void report_add(struct config *, enum severity, const char *file, int line,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* The same with a column; 0 if it isn't known. */
void report_add_at(struct config *, enum severity, const char *file, int line,
    int column, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

void report_add_list(struct config *, enum severity, const char *file,
    int line, int column, const char *fmt, va_list)
    __attribute__((format(printf, 6, 0)));

/* New: "file:line:column", without a column that is 0. */
char *report_place(const char *file, int line, int column);

/* Puts what was said in the order of the lines, file by file. */
void report_sort(struct config *);

#endif
