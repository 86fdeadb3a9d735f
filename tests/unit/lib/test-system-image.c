/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Takes a well-formed system image, damages it in one place, makes the checksums right again
 * where they are not the subject, and expects the reason by name.
 *
 * @verifies LIB-301
 * @verifies LIB-302
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/crc32c.h"
#include "lib/system_image.h"
#include "tests/unit/lib/system-image-sample.h"

/* On the heap at its exact size, so that AddressSanitizer sees one byte too many. */
static union page_image *sample_new(void)
{
	union page_image *image = calloc(1, sizeof(*image));

	assert_non_null(image);
	sample_fill(image);
	return image;
}

static void expect_refused(const union page_image *image, const char *table, uint32_t entry,
			   const char *reason)
{
	struct system_image opened;
	struct system_image_error error = {0};

	assert_false(system_image_open(image, sizeof(*image), &opened, &error));
	assert_string_equal(error.reason, reason);
	assert_string_equal(error.table, table);
	assert_int_equal(error.entry, entry);
}

static void crc32c_known_values(void **state)
{
	uint8_t bytes[32] = {0};

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x8A9136AA);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x62A8AB43);
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x46DD794E);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xE3069283);
}

static void good_image_opens(void **state)
{
	union page_image *image = sample_new();
	struct system_image opened;
	struct system_image_error error;
	const struct system_file *file;

	(void)state;
	assert_true(system_image_open(image, sizeof(*image), &opened, &error));
	assert_int_equal(opened.partition_count, PARTITIONS);
	assert_int_equal(opened.file_count, FILES);
	assert_string_equal(system_image_string(&opened, opened.partitions[0].args),
			    "--memory 64M");
	assert_int_equal(opened.plan_count, PLANS);
	assert_int_equal(opened.windows[2].cpu, 1);
	assert_int_equal(opened.ports[3].depth, 1024);
	assert_int_equal(opened.shares[0].flags, SYSTEM_SHARE_WRITE);
	assert_int_equal(opened.devices[2].base, 0xfeb00000);
	assert_int_equal(opened.health[1].partition, SYSTEM_NONE);
	assert_int_equal(opened.trace->records, 4096);
	file = system_image_find(&opened, &opened.partitions[0], "module");
	assert_ptr_equal(file, &opened.files[2]);
	assert_ptr_equal(system_image_data(&opened, file), image->bytes + 3 * SYSTEM_PAGE);
	assert_null(system_image_find(&opened, &opened.partitions[0], "vmm"));
	assert_null(system_image_find(&opened, &opened.partitions[0], "modul"));
	free(image);
}

static void every_truncation_is_refused(void **state)
{
	union page_image *image = sample_new();
	struct system_image opened;
	struct system_image_error error;

	(void)state;
	for (uint64_t size = 0; size < sizeof(*image); size += size < 1000 ? 1 : 97) {
		uint64_t *copy = malloc((size_t)(size ? size : 1));

		assert_non_null(copy);
		memcpy(copy, image, (size_t)size);
		assert_false(system_image_open(copy, size, &opened, &error));
		assert_string_equal(error.table, "header");
		free(copy);
	}
	free(image);
}

static void every_flipped_bit_is_refused(void **state)
{
	union page_image *image = sample_new();
	struct system_image opened;
	struct system_image_error error;
	const size_t meta = (size_t)image->sample.header.meta_size;

	(void)state;
	for (size_t at = 0; at < sizeof(image->bytes); at += at < meta ? 1 : 61) {
		if (at >= meta && at < SYSTEM_PAGE)
			continue; /* between the tables and the first file: nobody reads it */
		for (unsigned bit = 0; bit < 8; bit++) {
			image->bytes[at] ^= (uint8_t)(1u << bit);
			assert_false(system_image_open(image, sizeof(*image), &opened, &error));
			assert_non_null(error.reason);
			image->bytes[at] ^= (uint8_t)(1u << bit);
		}
	}
	assert_true(system_image_open(image, sizeof(*image), &opened, &error));
	free(image);
}

static void misaligned_image_is_refused(void **state)
{
	uint8_t *bytes = malloc(sizeof(union page_image) + 1);
	struct system_image opened;
	struct system_image_error error;

	(void)state;
	assert_non_null(bytes);
	memset(bytes, 0, sizeof(union page_image) + 1);
	assert_false(system_image_open(bytes + 1, sizeof(union page_image), &opened, &error));
	assert_string_equal(error.reason, "the image is not aligned to 8 bytes");
	free(bytes);
}

