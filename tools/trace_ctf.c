/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Common Trace Format 1.8: the description of the data in TSDL (`metadata`), and a file for each CPU.
 * All integers are little-endian and lie side by side. Times count TSC ticks from the start of the
 * kernel.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/trace_names.h"
#include "tools/trace_output.h"
#include "tools/util.h"

#define CTF_MAGIC  UINT32_C(0xC1FC1FC1) /* CTF 1.8.2, 5.2 */
#define ID_UNKNOWN 65535u

/* ---- metadata ---- */

static const char *const head =
	"/* CTF 1.8 */\n\n"
	"typealias integer { size = 16; align = 8; signed = false; } := uint16_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; } := uint32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; } := uint64_t;\n"
	"typealias integer { size = 32; align = 8; signed = false; base = 16; } := hex32_t;\n"
	"typealias integer { size = 64; align = 8; signed = false; base = 16; } := hex64_t;\n\n"
	"trace {\n"
	"\tmajor = 1;\n\tminor = 8;\n\tbyte_order = le;\n"
	"\tpacket.header := struct { uint32_t magic; uint32_t stream_id; };\n"
	"};\n\n"
	"env { domain = \"kernel\"; tracer_name = \"hypike\"; tracer_major = 1; tracer_minor = 0; };\n\n";

static const char *const stream =
	"typealias integer {\n"
	"\tsize = 64; align = 8; signed = false; map = clock.tsc.value;\n"
	"} := tsc_t;\n\n"
	"stream {\n"
	"\tid = 0;\n"
	"\tpacket.context := struct {\n"
	"\t\ttsc_t timestamp_begin;\n\t\ttsc_t timestamp_end;\n"
	"\t\tuint64_t content_size;\n\t\tuint64_t packet_size;\n"
	"\t\tuint64_t events_discarded;\n\t\tuint32_t cpu_id;\n"
	"\t};\n"
	"\tevent.header := struct { uint16_t id; tsc_t timestamp; };\n"
	"\tevent.context := struct { partition_t partition; };\n"
	"};\n\n";

static void write_partitions(const struct trace_log *log, FILE *out)
{
	fputs("typealias enum : uint16_t {\n", out);
	for (uint32_t i = 0; i < log->partition_count; i++)
		fprintf(out, "\t\"%s\" = %u,\n", log->partitions[i], i);
	fprintf(out, "\t\"-\" = %u,\n} := partition_t;\n\n", TRACE_NO_PARTITION);
}

static unsigned bits_of(const struct trace_field *field)
{
	return field->source == TRACE_FROM_A ? 64 : 32;
}

static void write_enum(const struct trace_field *field, const char *const *words, uint32_t count,
		       FILE *out)
{
	fprintf(out, "\t\tenum : uint%u_t {", bits_of(field));
	for (uint32_t i = 0; i < count; i++)
		if (words[i] != NULL)
			fprintf(out, " \"%s\" = %u,", words[i], i);
	fprintf(out, " } %s;\n", field->name);
}

static void write_field(const struct trace_field *field, FILE *out)
{
	uint32_t count;
	const char *const *words = trace_words(field->kind, &count);

	if (words != NULL)
		write_enum(field, words, count, out);
	else
		fprintf(out, "\t\t%s%u_t %s;\n",
			field->kind == TRACE_KIND_HEX ? "hex" : "uint", bits_of(field), field->name);
}

static void write_event(unsigned id, const struct trace_shape *shape, FILE *out)
{
	fprintf(out,
		"event {\n\tid = %u;\n\tname = \"%s\";\n\tstream_id = 0;\n\tfields := struct {\n", id,
		shape->name);
	for (unsigned i = 0; i < TRACE_MAX_FIELDS && shape->fields[i].name != NULL; i++)
		write_field(&shape->fields[i], out);
	fputs("\t};\n};\n\n", out);
}

static void write_metadata(const struct trace_log *log, FILE *out)
{
	fputs(head, out);
	fprintf(out,
		"clock {\n\tname = tsc;\n\tdescription = \"time-stamp counter\";\n"
		"\tfreq = %" PRIu64 ";\n\toffset = 0;\n};\n\n",
		log->tsc_khz * 1000);
	write_partitions(log, out);
	fputs(stream, out);
	for (unsigned id = 0; id < TRACE_EVENTS; id++)
		write_event(id, trace_shape(id), out);
	write_event(ID_UNKNOWN, trace_shape(ID_UNKNOWN), out);
}

/* ---- packets ---- */

/* The packet that is being made. */
struct packet {
	struct bytes bytes;
	size_t capacity;
	uint64_t begin, end; /* times */
	uint64_t discarded;  /* events of this CPU so far */
	uint64_t next;	     /* number of the record behind */
};

