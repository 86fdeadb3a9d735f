/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/complaints.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static const char *const severities[] = {
	[COMPLAINT_ERROR] = "error",
	[COMPLAINT_WARNING] = "warning",
};

static bool same_place(const struct place *a, const struct place *b)
{
	return a->line == b->line && a->column == b->column;
}

static bool known(const struct complaints *complaints, const struct place *place, const char *text)
{
	for (size_t i = 0; i < complaints->count; i++)
		if (same_place(&complaints->list[i].place, place) &&
		    strcmp(complaints->list[i].text, text) == 0)
			return true;
	return false;
}

/* Stays in the order of the file; of one place, in the order of finding. */
static void insert(struct complaints *complaints, const struct complaint *complaint)
{
	size_t at = complaints->count;

	complaints->list = memory_grow(complaints->list, complaints->count + 1,
				       sizeof(*complaints->list));
	while (at > 0 && (complaints->list[at - 1].place.line > complaint->place.line ||
			  (complaints->list[at - 1].place.line == complaint->place.line &&
			   complaints->list[at - 1].place.column > complaint->place.column)))
		at--;
	memmove(&complaints->list[at + 1], &complaints->list[at],
		(complaints->count - at) * sizeof(*complaints->list));
	complaints->list[at] = *complaint;
	complaints->count++;
}

void complain(struct complaints *complaints, enum severity severity, struct place place,
	      const char *format, ...)
{
	struct complaint complaint = {.severity = severity, .place = place};
	va_list args;

	va_start(args, format);
	complaint.text = string_vformat(format, args);
	va_end(args);
	if (known(complaints, &place, complaint.text)) {
		free(complaint.text);
		return;
	}
	if (severity == COMPLAINT_ERROR)
		complaints->errors++;
	else
		complaints->warnings++;
	insert(complaints, &complaint);
}

/* ---- text ---- */

/* @return the line's bytes; their number in *size. */
static const char *line_of(const struct bytes *text, unsigned line, size_t *size)
{
	const char *at = (const char *)text->data;
	const char *end = at + text->size;

	while (line > 1 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		at = newline != NULL ? newline + 1 : end;
		line--;
	}
	*size = 0;
	while (at + *size < end && at[*size] != '\n' && at[*size] != '\r')
		++*size;
	return at;
}

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Nothing that a terminal would obey. */
static void print_source(FILE *out, const char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		const unsigned char c = (unsigned char)line[i];

		fputc((c < 0x20 && c != '\t') || c == 0x7f ? '?' : c, out);
	}
	fputc('\n', out);
}

static void print_caret(FILE *out, const char *line, size_t size, const struct place *place)
{
	unsigned column = 1, left = 0;
	size_t i = 0;

	for (; i < size && column < place->column; i++) {
		if (continues_character(line[i]))
			continue;
		fputc(line[i] == '\t' ? '\t' : ' ', out);
		column++;
	}
	while (i < size && continues_character(line[i]))
		i++;
	for (size_t at = i; at < size; at++)
		left += !continues_character(line[at]);
	fputc('^', out);
	for (unsigned n = 1; n < place->width && n < left; n++)
		fputc('~', out);
	fputc('\n', out);
}

static void print_one(const struct complaints *complaints, const struct complaint *complaint,
		      FILE *out)
{
	const char *line;
	size_t size;

	if (complaint->place.line == 0) {
		fprintf(out, "%s: %s: %s\n", complaints->path, severities[complaint->severity],
			complaint->text);
		return;
	}
	fprintf(out, "%s:%u:%u: %s: %s\n", complaints->path, complaint->place.line,
		complaint->place.column, severities[complaint->severity], complaint->text);
	line = line_of(&complaints->text, complaint->place.line, &size);
	if (line == (const char *)complaints->text.data + complaints->text.size)
		return; /* behind the last */
	fputs("    ", out);
	print_source(out, line, size);
	fputs("    ", out);
	print_caret(out, line, size, &complaint->place);
}

void complaints_print(const struct complaints *complaints, FILE *out)
{
	for (size_t i = 0; i < complaints->count; i++)
		print_one(complaints, &complaints->list[i], out);
}

/* ---- JSON ---- */

void json_print_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

void complaints_print_json(const struct complaints *complaints, FILE *out)
{
	fputc('[', out);
	for (size_t i = 0; i < complaints->count; i++) {
		const struct complaint *complaint = &complaints->list[i];

		fputs(i ? ",\n  {\"file\": " : "\n  {\"file\": ", out);
		json_print_string(out, complaints->path);
		fprintf(out, ", \"line\": %u, \"column\": %u, \"severity\": \"%s\", \"text\": ",
			complaint->place.line, complaint->place.column,
			severities[complaint->severity]);
		json_print_string(out, complaint->text);
		fputc('}', out);
	}
	fputc(']', out);
}

void complaints_free(struct complaints *complaints)
{
	for (size_t i = 0; i < complaints->count; i++)
		free(complaints->list[i].text);
	free(complaints->list);
	free(complaints->path);
	free(complaints->text.data);
	*complaints = (struct complaints){0};
}