/* One damage: `size` bytes at `offset` of the sample get `value`. */
struct damage {
	const char *name;
	size_t offset;
	size_t size;
	uint64_t value;
	const char *table;
	uint32_t entry;
	const char *reason;
};

#define FIELD(path)    offsetof(struct sample, path), sizeof(((struct sample *)NULL)->path)
#define FIRST_OF(path) offsetof(struct sample, path), 1

static const struct damage damages[] = {
	{"version", FIELD(header.version), 2, "header", 0, "unknown version"},
	{"total size", FIELD(header.total_size), PAGES *SYSTEM_PAGE + 1, "header", 0,
	 "the image is truncated"},
	{"total size, no pages", FIELD(header.total_size), 4095, "header", 0,
	 "the total size is not whole pages"},
	{"meta size, huge", FIELD(header.meta_size), UINT64_MAX, "header", 0,
	 "the tables do not fit in the image"},
	{"meta size, tiny", FIELD(header.meta_size), 8, "header", 0,
	 "the tables do not fit in the image"},
	{"header, reserved", FIELD(header.reserved), 1, "header", 0, "a reserved field is not zero"},
	{"too many tables", FIELD(header.table_count), UINT32_MAX, "header", 0,
	 "more tables than there are types"},
	{"directory too long", FIELD(header.meta_size), 48, "header", 0,
	 "the directory does not fit in the image"},
	{"table missing", FIELD(header.table_count), 2, "header", 0,
	 "strings, files or partitions are missing"},
	{"table type", FIELD(tables[1].type), 99, "directory", 1, "unknown type of table"},
	{"table twice", FIELD(tables[1]), 0, "directory", 1, "unknown type of table"},
	{"entry size", FIELD(tables[0].entry_size), 23, "directory", 0, "wrong size of an entry"},
	{"table reserved", FIELD(tables[2].reserved), 7, "directory", 2,
	 "a reserved field is not zero"},
	{"no partition", FIELD(tables[1].count), 0, "directory", 1, "too few or too many entries"},
	{"many partitions", FIELD(tables[1].count), 65, "directory", 1,
	 "too few or too many entries"},
	{"table misaligned", FIELD(tables[1].offset), offsetof(struct sample, partitions) + 4,
	 "directory", 1,
	 "the table is not aligned to 8 bytes"},
	{"table in the header", FIELD(tables[1].offset), 8, "directory", 1,
	 "the table lies outside the image"},
	{"table behind", FIELD(tables[1].offset), UINT64_MAX - 7, "directory", 1,
	 "the table lies outside the image"},
	{"tables overlap", FIELD(tables[1].offset), offsetof(struct sample, files[3]), "directory",
	 1, "the table overlaps another"},
	{"first string", FIRST_OF(strings), 'x', "strings", 0, "the first string is not empty"},
	{"file without name", FIELD(files[1].name), 0, "files", 1, "the name is missing"},
	{"file name outside", FIELD(files[1].name), sizeof(STRINGS_TEXT), "files", 1,
	 "the name is missing"},
	{"file off page", FIELD(files[2].offset), 3 * SYSTEM_PAGE + 8, "files", 2,
	 "the bytes do not start on a page"},
	{"file in tables", FIELD(files[0].offset), 0, "files", 0,
	 "the bytes lie outside the image"},
	{"file too long", FIELD(files[2].size), SYSTEM_PAGE + 1, "files", 2,
	 "the bytes lie outside the image"},
	{"file wraps", FIELD(files[2].size), UINT64_MAX, "files", 2,
	 "the bytes lie outside the image"},
	{"file far away", FIELD(files[2].offset), UINT64_MAX - 4095, "files", 2,
	 "the bytes lie outside the image"},
	{"files overlap", FIELD(files[0].size), SYSTEM_PAGE + 1, "files", 1,
	 "the bytes overlap another file's"},
	{"same start, other size", FIELD(files[3].size), 8, "files", 3,
	 "the bytes overlap another file's"},
	{"file padding", FIELD(files[0].size), 99, "files", 0,
	 "the padding after the bytes is not zero"},
	{"name empty", FIRST_OF(partitions[0].name), 0, "partitions", 0, "the name is malformed"},
	{"name with blank", FIRST_OF(partitions[1].name), ' ', "partitions", 1,
	 "the name is malformed"},
	{"name with tail", FIRST_OF(partitions[1].name[31]), 'x', "partitions", 1,
	 "the name is malformed"},
	{"program", FIELD(partitions[1].program), FILES, "partitions", 1,
	 "the program is no file of the image"},
	{"arguments", FIELD(partitions[0].args), 0xffffffff, "partitions", 0,
	 "the argument string is missing"},
	{"files", FIELD(partitions[0].first_file), 3, "partitions", 0,
	 "the files are no files of the image"},
	{"files wrap", FIELD(partitions[0].first_file), 0xffffffff, "partitions", 0,
	 "the files are no files of the image"},
	{"file names", FIELD(partitions[0].file_count), 3, "partitions", 0,
	 "two of the files have one name"},
	{"kind", FIELD(partitions[0].kind), 0, "partitions", 0, "unknown kind of partition"},
	{"flags", FIELD(partitions[0].flags), 0x80000000, "partitions", 0, "unknown flags"},
	{"no CPU", FIELD(partitions[1].cpus), 0, "partitions", 1, "no CPU to run on"},
	{"ram size", FIELD(partitions[1].ram_size), 4097, "partitions", 1,
	 "a memory size is not whole pages"},
	{"kernel size", FIELD(partitions[1].kernel_size), 1, "partitions", 1,
	 "a memory size is not whole pages"},
	{"no thread", FIELD(partitions[1].thread_limit), 0, "partitions", 1,
	 "the thread limit is out of range"},
	{"many threads", FIELD(partitions[1].thread_limit), 33, "partitions", 1,
	 "the thread limit is out of range"},
	{"vCPUs", FIELD(partitions[0].vcpu_limit), 2, "partitions", 0,
	 "the vCPU limit leaves no thread for the program"},
	{"native with vCPU", FIELD(partitions[0].kind), SYSTEM_PARTITION_NATIVE, "partitions", 0,
	 "only a VMM may have vCPUs"},
	{"priority", FIELD(partitions[1].priority), 64, "partitions", 1,
	 "the priority is out of range"},
	{"plan name", FIRST_OF(plans[1].name), '/', "plans", 1, "the name is malformed"},
	{"plan names", FIELD(plans[1].name), 0x6c616d726f6e, "plans", 1, "the name is used twice"},
	{"frame, none", FIELD(plans[0].frame), 0, "plans", 0, "the major frame is out of range"},
	{"frame, long", FIELD(plans[0].frame), SYSTEM_MAX_FRAME + 1, "plans", 0,
	 "the major frame is out of range"},
	{"windows outside", FIELD(plans[1].first_window), 4, "plans", 1,
	 "the windows are no windows of the image"},
	{"windows wrap", FIELD(plans[1].first_window), UINT32_MAX, "plans", 1,
	 "the windows are no windows of the image"},
	{"windows of nobody", FIELD(plans[1].window_count), 0, "windows", 0,
	 "not each window has one plan"},
	{"window's partition", FIELD(windows[1].partition), PARTITIONS, "windows", 1,
	 "there is no such partition"},
	{"window's CPU", FIELD(windows[2].cpu), 2, "windows", 2,
	 "the partition doesn't have that CPU"},
	{"window's CPU, far", FIELD(windows[2].cpu), 64, "windows", 2,
	 "the partition doesn't have that CPU"},
	{"window's flags", FIELD(windows[0].flags), 2, "windows", 0, "unknown flags"},
	{"window's reserved", FIELD(windows[0].reserved), 1, "windows", 0, "unknown flags"},
	{"window, short", FIELD(windows[3].duration), SYSTEM_MIN_WINDOW - 1, "windows", 3,
	 "it is too short or doesn't fit the major frame"},
	{"window, long", FIELD(windows[3].duration), 9 * MS + 1, "windows", 3,
	 "it is too short or doesn't fit the major frame"},
	{"window wraps", FIELD(windows[3].offset), UINT64_MAX - MS, "windows", 3,
	 "it is too short or doesn't fit the major frame"},
	{"windows overlap", FIELD(windows[0].duration), 5 * MS + 1, "windows", 1,
	 "it overlaps the one before or is out of order"},
	{"windows not by CPU", FIELD(windows[0].cpu), 0xffffffff, "windows", 0,
	 "the partition doesn't have that CPU"},
	{"channel name", FIRST_OF(channels[0].name), 0, "channels", 0, "the name is malformed"},
	{"channel kind", FIELD(channels[0].kind), 3, "channels", 0, "unknown kind of channel"},
	{"message, none", FIELD(channels[0].max_message), 0, "channels", 0,
	 "the message size is out of range"},
	{"message, long", FIELD(channels[1].max_message), SYSTEM_MAX_MESSAGE + 1, "channels", 1,
	 "the message size is out of range"},
	{"port name", FIRST_OF(ports[0].name), ' ', "ports", 0, "the name is malformed"},
	{"port's partition", FIELD(ports[0].partition), PARTITIONS, "ports", 0,
	 "there is no such partition"},
	{"port's channel", FIELD(ports[0].channel), CHANNELS, "ports", 0, "there is no such channel"},
	{"port's direction", FIELD(ports[0].direction), 3, "ports", 0, "unknown direction"},
	{"source with depth", FIELD(ports[2].depth), 1, "ports", 2,
	 "the depth or the refresh period doesn't fit its kind"},
	{"queue without depth", FIELD(ports[3].depth), 0, "ports", 3,
	 "the depth or the refresh period doesn't fit its kind"},
	{"queue too deep", FIELD(ports[3].depth), SYSTEM_MAX_DEPTH + 1, "ports", 3,
	 "the depth or the refresh period doesn't fit its kind"},
	{"queue with refresh", FIELD(ports[3].refresh), 1, "ports", 3,
	 "the depth or the refresh period doesn't fit its kind"},
	{"sample with depth", FIELD(ports[1].depth), 1, "ports", 1,
	 "the depth or the refresh period doesn't fit its kind"},
	{"source with refresh", FIELD(ports[0].refresh), 1, "ports", 0,
	 "the depth or the refresh period doesn't fit its kind"},
	{"port names", FIELD(ports[4].name), 0x6e69, "ports", 4,
	 "the name is used twice in its partition"},
	{"region name", FIRST_OF(regions[1].name), '\n', "regions", 1, "the name is malformed"},
	{"region names", FIELD(regions[1].name), 0x676962, "regions", 1, "the name is used twice"},
	{"region, empty", FIELD(regions[0].size), 0, "regions", 0, "the size is not whole pages"},
	{"region, odd", FIELD(regions[0].size), 4097, "regions", 0, "the size is not whole pages"},
	{"share's region", FIELD(shares[0].region), REGIONS, "shares", 0, "there is no such region"},
	{"share's partition", FIELD(shares[0].partition), PARTITIONS, "shares", 0,
	 "there is no such partition"},
	{"share's flags", FIELD(shares[0].flags), 2, "shares", 0, "unknown flags"},
	{"share's reserved", FIELD(shares[0].reserved), 1, "shares", 0, "unknown flags"},
	{"share twice", FIELD(shares[2].region), 0, "shares", 2, "the partition has the region twice"},
	{"device's partition", FIELD(devices[0].partition), PARTITIONS, "devices", 0,
	 "there is no such partition"},
	{"device's kind", FIELD(devices[0].kind), 4, "devices", 0, "unknown kind of device"},
	{"device's kind, none", FIELD(devices[0].kind), 0, "devices", 0, "unknown kind of device"},
	{"ports beyond", FIELD(devices[3].size), 2, "devices", 3,
	 "its address or size is out of range"},
	{"ports, none", FIELD(devices[0].size), 0, "devices", 0,
	 "its address or size is out of range"},
	{"interrupt, high", FIELD(devices[1].base), 256, "devices", 1,
	 "its address or size is out of range"},
	{"interrupts", FIELD(devices[1].size), 2, "devices", 1,
	 "its address or size is out of range"},
	{"device memory, odd", FIELD(devices[2].base), 0xfeb00800, "devices", 2,
	 "its address or size is out of range"},
	{"device memory, size", FIELD(devices[2].size), 0x1800, "devices", 2,
	 "its address or size is out of range"},
	{"device memory, far", FIELD(devices[2].base), UINT64_C(1) << 52, "devices", 2,
	 "its address or size is out of range"},
	{"device memory wraps", FIELD(devices[2].size), 0 - (uint64_t)SYSTEM_PAGE, "devices", 2,
	 "its address or size is out of range"},
	{"ports twice", FIELD(devices[3].base), 0x2ff, "devices", 3, "it is given away twice"},
	{"health's partition", FIELD(health[0].partition), PARTITIONS, "health", 0,
	 "there is no such partition"},
	{"health's error", FIELD(health[0].error), 0, "health", 0, "unknown error"},
	{"health's error, high", FIELD(health[0].error), SYSTEM_ERROR_COUNT, "health", 0,
	 "unknown error"},
	{"health's action", FIELD(health[0].action), 0, "health", 0, "unknown action"},
	{"health's action, high", FIELD(health[0].action), SYSTEM_ACTION_COUNT, "health", 0,
	 "unknown action"},
	{"health's plan", FIELD(health[1].argument), PLANS, "health", 1,
	 "the argument doesn't fit the action"},
	{"health's argument", FIELD(health[2].argument), 1, "health", 2,
	 "the argument doesn't fit the action"},
	{"trace, small", FIELD(trace[0].records), 128, "trace", 0, "the ring's size is out of range"},
	{"trace, large", FIELD(trace[0].records), 2 << 20, "trace", 0,
	 "the ring's size is out of range"},
	{"trace, odd", FIELD(trace[0].records), 1000, "trace", 0, "the ring's size is out of range"},
	{"trace, flags", FIELD(trace[0].flags), 1, "trace", 0, "the ring's size is out of range"},
	{"two traces", FIELD(tables[11].count), 2, "directory", 11, "too few or too many entries"},
	{"keys twice", FIELD(partitions[1].flags), SYSTEM_PARTITION_INPUT, "partitions", 1,
	 "another partition has the keys of this console"},
};

