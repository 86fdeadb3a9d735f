/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 2.0: finding the header (3.1), what its tags ask for, where a relocatable image goes. */
#include "lib/multiboot2_load.h"

#include "lib/multiboot2.h"
#include "lib/multiboot_image.h"

/** The walk through a header's tags. */
struct tags {
	const struct image *image;
	uint64_t at, end; /**< of the tags in the image */
	struct multiboot2_plan *plan;
	bool has_addresses, has_entry;
	struct multiboot_addresses addresses;
	uint32_t entry;
};

/** A tag in the image, its head already taken. */
struct tag {
	uint64_t body;
	uint32_t size; /**< of the body */
	bool optional;
};

/* -------------------------------------------------------------------------------------------- header */

static bool header_at(const struct image *image, uint64_t at)
{
	return image_word(image, at) == MULTIBOOT2_HEADER_MAGIC &&
	       image_word(image, at) + image_word(image, at + 4) + image_word(image, at + 8) +
			       image_word(image, at + 12) ==
		       0;
}

/** @return where the header is, or UINT64_MAX. */
static uint64_t header_find(const struct image *image)
{
	for (uint64_t at = 0; at + sizeof(struct multiboot2_header) <= MULTIBOOT2_SEARCH &&
			      image_has(image, at, sizeof(struct multiboot2_header));
	     at += MULTIBOOT2_HEADER_ALIGN) {
		if (header_at(image, at))
			return at;
	}
	return UINT64_MAX;
}

/* ---------------------------------------------------------------------------------------------- tags */

/** 3.1.4: what is known may be missing all the same; what is unknown must be optional. */
static const char *take_requests(struct tags *tags, const struct tag *tag)
{
	for (uint32_t i = 0; i + 4 <= tag->size; i += 4) {
		if (image_word(tags->image, tag->body + i) > MULTIBOOT2_TAG_TYPE_LOAD_BASE_ADDR &&
		    !tag->optional)
			return "its Multiboot 2 header requires boot information that is unknown here";
	}
	return NULL;
}

static const char *take_addresses(struct tags *tags, const struct tag *tag)
{
	const uint64_t at = tag->body;

	if (tag->size < 16)
		return "truncated address tag in the Multiboot 2 header";
	tags->has_addresses = true;
	tags->addresses = (struct multiboot_addresses){
		image_word(tags->image, at), image_word(tags->image, at + 4),
		image_word(tags->image, at + 8), image_word(tags->image, at + 12)};
	return NULL;
}

static const char *take_entry(struct tags *tags, const struct tag *tag)
{
	if (tag->size < 4)
		return "truncated entry tag in the Multiboot 2 header";
	tags->has_entry = true;
	tags->entry = image_word(tags->image, tag->body);
	return NULL;
}

static const char *take_framebuffer(struct tags *tags, const struct tag *tag)
{
	(void)tags;
	return tag->optional ? NULL
			     : "its Multiboot 2 header requires a framebuffer, and there is a text "
			       "screen alone";
}

static const char *take_efi(struct tags *tags, const struct tag *tag)
{
	(void)tags;
	return tag->optional ? NULL : "its Multiboot 2 header requires EFI boot services";
}

static const char *take_relocatable(struct tags *tags, const struct tag *tag)
{
	const uint64_t at = tag->body;

	if (tag->size < 16)
		return "truncated relocation tag in the Multiboot 2 header";
	tags->plan->relocatable = true;
	tags->plan->min = image_word(tags->image, at);
	tags->plan->max = image_word(tags->image, at + 4);
	tags->plan->align = image_word(tags->image, at + 8);
	tags->plan->preference = image_word(tags->image, at + 12);
	if (tags->plan->align & (tags->plan->align - 1))
		return "its relocation tag's alignment is no power of two";
	return NULL;
}

/** Text is what there is, modules are always aligned, EFI's entry points are for EFI. */
static const char *take_nothing(struct tags *tags, const struct tag *tag)
{
	(void)tags;
	(void)tag;
	return NULL;
}

static const char *(*const takers[])(struct tags *tags, const struct tag *tag) = {
	[MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST] = take_requests,
	[MULTIBOOT2_HEADER_TAG_ADDRESS] = take_addresses,
	[MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS] = take_entry,
	[MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS] = take_nothing,
	[MULTIBOOT2_HEADER_TAG_FRAMEBUFFER] = take_framebuffer,
	[MULTIBOOT2_HEADER_TAG_MODULE_ALIGN] = take_nothing,
	[MULTIBOOT2_HEADER_TAG_EFI_BS] = take_efi,
	[MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32] = take_nothing,
	[MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64] = take_nothing,
	[MULTIBOOT2_HEADER_TAG_RELOCATABLE] = take_relocatable,
};

static const char *take_tag(struct tags *tags, uint32_t head, uint32_t size)
{
	const uint32_t type = head & 0xffff;
	const struct tag tag = {.body = tags->at + sizeof(struct multiboot2_header_tag),
				.size = size - (uint32_t)sizeof(struct multiboot2_header_tag),
				.optional = head >> 16 & MULTIBOOT2_HEADER_TAG_OPTIONAL};

	if (type < sizeof(takers) / sizeof(takers[0]) && takers[type])
		return takers[type](tags, &tag);
	return tag.optional ? NULL : "its Multiboot 2 header requires a feature that is unknown here";
}

