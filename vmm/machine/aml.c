/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/machine/aml.h"

#include "lib/string.h"

/* Opcodes (ACPI 6.4, 20.3). */
#define ZERO_OP	   0x00u
#define ONE_OP	   0x01u
#define NAME_OP	   0x08u
#define BYTE_OP	   0x0au
#define WORD_OP	   0x0bu
#define DWORD_OP   0x0cu
#define STRING_OP  0x0du
#define QWORD_OP   0x0eu
#define SCOPE_OP   0x10u
#define BUFFER_OP  0x11u
#define PACKAGE_OP 0x12u
#define METHOD_OP  0x14u
#define ARG0_OP	   0x68u
#define STORE_OP   0x70u
#define IF_OP	   0xa0u
#define RETURN_OP  0xa4u
#define EXT_OP	   0x5bu
#define DEVICE_OP  0x82u

/* Resource descriptors (6.4.2, 6.4.3). */
#define RESOURCE_IRQ	   0x22u
#define RESOURCE_IO	   0x47u
#define RESOURCE_END	   0x79u
#define RESOURCE_MEMORY32  0x86u
#define RESOURCE_DWORD	   0x87u
#define RESOURCE_WORD	   0x88u
#define RESOURCE_QWORD	   0x8au
#define WINDOW_FIXED	   0x0cu /**< general flags: producer, both ends fixed */
#define WINDOW_MEMORY_RW   0x01u
#define WINDOW_IO_ENTIRE   0x03u

/**
 * A length of three bytes (20.2.4): four bits in the first, eight in each of the others. It counts
 * itself. Enough for 1 MiB, and one form for all.
 */
#define LENGTH_BYTES 3u
#define LENGTH_FORM  0x80u

void aml_byte(struct aml *aml, uint8_t byte)
{
	if (aml->at == aml->end)
		aml->full = true;
	else
		*aml->at++ = byte;
}

void aml_bytes(struct aml *aml, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		aml_byte(aml, ((const uint8_t *)bytes)[i]);
}

static void number(struct aml *aml, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		aml_byte(aml, (uint8_t)(value >> (8 * i)));
}

void aml_path(struct aml *aml, const char *path)
{
	if (*path == '\\')
		aml_byte(aml, (uint8_t)*path++);
	for (unsigned int i = 0; i < 4; i++)
		aml_byte(aml, (uint8_t)(*path ? *path++ : '_'));
}

void aml_integer(struct aml *aml, uint64_t value)
{
	static const struct {
		uint64_t limit;
		uint8_t op, size;
	} forms[] = {
		{UINT8_MAX, BYTE_OP, 1},
		{UINT16_MAX, WORD_OP, 2},
		{UINT32_MAX, DWORD_OP, 4},
		{UINT64_MAX, QWORD_OP, 8},
	};
	unsigned int i = 0;

	if (value <= 1) {
		aml_byte(aml, value ? ONE_OP : ZERO_OP);
		return;
	}
	while (value > forms[i].limit)
		i++;
	aml_byte(aml, forms[i].op);
	number(aml, value, forms[i].size);
}

void aml_string(struct aml *aml, const char *text)
{
	aml_byte(aml, STRING_OP);
	aml_bytes(aml, text, strlen(text) + 1);
}