static void damage_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *damage = &damages[i];
		union page_image *image = sample_new();

		print_message("# %s\n", damage->name);
		memset(image->bytes + damage->offset, 0, damage->size);
		memcpy(image->bytes + damage->offset, &damage->value,
		       damage->size < 8 ? damage->size : 8);
		seal(image);
		expect_refused(image, damage->table, damage->entry, damage->reason);
		free(image);
	}
}

static void magic_is_asked_for(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->sample.header.magic[7] = 'Y';
	expect_refused(image, "header", 0, "this is not a system image (wrong magic)");
	free(image);
}

static void second_table_of_a_type_is_refused(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->sample.tables[1] = image->sample.tables[0];
	seal(image);
	expect_refused(image, "directory", 1, "a second table of this type");
	free(image);
}

static void unterminated_strings_are_refused(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->sample.strings[sizeof(STRINGS_TEXT) - 1] = 'x';
	seal(image);
	expect_refused(image, "strings", sizeof(STRINGS_TEXT) - 1, "the last string does not end");
	free(image);
}

static void partition_name_twice_is_refused(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	memcpy(image->sample.partitions[1].name, image->sample.partitions[0].name,
	       SYSTEM_NAME_SIZE);
	seal(image);
	expect_refused(image, "partitions", 1, "the name is used twice");
	free(image);
}