static const char *tags_take(struct tags *tags)
{
	while (tags->end - tags->at >= sizeof(struct multiboot2_header_tag)) {
		const uint32_t head = image_word(tags->image, tags->at);
		const uint32_t size = image_word(tags->image, tags->at + 4);
		if ((head & 0xffff) == MULTIBOOT2_HEADER_TAG_END)
			return NULL;
		if (size < sizeof(struct multiboot2_header_tag) || size > tags->end - tags->at)
			return "a tag of its Multiboot 2 header is larger than the header, or too small";
		const char *why = take_tag(tags, head, size);
		if (why)
			return why;
		const uint64_t step = ((uint64_t)size + MULTIBOOT2_TAG_ALIGN - 1) &
				      ~(uint64_t)(MULTIBOOT2_TAG_ALIGN - 1);
		tags->at = step < tags->end - tags->at ? tags->at + step : tags->end;
	}
	return "its Multiboot 2 header has no end tag";
}

static const char *header_take(struct tags *tags, uint64_t where)
{
	const uint32_t length = image_word(tags->image, where + 8);

	if (image_word(tags->image, where + 4) != MULTIBOOT2_ARCHITECTURE_I386)
		return "its Multiboot 2 header is for another architecture";
	if (length < sizeof(struct multiboot2_header) || where + length > MULTIBOOT2_SEARCH ||
	    !image_has(tags->image, where, length))
		return "its Multiboot 2 header is not wholly in the first 32768 bytes";
	tags->plan->plan.header_offset = (uint32_t)where;
	tags->at = where + sizeof(struct multiboot2_header);
	tags->end = where + length;
	return tags_take(tags);
}

/* ------------------------------------------------------------------------------------------ relocation */

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

/** 3.1.11: find a place between min and max. @return it, or UINT64_MAX. */
static uint64_t place_find(const struct multiboot2_plan *p, uint64_t memory_size)
{
	const uint64_t size = p->plan.end - p->plan.start, align = p->align ? p->align : 1;
	const uint64_t limit = p->max < memory_size ? (uint64_t)p->max + 1 : memory_size;
	const uint64_t low = p->min > MULTIBOOT_HIGH_START ? p->min : MULTIBOOT_HIGH_START;
	const uint64_t lowest = align_up(low, align);

	if (lowest >= limit || size > limit - lowest)
		return UINT64_MAX;
	if (p->preference == MULTIBOOT2_LOAD_PREFERENCE_HIGH)
		return (limit - size) & ~(align - 1);
	if (p->preference != MULTIBOOT2_LOAD_PREFERENCE_LOW && p->plan.start >= lowest &&
	    p->plan.end <= limit && p->plan.start % align == 0)
		return p->plan.start;
	return lowest;
}

static const char *relocate(struct multiboot2_plan *p, uint64_t memory_size)
{
	const uint64_t place = place_find(p, memory_size);

	if (place == UINT64_MAX)
		return "there is no memory where its relocation tag lets it be loaded";
	const uint64_t by = place - p->plan.start; /* modulo 2^64 */
	for (uint32_t i = 0; i < p->plan.count; i++)
		p->plan.segment[i].address += by;
	p->plan.entry += (uint32_t)by;
	p->plan.start += by;
	p->plan.end += by;
	return NULL;
}

/* ------------------------------------------------------------------------------------------------ all */

bool multiboot2_recognise(const void *bytes, uint64_t size)
{
	const struct image image = {bytes, size};

	return !multiboot1_recognise(&image) && header_find(&image) != UINT64_MAX;
}

static const char *segments_plan(struct tags *tags)
{
	struct multiboot_plan *plan = &tags->plan->plan;
	const char *why;

	if (!tags->has_addresses)
		why = multiboot_plan_elf(tags->image, plan);
	else if (!tags->has_entry)
		why = "its Multiboot 2 header has load addresses, but no entry address";
	else
		why = multiboot_plan_addresses(tags->image, &tags->addresses, plan);
	if (!why && tags->has_entry)
		plan->entry = tags->entry;
	return why;
}

const char *multiboot2_plan(const void *bytes, uint64_t size, uint64_t memory_size,
			    struct multiboot2_plan *plan)
{
	const struct image image = {bytes, size};
	struct tags tags = {.image = &image, .plan = plan};
	const uint64_t where = header_find(&image);
	const char *why;

	memset(plan, 0, sizeof(*plan));
	plan->plan.start = UINT64_MAX;
	if (where == UINT64_MAX)
		return "no Multiboot 2 header in the first 32768 bytes";
	why = header_take(&tags, where);
	if (!why)
		why = segments_plan(&tags);
	if (!why && plan->relocatable)
		why = relocate(plan, memory_size);
	return why ? why : multiboot_plan_check(&plan->plan, memory_size);
}
