/* SPDX-License-Identifier: BSD-2-Clause */
#include "tools/streams.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hypike/wire.h>

#define LAST_WORDS "hypike: exit status "
#define PANIC	   "hypike: panic"
#define LINE_MAX   4096u

/* One console, or the kernel's lines. */
struct stream {
	const char *name; /* NULL: the kernel */
	const char *colour;
	FILE *log;
	char line[LINE_MAX]; /* not shown yet */
	size_t length;
};

struct streams {
	struct streams_options options;
	struct stream stream[WIRE_STREAMS];
	size_t count;	 /* of streams, the kernel's included */
	size_t current;	 /* whose bytes come now */
	enum { TEXT, DEBUG, LINK } kind; /* ... of which kind */
	size_t selected; /* who has the keys */
	size_t alone;	 /* shown byte by byte; 0: none */
	bool escaped;
	struct stream *inside; /* whose unfinished line is on the screen */
	int status;
	bool panicked;
	char out[8192];
	size_t out_length;
	char console[4096]; /* for options.console */
	size_t console_length;
};

/* ---- output ---- */

static void flush_console(struct streams *streams)
{
	if (streams->console_length > 0)
		streams->options.console(streams->console, streams->console_length);
	streams->console_length = 0;
}

static void flush_out(struct streams *streams)
{
	write_all(streams->options.output, streams->out, streams->out_length);
	streams->out_length = 0;
}

static void put(struct streams *streams, const char *text, size_t size)
{
	while (size > 0) {
		const size_t room = sizeof(streams->out) - streams->out_length;
		const size_t count = size < room ? size : room;

		memcpy(streams->out + streams->out_length, text, count);
		streams->out_length += count;
		text += count;
		size -= count;
		if (streams->out_length == sizeof(streams->out))
			flush_out(streams);
	}
}

static void put_console(struct streams *streams, char c)
{
	if (streams->options.console == NULL)
		return;
	if (streams->console_length == sizeof(streams->console))
		flush_console(streams);
	streams->console[streams->console_length++] = c;
}

static void put_text(struct streams *streams, const char *text)
{
	put(streams, text, strlen(text));
}

/* ---- lines ---- */

/* What the kernel says of itself, whatever is shown. */
static void read_kernel_line(struct streams *streams, const char *line, size_t length)
{
	const size_t prefix = strlen(LAST_WORDS);
	char text[64] = "";
	char *end;
	long status;

	memcpy(text, line, length < sizeof(text) - 1 ? length : sizeof(text) - 1);
	if (strncmp(text, PANIC, strlen(PANIC)) == 0)
		streams->panicked = true;
	if (strncmp(text, LAST_WORDS, prefix) != 0)
		return;
	status = strtol(text + prefix, &end, 10);
	if (end != text + prefix && *end == '\0' && status >= 0 && status <= 255)
		streams->status = (int)status;
}

static void begin_line(struct streams *streams, struct stream *stream)
{
	if (streams->inside == stream)
		return;
	if (streams->inside != NULL)
		put_text(streams, "\n");
	if (stream->name != NULL) {
		put_text(streams, stream->colour);
		put_text(streams, stream->name);
		put_text(streams, *stream->colour ? "\x1b[0m| " : "| ");
	}
	streams->inside = stream;
}

/* Alone: of the kernel only a panic is shown. */
static bool is_shown(const struct streams *streams, const struct stream *stream)
{
	return streams->alone == 0 || stream == &streams->stream[streams->alone] ||
	       (stream->name == NULL && streams->panicked);
}

static void show(struct streams *streams, struct stream *stream, bool whole)
{
	if (is_shown(streams, stream) && (stream->length > 0 || whole)) {
		begin_line(streams, stream);
		put(streams, stream->line, stream->length);
		if (whole) {
			put_text(streams, "\n");
			streams->inside = NULL;
		}
	}
	stream->length = 0;
}

static void end_line(struct streams *streams, struct stream *stream)
{
	if (stream->name == NULL)
		read_kernel_line(streams, stream->line, stream->length);
	show(streams, stream, true);
}

/* ---- bytes ---- */

static bool is_raw(const struct streams *streams, const struct stream *stream)
{
	return stream->name != NULL &&
	       (streams->options.count == 1 || stream == &streams->stream[streams->alone]);
}

static void take_raw(struct streams *streams, struct stream *stream, char c)
{
	put_console(streams, c);
	if (streams->options.elsewhere)
		return;
	/* Behind a line of the kernel's at the left margin. */
	if (streams->inside != NULL && streams->inside != stream)
		put_text(streams, "\n");
	put(streams, &c, 1);
	streams->inside = c == '\n' ? NULL : stream;
}

static void take_byte(struct streams *streams, char c)
{
	struct stream *stream = &streams->stream[streams->current];

	if (streams->kind == DEBUG && (uint8_t)c == WIRE_DEBUG_HELLO && streams->options.present != NULL)
		streams->options.present();
	if (streams->kind == DEBUG)
		gdb_take(streams->options.gdb, streams->current - 1, (uint8_t)c);
	if (streams->kind == LINK && streams->options.link != NULL && streams->current == 1)
		link_take(streams->options.link, (const uint8_t *)&c, 1);
	if (streams->kind != TEXT)
		return;
	if (stream->log != NULL)
		putc(c, stream->log);
	if (is_raw(streams, stream)) {
		take_raw(streams, stream, c);
		return;
	}
	if (c == '\n')
		end_line(streams, stream);
	else if (c != '\r')
		stream->line[stream->length++] = c;
	if (stream->length == LINE_MAX)
		show(streams, stream, false);
}

