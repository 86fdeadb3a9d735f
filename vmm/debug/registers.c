/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Registers by the numbers that the target description gives them, and that description (GDB manual,
 * appendix G): the features that gdb wants of an x86-64, and one of our own with all the rest.
 *
 * @req GDB-030 All of a vCPU's registers are read and written by number: general, segment, FPU, SSE,
 *              control and debug registers, descriptor tables, MSRs; the description names each.
 */
#include "vmm/debug/debug.h"

#include "lib/string.h"
#include "vmm/vm.h"

/** Where a register is kept. */
enum place { IN_REGS, IN_FPU, IN_FPU_TAGS };

enum feature { CORE, SSE, SEGMENTS, SYSTEM, FEATURES };

struct row {
	char name[12];
	uint8_t feature; /**< enum feature */
	uint8_t place;
	uint8_t size;	 /**< bytes where it is kept */
	uint8_t bits;	 /**< as gdb knows it: the rest is zero */
	uint16_t offset;
	uint8_t group;	 /**< HV_X86_REGS_* */
	const char *type;
};

#define REG(feature, name, member, bits, group, type)                                              \
	{name, feature, IN_REGS, sizeof(((struct hv_x86_regs *)0)->member), bits,                  \
	 offsetof(struct hv_x86_regs, member), HV_X86_REGS_##group, type}
#define FPU(feature, name, offset, size, bits, type)                                               \
	{name, feature, IN_FPU, size, bits, offset, 0, type}

#define GPR(name, number) REG(CORE, name, gpr[number], 64, GPR, "int64")
#define SEL(name, number) REG(CORE, name, seg[number].selector, 32, SEG, "int32")
#define ST(n)		  FPU(CORE, "st" #n, 32 + 16 * n, 10, 80, "i387_ext")
#define XMM(n)		  FPU(SSE, "xmm" #n, 160 + 16 * n, 16, 128, "vec128")
#define SYS(name, member, bits, group) REG(SYSTEM, name, member, bits, group, "int" #bits)
#define SEG(name, number)                                                                          \
	SYS(name "_base", seg[number].base, 64, SEG), SYS(name "_limit", seg[number].limit, 32, SEG), \
		SYS(name "_attr", seg[number].attr, 32, SEG)
#define SEG_ATTR(name, number)                                                                     \
	SYS(name "_limit", seg[number].limit, 32, SEG), SYS(name "_attr", seg[number].attr, 32, SEG)

/* FXSAVE's layout (SDM vol. 1, table 10-2). */
static const struct row rows[] = {
	GPR("rax", HV_RAX), GPR("rbx", HV_RBX), GPR("rcx", HV_RCX), GPR("rdx", HV_RDX),
	GPR("rsi", HV_RSI), GPR("rdi", HV_RDI),
	REG(CORE, "rbp", gpr[HV_RBP], 64, GPR, "data_ptr"),
	REG(CORE, "rsp", gpr[HV_RSP], 64, GPR, "data_ptr"),
	GPR("r8", HV_R8), GPR("r9", HV_R9), GPR("r10", HV_R10), GPR("r11", HV_R11),
	GPR("r12", HV_R12), GPR("r13", HV_R13), GPR("r14", HV_R14), GPR("r15", HV_R15),
	REG(CORE, "rip", rip, 64, GPR, "code_ptr"),
	REG(CORE, "eflags", rflags, 32, GPR, "eflags_bits"),
	SEL("cs", HV_CS), SEL("ss", HV_SS), SEL("ds", HV_DS), SEL("es", HV_ES),
	SEL("fs", HV_FS), SEL("gs", HV_GS),
	ST(0), ST(1), ST(2), ST(3), ST(4), ST(5), ST(6), ST(7),
	FPU(CORE, "fctrl", 0, 2, 32, "int"),
	FPU(CORE, "fstat", 2, 2, 32, "int"),
	{"ftag", CORE, IN_FPU_TAGS, 2, 32, 4, 0, "int"},
	FPU(CORE, "fiseg", 12, 2, 32, "int"),
	FPU(CORE, "fioff", 8, 4, 32, "int"),
	FPU(CORE, "foseg", 20, 2, 32, "int"),
	FPU(CORE, "fooff", 16, 4, 32, "int"),
	FPU(CORE, "fop", 6, 2, 32, "int"),
	XMM(0), XMM(1), XMM(2), XMM(3), XMM(4), XMM(5), XMM(6), XMM(7),
	XMM(8), XMM(9), XMM(10), XMM(11), XMM(12), XMM(13), XMM(14), XMM(15),
	FPU(SSE, "mxcsr", 24, 4, 32, "int"),
	REG(SEGMENTS, "fs_base", seg[HV_FS].base, 64, SEG, "int64"),
	REG(SEGMENTS, "gs_base", seg[HV_GS].base, 64, SEG, "int64"),
	REG(SYSTEM, "k_gs_base", kernel_gs_base, 64, MSR, "int64"),
	REG(SYSTEM, "cr0", cr0, 64, CR, "cr0_bits"),
	SYS("cr2", cr2, 64, CR),
	SYS("cr3", cr3, 64, CR),
	REG(SYSTEM, "cr4", cr4, 64, CR, "cr4_bits"),
	SYS("cr8", cr8, 64, CR),
	REG(SYSTEM, "efer", efer, 64, CR, "efer_bits"),
	SYS("xcr0", xcr0, 64, CR),
	SYS("dr0", dr[0], 64, DR), SYS("dr1", dr[1], 64, DR), SYS("dr2", dr[2], 64, DR),
	SYS("dr3", dr[3], 64, DR), SYS("dr6", dr6, 64, DR), SYS("dr7", dr7, 64, DR),
	SYS("gdtr_base", gdtr.base, 64, SEG), SYS("gdtr_limit", gdtr.limit, 32, SEG),
	SYS("idtr_base", idtr.base, 64, SEG), SYS("idtr_limit", idtr.limit, 32, SEG),
	REG(SYSTEM, "ldtr", seg[HV_LDTR].selector, 32, SEG, "int32"), SEG("ldtr", HV_LDTR),
	REG(SYSTEM, "tr", seg[HV_TR].selector, 32, SEG, "int32"), SEG("tr", HV_TR),
	SEG("cs", HV_CS), SEG("ss", HV_SS), SEG("ds", HV_DS), SEG("es", HV_ES),
	SEG_ATTR("fs", HV_FS), SEG_ATTR("gs", HV_GS),
	SYS("star", star, 64, MSR), SYS("lstar", lstar, 64, MSR), SYS("cstar", cstar, 64, MSR),
	SYS("sfmask", sfmask, 64, MSR),
	SYS("sysenter_cs", sysenter_cs, 64, MSR), SYS("sysenter_sp", sysenter_esp, 64, MSR),
	SYS("sysenter_ip", sysenter_eip, 64, MSR),
	SYS("pat", pat, 64, MSR), SYS("apic_base", apic_base, 64, MSR),
	SYS("tsc_aux", tsc_aux, 64, MSR), SYS("misc_enable", misc_enable, 64, MSR),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

uint32_t debug_register_count(void)
{
	return ROWS;
}

/* ----------------------------------------------------------------------------------------- values */

/** FXSAVE has a bit where FSAVE has two: used or empty; that is all we say (SDM vol. 1, 10.5.1.1). */
static uint16_t tags_full(uint8_t used)
{
	uint16_t tags = 0;

	for (unsigned int i = 0; i < 8; i++)
		tags |= (uint16_t)((used >> i & 1 ? 0 : 3) << (2 * i));
	return tags;
}

static uint8_t tags_short(uint16_t tags)
{
	uint8_t used = 0;

	for (unsigned int i = 0; i < 8; i++)
		used |= (uint8_t)(((tags >> (2 * i) & 3) != 3) << i);
	return used;
}

static void *place_of(struct vm *vm, uint32_t vcpu, const struct row *row)
{
	uint8_t *regs = (uint8_t *)hv_x86_regs(vm->vcpu[vcpu].page);

	return (row->place == IN_REGS ? regs : vm->debug.vcpu[vcpu].fpu) + row->offset;
}

static bool missing(const struct vm *vm, uint32_t vcpu, const struct row *row)
{
	return row->place != IN_REGS && vm->debug.vcpu[vcpu].fpu_size == 0;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

void debug_register_read(struct vm *vm, uint32_t vcpu, uint32_t number, struct answer *answer)
{
	const struct row *row = &rows[number];
	const uint32_t size = row->bits / 8u;
	uint8_t value[16] = {0};

	if (missing(vm, vcpu, row)) {
		for (uint32_t i = 0; i < size; i++)
			answer_text(answer, "xx");
		return;
	}
	memcpy(value, place_of(vm, vcpu, row), smaller(row->size, size));
	if (row->place == IN_FPU_TAGS)
		memcpy(value, &(uint16_t){tags_full(value[0])}, sizeof(uint16_t));
	answer_bytes(answer, value, size);
}

/** XSAVE's header: which components the area holds, XSTATE_BV (SDM vol. 1, 13.4.2). */
#define XSTATE_AT      512u
#define XSTATE_X87_SSE 3u

static void changed(struct vcpu *vcpu, const struct row *row)
{
	struct debug_vcpu *v = &vcpu->vm->debug.vcpu[vcpu->index];
	struct hv_x86_regs *regs = hv_x86_regs(vcpu->page);

	v->edited = true;
	if (row->place != IN_REGS) {
		v->fpu_dirty = true;
		if (v->fpu_size > XSTATE_AT)
			v->fpu[XSTATE_AT] |= XSTATE_X87_SSE;
		return;
	}
	vcpu->page->dirty |= row->group;
	/* Who is sent elsewhere doesn't wait any more. */
	if (row->offset == offsetof(struct hv_x86_regs, rip) && regs->activity == HV_ACTIVITY_HALT) {
		regs->activity = HV_ACTIVITY_RUN;
		vcpu->page->dirty |= HV_X86_REGS_EVENT;
	}
}

bool debug_register_write(struct vm *vm, uint32_t vcpu, uint32_t number, const char **at)
{
	const struct row *row = &rows[number];
	const uint32_t size = row->bits / 8u, kept = smaller(row->size, size);
	uint8_t value[16];
	void *to = place_of(vm, vcpu, row);

	if (packet_word(at, "x")) { /* gdb doesn't know it, so it stays */
		for (uint32_t i = 1; i < 2 * size; i++)
			packet_char(at, 'x');
		return true;
	}
	if (!packet_bytes(at, value, size))
		return false;
	if (missing(vm, vcpu, row))
		return true;
	if (row->place == IN_FPU_TAGS) {
		const uint16_t tags = (uint16_t)(value[0] | value[1] << 8);
		value[0] = tags_short(tags);
		value[1] = 0;
	}
	if (memcmp(to, value, kept) == 0)
		return true;
	memcpy(to, value, kept);
	changed(&vm->vcpu[vcpu], row);
	return true;
}

/* ------------------------------------------------------------------------------------ description */

/** The part of a text that was asked for. */
struct window {
	struct answer *answer;
	uint64_t at, from, end;
	bool more;
};

static void put(struct window *window, const char *text)
{
	for (; *text != '\0'; text++, window->at++) {
		if (window->at < window->from)
			continue;
		if (window->at >= window->end || answer_room(window->answer) < 2)
			window->more = true;
		else
			answer_binary(window->answer, (uint8_t)*text);
		if (window->more)
			return;
	}
}

static void put_decimal(struct window *window, unsigned int value)
{
	char text[4] = "", *at = text + 3;

	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) != 0);
	put(window, at);
}

struct flag {
	uint8_t bit;
	char name[11];
};

static const struct flag eflags[] = {
	{0, "CF"}, {2, "PF"}, {4, "AF"}, {6, "ZF"}, {7, "SF"}, {8, "TF"}, {9, "IF"}, {10, "DF"},
	{11, "OF"}, {14, "NT"}, {16, "RF"}, {17, "VM"}, {18, "AC"}, {19, "VIF"}, {20, "VIP"},
	{21, "ID"}, {0xff, ""},
};
static const struct flag cr0[] = {
	{0, "PE"}, {1, "MP"}, {2, "EM"}, {3, "TS"}, {4, "ET"}, {5, "NE"}, {16, "WP"}, {18, "AM"},
	{29, "NW"}, {30, "CD"}, {31, "PG"}, {0xff, ""},
};
static const struct flag cr4[] = {
	{0, "VME"}, {1, "PVI"}, {2, "TSD"}, {3, "DE"}, {4, "PSE"}, {5, "PAE"}, {6, "MCE"}, {7, "PGE"},
	{8, "PCE"}, {9, "OSFXSR"}, {10, "OSXMMEXCPT"}, {11, "UMIP"}, {12, "LA57"}, {13, "VMXE"},
	{14, "SMXE"}, {16, "FSGSBASE"}, {17, "PCIDE"}, {18, "OSXSAVE"}, {20, "SMEP"}, {21, "SMAP"},
	{22, "PKE"}, {0xff, ""},
};
static const struct flag efer[] = {
	{0, "SCE"}, {8, "LME"}, {10, "LMA"}, {11, "NXE"}, {12, "SVME"}, {0xff, ""},
};

static void put_flags(struct window *window, const char *id, const char *size,
		      const struct flag *flag)
{
	put(window, "<flags id=\"");
	put(window, id);
	put(window, "\" size=\"");
	put(window, size);
	put(window, "\">");
	for (; flag->bit != 0xff; flag++) {
		put(window, "<field name=\"");
		put(window, flag->name);
		put(window, "\" start=\"");
		put_decimal(window, flag->bit);
		put(window, "\" end=\"");
		put_decimal(window, flag->bit);
		put(window, "\"/>");
	}
	put(window, "</flags>");
}

/** What a feature's registers are made of. */
static void put_types(struct window *window, enum feature feature)
{
	static const char vectors[] =
		"<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
		"<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
		"<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
		"<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
		"<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
		"<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
		"<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/>"
		"<field name=\"v2_double\" type=\"v2d\"/><field name=\"v16_int8\" type=\"v16i8\"/>"
		"<field name=\"v8_int16\" type=\"v8i16\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
		"<field name=\"v2_int64\" type=\"v2i64\"/><field name=\"uint128\" type=\"uint128\"/></union>";

	if (feature == CORE)
		put_flags(window, "eflags_bits", "4", eflags);
	if (feature == SSE)
		put(window, vectors);
	if (feature != SYSTEM)
		return;
	put_flags(window, "cr0_bits", "8", cr0);
	put_flags(window, "cr4_bits", "8", cr4);
	put_flags(window, "efer_bits", "8", efer);
}

static void put_register(struct window *window, const struct row *row)
{
	put(window, "<reg name=\"");
	put(window, row->name);
	put(window, "\" bitsize=\"");
	put_decimal(window, row->bits);
	put(window, "\" type=\"");
	put(window, row->type);
	put(window, row->feature == SYSTEM ? "\" group=\"system\"/>" : "\"/>");
}

bool debug_description(uint64_t offset, uint64_t length, struct answer *answer)
{
	static const char *const features[FEATURES] = {
		[CORE] = "org.gnu.gdb.i386.core",
		[SSE] = "org.gnu.gdb.i386.sse",
		[SEGMENTS] = "org.gnu.gdb.i386.segments",
		[SYSTEM] = "org.hypike.x86.system",
	};
	struct window window = {.answer = answer, .from = offset};

	if (__builtin_add_overflow(offset, length, &window.end))
		window.end = UINT64_MAX;
	put(&window, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\"><target>"
		     "<architecture>i386:x86-64</architecture>");
	for (uint32_t i = 0, last = FEATURES; i < ROWS; i++) {
		if (rows[i].feature != last) {
			put(&window, last == FEATURES ? "<feature name=\"" : "</feature><feature name=\"");
			put(&window, features[rows[i].feature]);
			put(&window, "\">");
			put_types(&window, (enum feature)rows[i].feature);
		}
		last = rows[i].feature;
		put_register(&window, &rows[i]);
	}
	put(&window, "</feature></target>");
	return window.more;
}