/* Where things are in a packet's head. */
#define PACKET_HEAD 52u

static void put(struct packet *packet, uint64_t value, size_t size)
{
	struct bytes *bytes = &packet->bytes;

	if (bytes->size + size > packet->capacity) {
		packet->capacity = 2 * packet->capacity + 4096;
		bytes->data = memory_grow(bytes->data, packet->capacity, 1);
	}
	for (size_t i = 0; i < size; i++)
		bytes->data[bytes->size++] = (uint8_t)(value >> 8 * i);
}

static void put_head(struct packet *packet, uint32_t cpu, uint64_t size)
{
	put(packet, CTF_MAGIC, 4);
	put(packet, 0, 4);
	put(packet, packet->begin, 8);
	put(packet, packet->end, 8);
	put(packet, size * 8, 8);
	put(packet, size * 8, 8);
	put(packet, packet->discarded, 8);
	put(packet, cpu, 4);
}

/* The head is known only now; it is written over the room that was left for it. */
static void finish_packet(struct packet *packet, uint32_t cpu, FILE *out)
{
	size_t size = packet->bytes.size;

	if (size <= PACKET_HEAD)
		return;
	packet->bytes.size = 0;
	put_head(packet, cpu, size);
	fwrite(packet->bytes.data, 1, size, out);
	packet->bytes.size = 0;
}

static uint64_t since_boot(const struct trace_log *log, uint64_t tsc)
{
	return tsc > log->tsc_boot ? tsc - log->tsc_boot : 0;
}

static void put_item(struct packet *packet, const struct trace_log *log,
		     const struct trace_event_item *item)
{
	const struct trace_record *record = &item->record;
	const struct trace_shape *shape = trace_shape(record->event);
	bool known = shape != trace_shape(ID_UNKNOWN);

	packet->end = since_boot(log, record->tsc);
	put(packet, known ? record->event : ID_UNKNOWN, 2);
	put(packet, packet->end, 8);
	put(packet, record->partition, 2);
	for (unsigned i = 0; i < TRACE_MAX_FIELDS && shape->fields[i].name != NULL; i++) {
		const struct trace_field *field = &shape->fields[i];
		uint64_t value = trace_value(record, field);

		put(packet, field->kind == TRACE_KIND_TIME ? since_boot(log, value) : value,
		    bits_of(field) / 8);
	}
}

#define PACKET_MAX 65536u

static void write_stream(const struct trace_log *log, uint32_t cpu, FILE *out)
{
	struct packet packet = {0};

	for (size_t i = 0; i < log->count; i++) {
		const struct trace_event_item *item = &log->items[i];

		if (item->cpu != cpu)
			continue;
		if (item->gap || packet.bytes.size > PACKET_MAX)
			finish_packet(&packet, cpu, out);
		if (packet.bytes.size == 0) {
			packet.discarded += item->number - packet.next;
			packet.begin = since_boot(log, item->record.tsc);
			for (size_t k = 0; k < PACKET_HEAD; k++)
				put(&packet, 0, 1);
		}
		put_item(&packet, log, item);
		packet.next = item->number + 1;
	}
	finish_packet(&packet, cpu, out);
	free(packet.bytes.data);
}

/* ---- files ---- */

static FILE *open_in(const char *directory, const char *name)
{
	char *path = string_format("%s/%s", directory, name);
	FILE *out = fopen(path, "wb");

	if (out == NULL)
		report("%s: %s", path, strerror(errno));
	free(path);
	return out;
}

static bool close_in(FILE *out, const char *directory)
{
	bool bad = ferror(out) != 0;

	return (fclose(out) == 0 && !bad) || report("%s: could not be written", directory);
}

static bool write_cpu(const struct trace_log *log, uint32_t cpu, const char *directory)
{
	char *name = string_format("cpu%u", cpu);
	FILE *out = open_in(directory, name);

	free(name);
	if (out == NULL)
		return false;
	write_stream(log, cpu, out);
	return close_in(out, directory);
}

bool trace_write_ctf(const struct trace_log *log, const char *directory)
{
	FILE *out;

	if (mkdir(directory, 0777) != 0 && errno != EEXIST)
		return report("%s: %s", directory, strerror(errno));
	out = open_in(directory, "metadata");
	if (out == NULL)
		return false;
	write_metadata(log, out);
	if (!close_in(out, directory))
		return false;
	for (uint32_t cpu = 0; cpu < log->cpu_count; cpu++)
		if (!write_cpu(log, cpu, directory))
			return false;
	return true;
}