/* These take more than one change. */
static void second_source_and_action_are_refused(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->sample.ports[4].direction = SYSTEM_PORT_SOURCE;
	image->sample.ports[4].depth = 0;
	seal(image);
	expect_refused(image, "ports", 4, "the channel has another source");
	sample_fill(image);
	image->sample.health[2] = image->sample.health[0];
	seal(image);
	expect_refused(image, "health", 2, "a second action for this error");
	sample_fill(image);
	image->sample.windows[0].cpu = 1;
	image->sample.partitions[0].cpus = 2;
	seal(image);
	expect_refused(image, "windows", 1, "it overlaps the one before or is out of order");
	free(image);
}

/* Without the optional tables an image is a good one, too: their counts are 0. */
static void optional_tables_may_be_absent(void **state)
{
	union page_image *image = sample_new();
	struct system_image opened;
	struct system_image_error error;

	(void)state;
	image->sample.header.table_count = 3;
	seal(image);
	assert_true(system_image_open(image, sizeof(*image), &opened, &error));
	assert_int_equal(opened.plan_count + opened.window_count + opened.channel_count +
				 opened.port_count + opened.region_count + opened.share_count +
				 opened.device_count + opened.health_count + opened.trace_count,
			 0);
	assert_null(opened.trace);
	free(image);
}

static void damaged_file_is_named(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->bytes[3 * SYSTEM_PAGE + 17] ^= 1;
	expect_refused(image, "files", 2, "the checksum of the bytes is wrong");
	free(image);
}

/* The second entry for the same bytes must not get away with another checksum. */
static void shared_bytes_are_checked_for_both(void **state)
{
	union page_image *image = sample_new();

	(void)state;
	image->sample.files[3].checksum ^= 1;
	seal_tables(image);
	expect_refused(image, "files", 3, "the checksum of the bytes is wrong");
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_known_values),
		cmocka_unit_test(good_image_opens),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(misaligned_image_is_refused),
		cmocka_unit_test(magic_is_asked_for),
		cmocka_unit_test(damage_is_named),
		cmocka_unit_test(second_table_of_a_type_is_refused),
		cmocka_unit_test(unterminated_strings_are_refused),
		cmocka_unit_test(partition_name_twice_is_refused),
		cmocka_unit_test(second_source_and_action_are_refused),
		cmocka_unit_test(optional_tables_may_be_absent),
		cmocka_unit_test(damaged_file_is_named),
		cmocka_unit_test(shared_bytes_are_checked_for_both),
	};

	return cmocka_run_group_tests_name("system-image", tests, NULL, NULL);
}
