/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libFuzzer entry: whatever the bytes, the decoder stays inside them and the short cuts agree with
 * it, and the emulator ends.
 * sources: @tests/unit/insn/fuzz-insn.sources
 *
 * @verifies LIB-101 VMM-203
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/emulate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t seg_base(struct emu_ctx *ctx, enum insn_seg seg)
{
	return ctx->gpr[seg & 15];
}

static enum emu_status read_bytes(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				  enum emu_intent intent, void *data)
{
	(void)ctx;
	memset(data, (int)(linear + intent) & 0xff, size);
	return EMU_DONE;
}

static enum emu_status write_bytes(struct emu_ctx *ctx, uint64_t linear, unsigned size,
				   const void *data)
{
	uint8_t sum = 0;

	(void)ctx;
	for (unsigned i = 0; i < size; i++)
		sum ^= ((const uint8_t *)data)[i];
	return (sum ^ linear) == 0x5a ? EMU_FAULT : EMU_DONE;
}

static const struct emu_ops ops = {.seg_base = seg_base, .read = read_bytes, .write = write_bytes};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_short_cuts(const uint8_t *bytes, size_t n, enum insn_mode mode,
			     const struct insn *insn, int error)
{
	struct insn_mov mov;
	const unsigned length = insn_mov_decode(bytes, n, mode, &mov);

	require(length == 0 || (error == 0 && insn->id == INSN_MOV && insn->length == length));
	require(insn_match(bytes, n, mode, INSN_PATTERN_PAUSE) <= n);
	require(insn_skip_prefixes(bytes, n, mode) <= n);
}

/** The registers are what is left of the input, behind the instruction. */
static void execute(const struct insn *insn, const uint8_t *rest, size_t n)
{
	struct emu_ctx ctx = {.ops = &ops, .stack_size = 8, .max_iterations = 3};

	memcpy(ctx.gpr, rest, n < sizeof(ctx.gpr) ? n : sizeof(ctx.gpr));
	require(emu_execute(&ctx, insn) <= EMU_UNSUPPORTED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct insn insn;
	enum insn_mode mode;
	size_t n;
	uint8_t *bytes;
	int error;

	if (size < 2)
		return 0;
	mode = (enum insn_mode)(data[0] % 3);
	n = size - 1 < data[1] % 18u ? size - 1 : data[1] % 18u;
	bytes = malloc(n + 1);
	require(bytes != NULL);
	memcpy(bytes, data + 1, n);
	error = insn_decode(bytes, n, mode, &insn);
	require(error != 0 || (insn.length <= n && insn.length <= INSN_MAX_LENGTH));
	check_short_cuts(bytes, n, mode, &insn, error);
	if (error == 0)
		execute(&insn, data + 1 + n, size - 1 - n);
	free(bytes);
	return 0;
}