static unsigned int hex_digit(char c)
{
	return (unsigned int)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/** Three letters of five bits, four digits of four (6.1.5); the bytes in the order of the text. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	const unsigned int letters = (unsigned int)(id[0] - '@') << 10 |
				     (unsigned int)(id[1] - '@') << 5 |
				     (unsigned int)(id[2] - '@');

	aml_byte(aml, DWORD_OP);
	aml_byte(aml, (uint8_t)(letters >> 8));
	aml_byte(aml, (uint8_t)letters);
	aml_byte(aml, (uint8_t)(hex_digit(id[3]) << 4 | hex_digit(id[4])));
	aml_byte(aml, (uint8_t)(hex_digit(id[5]) << 4 | hex_digit(id[6])));
}

/* ------------------------------------------------------------------------------------------- blocks */

static struct aml_block begin(struct aml *aml)
{
	const struct aml_block block = {aml->at};

	number(aml, 0, LENGTH_BYTES);
	return block;
}

void aml_end(struct aml *aml, struct aml_block block)
{
	const size_t length = (size_t)(aml->at - block.length);

	if (aml->full)
		return;
	block.length[0] = (uint8_t)(LENGTH_FORM | (length & 0xf));
	block.length[1] = (uint8_t)(length >> 4);
	block.length[2] = (uint8_t)(length >> 12);
}

struct aml_block aml_method(struct aml *aml, const char *path, unsigned int arguments)
{
	aml_byte(aml, METHOD_OP);
	const struct aml_block block = begin(aml);

	aml_path(aml, path);
	aml_byte(aml, (uint8_t)arguments);
	return block;
}

void aml_store_argument(struct aml *aml, const char *path)
{
	aml_byte(aml, STORE_OP);
	aml_byte(aml, ARG0_OP);
	aml_path(aml, path);
}

struct aml_block aml_if(struct aml *aml, const char *path)
{
	aml_byte(aml, IF_OP);
	const struct aml_block block = begin(aml);

	aml_path(aml, path);
	return block;
}

void aml_return(struct aml *aml, const char *path)
{
	aml_byte(aml, RETURN_OP);
	aml_path(aml, path);
}

void aml_name(struct aml *aml, const char *path)
{
	aml_byte(aml, NAME_OP);
	aml_path(aml, path);
}

struct aml_block aml_scope(struct aml *aml, const char *path)
{
	aml_byte(aml, SCOPE_OP);
	const struct aml_block block = begin(aml);

	aml_path(aml, path);
	return block;
}

struct aml_block aml_device(struct aml *aml, const char *path)
{
	aml_byte(aml, EXT_OP);
	aml_byte(aml, DEVICE_OP);
	const struct aml_block block = begin(aml);

	aml_path(aml, path);
	return block;
}

struct aml_block aml_package(struct aml *aml, uint8_t count)
{
	aml_byte(aml, PACKAGE_OP);
	const struct aml_block block = begin(aml);

	aml_byte(aml, count);
	return block;
}

/* ---------------------------------------------------------------------------------------- resources */

/** A buffer's size is a word behind the block's length. */
struct aml_block aml_resources(struct aml *aml)
{
	aml_name(aml, "_CRS");
	aml_byte(aml, BUFFER_OP);
	const struct aml_block block = begin(aml);

	aml_byte(aml, WORD_OP);
	number(aml, 0, 2);
	return block;
}

void aml_resources_end(struct aml *aml, struct aml_block block)
{
	uint8_t *size = block.length + LENGTH_BYTES + 1;

	aml_byte(aml, RESOURCE_END);
	aml_byte(aml, 0); /* checksum: not used */
	aml_end(aml, block);
	if (aml->full)
		return;
	const size_t length = (size_t)(aml->at - size) - 2;
	size[0] = (uint8_t)length;
	size[1] = (uint8_t)(length >> 8);
}

void aml_io(struct aml *aml, uint16_t first, uint8_t size)
{
	aml_byte(aml, RESOURCE_IO);
	aml_byte(aml, 1); /* all 16 address lines decoded */
	number(aml, first, 2);
	number(aml, first, 2);
	aml_byte(aml, 1);
	aml_byte(aml, size);
}

void aml_irq(struct aml *aml, unsigned int irq)
{
	aml_byte(aml, RESOURCE_IRQ);
	number(aml, UINT64_C(1) << irq, 2);
}

void aml_memory32(struct aml *aml, uint32_t first, uint32_t size)
{
	aml_byte(aml, RESOURCE_MEMORY32);
	number(aml, 9, 2);
	aml_byte(aml, 1); /* writable */
	number(aml, first, 4);
	number(aml, size, 4);
}

/** Granularity, first, last, translation, length: each of `width` bytes. */
static void window(struct aml *aml, enum aml_space space, unsigned int width, uint64_t first,
		   uint64_t last)
{
	static const uint8_t flags[] = {
		[AML_MEMORY] = WINDOW_MEMORY_RW, [AML_IO] = WINDOW_IO_ENTIRE, [AML_BUS] = 0};
	const uint8_t tag = width == 2	 ? RESOURCE_WORD
			    : width == 4 ? RESOURCE_DWORD
					 : RESOURCE_QWORD;

	aml_byte(aml, tag);
	number(aml, 3 + 5 * width, 2);
	aml_byte(aml, (uint8_t)space);
	aml_byte(aml, WINDOW_FIXED);
	aml_byte(aml, flags[space]);
	number(aml, 0, width);
	number(aml, first, width);
	number(aml, last, width);
	number(aml, 0, width);
	number(aml, last - first + 1, width);
}

void aml_window16(struct aml *aml, enum aml_space space, uint16_t first, uint16_t last)
{
	window(aml, space, 2, first, last);
}

void aml_window32(struct aml *aml, uint32_t first, uint32_t last)
{
	window(aml, AML_MEMORY, 4, first, last);
}

void aml_window64(struct aml *aml, uint64_t first, uint64_t last)
{
	window(aml, AML_MEMORY, 8, first, last);
}
