/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file aml.h
 * Writes ACPI Machine Language (ACPI Specification 6.4, chapter 20) as far as a DSDT of ours needs it.
 * A writer that runs out of room keeps that to itself until the end: see aml.full.
 */
#ifndef VMM_MACHINE_AML_H
#define VMM_MACHINE_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct aml {
	uint8_t *at;
	const uint8_t *end;
	bool full; /**< there was too little room: the text is worthless */
};

/** An object whose length is written when it is finished. */
struct aml_block {
	uint8_t *length; /**< where; NULL: no room */
};

void aml_byte(struct aml *aml, uint8_t byte);
void aml_bytes(struct aml *aml, const void *bytes, size_t size);
/** A name of four characters, or "\\" followed by one. */
void aml_path(struct aml *aml, const char *path);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);
/** EISAID("PNP0A03"). */
void aml_eisa_id(struct aml *aml, const char *id);

/** Name (path, …): what is written next is the object. */
void aml_name(struct aml *aml, const char *path);
/** Method (path, arguments) { … }. */
struct aml_block aml_method(struct aml *aml, const char *path, unsigned int arguments);
/** If (path) { … }: where the named integer isn't 0. */
struct aml_block aml_if(struct aml *aml, const char *path);
/** Store (Arg0, path). */
void aml_store_argument(struct aml *aml, const char *path);
/** Return (path). */
void aml_return(struct aml *aml, const char *path);
/** Scope (path) { … }. */
struct aml_block aml_scope(struct aml *aml, const char *path);
/** Device (path) { … }. */
struct aml_block aml_device(struct aml *aml, const char *path);
/** Package () { … } of `count` elements. */
struct aml_block aml_package(struct aml *aml, uint8_t count);
/** Name (_CRS, ResourceTemplate () { … }): the size of the buffer comes at the end. */
struct aml_block aml_resources(struct aml *aml);
/** The end of a scope, device, package, method or If. */
void aml_end(struct aml *aml, struct aml_block block);
/** The end of a resource template: end tag and sizes. */
void aml_resources_end(struct aml *aml, struct aml_block block);

/** What an address space descriptor is about (6.4.3.5). */
enum aml_space { AML_MEMORY = 0, AML_IO = 1, AML_BUS = 2 };

/** IO (Decode16, first, first, 1, size). */
void aml_io(struct aml *aml, uint16_t first, uint8_t size);
/** IRQNoFlags () {irq}. */
void aml_irq(struct aml *aml, unsigned int irq);
/** Memory32Fixed (ReadWrite, first, size). */
void aml_memory32(struct aml *aml, uint32_t first, uint32_t size);
/** WordBusNumber or WordIO: [first, last] is passed on by a bridge. */
void aml_window16(struct aml *aml, enum aml_space space, uint16_t first, uint16_t last);
/** DWordMemory, not cacheable, writable. */
void aml_window32(struct aml *aml, uint32_t first, uint32_t last);
/** QWordMemory, likewise. */
void aml_window64(struct aml *aml, uint64_t first, uint64_t last);

#endif
