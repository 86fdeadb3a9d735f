/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file complaints.h
 * What is wrong with a configuration file: collected, so that one run shows everything, and printed in
 * the order of the file as compilers do, `file:line:column: error: reason`, the line, and a caret.
 */
#ifndef TOOLS_COMPLAINTS_H
#define TOOLS_COMPLAINTS_H

#include <stdio.h>

#include "tools/util.h"

/** Where something stands in a file. */
struct place {
	unsigned line;	 /**< from 1; 0: nowhere in particular */
	unsigned column; /**< in characters, from 1 */
	unsigned width;	 /**< characters to underline; 0 counts as 1 */
};

enum severity { COMPLAINT_ERROR, COMPLAINT_WARNING };

struct complaint {
	enum severity severity;
	struct place place;
	char *text;
};

/** The complaints about one file. */
struct complaints {
	char *path;	   /**< as the user named it */
	struct bytes text; /**< the file's bytes; released with the rest */
	struct complaint *list;
	size_t count;
	size_t errors, warnings;
};

/** Note a complaint. The same one at the same place is noted once. */
void complain(struct complaints *complaints, enum severity severity, struct place place,
	      const char *format, ...) __attribute__((format(printf, 4, 5)));

/**
 * Print all, in the order of the file.
 *
 * @req TOOL-111 Every error of a configuration file is reported as `file:line:column: error: reason`
 *               with the source line and a caret, all of them in one run.
 */
void complaints_print(const struct complaints *complaints, FILE *out);
/** The same as a JSON array. */
void complaints_print_json(const struct complaints *complaints, FILE *out);
void complaints_free(struct complaints *complaints);

/** Print a string as JSON, with its quotes. */
void json_print_string(FILE *out, const char *text);

#endif