static void take_escaped(struct streams *streams, uint8_t c)
{
	if (c >= WIRE_STREAM && c - WIRE_STREAM < streams->count) {
		streams->current = c - WIRE_STREAM;
		streams->kind = TEXT;
	} else if (c >= WIRE_DEBUG && c - WIRE_DEBUG + 1u < streams->count) {
		streams->current = c - WIRE_DEBUG + 1u;
		streams->kind = DEBUG;
	} else if (c >= WIRE_LINK && c - WIRE_LINK + 1u < streams->count) {
		streams->current = c - WIRE_LINK + 1u;
		streams->kind = LINK;
	} else {
		take_byte(streams, (char)c);
	}
}

void streams_take(struct streams *streams, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (streams->options.count != 0 && !streams->escaped &&
		    (uint8_t)text[i] == WIRE_ESCAPE) {
			streams->escaped = true;
			continue;
		}
		if (streams->escaped)
			take_escaped(streams, (uint8_t)text[i]);
		else
			take_byte(streams, text[i]);
		streams->escaped = false;
	}
	flush_console(streams);
	flush_out(streams);
	gdb_flush(streams->options.gdb);
}

bool streams_waiting(const struct streams *streams)
{
	return streams->selected != 0 && streams->stream[streams->selected].length > 0;
}

void streams_idle(struct streams *streams)
{
	if (streams_waiting(streams))
		show(streams, &streams->stream[streams->selected], false);
	flush_out(streams);
}

/* ---- keys ---- */

size_t streams_key(const struct streams *streams, char key, char out[2])
{
	out[0] = out[1] = key;
	return streams->options.count != 0 && (uint8_t)key == WIRE_ESCAPE ? 2 : 1;
}

size_t streams_select(struct streams *streams, size_t which, char out[2])
{
	if (which >= streams->options.count)
		return 0;
	streams->selected = which + 1;
	return streams_select_again(streams, out);
}

size_t streams_select_again(const struct streams *streams, char out[2])
{
	out[0] = (char)WIRE_ESCAPE;
	out[1] = (char)(WIRE_STREAM + streams->selected);
	return 2;
}

size_t streams_select_next(struct streams *streams, char out[2])
{
	if (streams->options.count == 0)
		return 0;
	return streams_select(streams, streams->selected % streams->options.count, out);
}

const char *streams_selected(const struct streams *streams)
{
	return streams->options.count > 1 ? streams->stream[streams->selected].name : NULL;
}

/* ---- from the first byte to the last ---- */

static bool open_log(struct streams *streams, struct stream *stream)
{
	char *path;

	if (streams->options.directory == NULL)
		return true;
	path = string_format("%s/%s.log", streams->options.directory,
			     stream->name != NULL ? stream->name : "hypike-kernel");
	stream->log = fopen(path, "wb");
	if (stream->log == NULL)
		return report("%s: %s", path, strerror(errno));
	free(path);
	return true;
}

static bool add_partitions(struct streams *streams)
{
	static const char *const colours[] = {"\x1b[36m", "\x1b[32m", "\x1b[33m",
					      "\x1b[35m", "\x1b[34m", "\x1b[31m"};
	const struct streams_options *options = &streams->options;

	for (size_t i = 0; i < options->count; i++) {
		struct stream *stream = &streams->stream[i + 1];

		stream->name = options->names[i];
		stream->colour =
			options->colours ? colours[i % (sizeof(colours) / sizeof(colours[0]))] : "";
		if (options->alone != NULL && strcmp(options->alone, stream->name) == 0)
			streams->alone = i + 1;
		if (!open_log(streams, stream))
			return false;
	}
	if (options->alone != NULL && streams->alone == 0)
		return report("--console %s: there is no such partition", options->alone);
	return true;
}

struct streams *streams_open(const struct streams_options *options)
{
	struct streams *streams = memory_new(sizeof(*streams));

	streams->options = *options;
	streams->count = options->count + 1;
	streams->status = -1;
	if (options->count >= WIRE_STREAMS) {
		report("more than %u partitions", WIRE_STREAMS - 1);
		return NULL;
	}
	streams->stream[0].colour = "";
	if (!open_log(streams, &streams->stream[0]) || !add_partitions(streams))
		return NULL;
	/* A kernel of somebody else's has one console, with nothing to be read in it. */
	if (options->count == 0)
		streams->stream[0].name = "";
	streams->selected = streams->alone != 0 ? streams->alone
			    : options->count != 0 ? options->keys + 1
						  : 0;
	return streams;
}

void streams_close(struct streams *streams)
{
	for (size_t i = 0; i < streams->count; i++) {
		show(streams, &streams->stream[i], false);
		if (streams->stream[i].log != NULL)
			fclose(streams->stream[i].log);
	}
	/* What follows begins on a line of its own. */
	if (streams->inside != NULL && isatty(streams->options.output))
		put_text(streams, "\n");
	flush_out(streams);
}

int streams_status(const struct streams *streams)
{
	return streams->status;
}

bool streams_panicked(const struct streams *streams)
{
	return streams->panicked;
}
