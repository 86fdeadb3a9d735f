/* SPDX-License-Identifier: BSD-2-Clause */
/**
 * @file lapic.c
 * The local APIC's registers and its delivery of interrupts (SDM vol. 3, chapter 11).
 *
 * One table says for each register what may be read and written, in both modes; no access can reach
 * beyond it. The summaries of IRR and ISR make pending interrupt and EOI a handful of instructions.
 */
#include "hypervisor/x86/lapic_internal.h"

#include "hypervisor/x86/vendor.h"
#include "lib/string.h"

#define VERSION	     0x00050014u /**< integrated, 6 LVT entries (SDM 11.4.8) */
#define SVR_RESET    0xffu	 /**< SDM 11.4.7.1 */
#define SVR_BITS     0x3ffu	 /**< vector, enable, focus checking (no effect); no EOI suppression */
#define DFR_FLAT     0xffffffffu
#define DFR_FIXED    0x0fffffffu /**< read as ones */
#define LDR_BITS     0xff000000u /**< xAPIC */
#define ESR_BITS     0xefu
#define SELF_BITS    0xffu
#define ICR_LOW_WRITE	0x000ccfffu /**< reserved: 13, 17:16, 31:20; x2APIC also 12 (SDM 11.12.9) */
#define ICR_HIGH_BITS	0xff000000u
#define BASE_RESERVED	(UINT64_C(0x2ff) | ~(APIC_BASE_ADDR_MASK | 0xfffu)) /**< 7:0, 9, 63:52 */

/* -------------------------------------------------------------------- IRR and ISR, with summaries */

static inline uint32_t word_offset(uint32_t bank, uint32_t word)
{
	return bank + 0x10u * word;
}

static inline uint32_t vector_bit(uint32_t vector)
{
	return 1u << (vector % LAPIC_WORD_BITS);
}

/** Bit i: register i of the bank isn't zero. */
static uint32_t summarise(const struct lapic *lapic, uint32_t bank)
{
	uint32_t words = 0;

	for (uint32_t i = 0; i < LAPIC_WORDS; i++)
		words |= lapic_get(lapic, word_offset(bank, i)) != 0 ? 1u << i : 0;
	return words;
}

static inline int32_t bank_top(const struct lapic *lapic, uint32_t bank, uint32_t words)
{
	uint32_t word;

	if (words == 0)
		return -1;
	word = top_bit(words);
	return (int32_t)(word * LAPIC_WORD_BITS +
			 top_bit(lapic_get(lapic, word_offset(bank, word))));
}

/** The summaries anew from the page: the CPU or the VMM has changed it. */
static void summarise_all(struct lapic *lapic)
{
	lapic->irr_words = summarise(lapic, LAPIC_IRR);
	lapic->isr_words = summarise(lapic, LAPIC_ISR);
	lapic->isr_top = bank_top(lapic, LAPIC_ISR, lapic->isr_words);
}

static inline void bank_set(struct lapic *lapic, uint32_t bank, uint32_t vector, uint32_t *words)
{
	uint32_t offset = word_offset(bank, vector / LAPIC_WORD_BITS);

	lapic_put(lapic, offset, lapic_get(lapic, offset) | vector_bit(vector));
	*words |= 1u << (vector / LAPIC_WORD_BITS);
}

static inline void bank_clear(struct lapic *lapic, uint32_t bank, uint32_t vector, uint32_t *words)
{
	uint32_t offset = word_offset(bank, vector / LAPIC_WORD_BITS);
	uint32_t value = lapic_get(lapic, offset) & ~vector_bit(vector);

	lapic_put(lapic, offset, value);
	if (value == 0)
		*words &= ~(1u << (vector / LAPIC_WORD_BITS));
}

/** Processor priority (SDM 11.8.3.1). -1 as `isr_top` is class 0 here. */
static inline uint32_t processor_priority(const struct lapic *lapic)
{
	uint32_t tpr = lapic_get(lapic, LAPIC_TPR);
	uint32_t isrv = lapic->isr_top < 0 ? 0 : (uint32_t)lapic->isr_top & 0xf0u;

	return (tpr & 0xf0u) >= isrv ? tpr : isrv;
}

/* --------------------------------------------------------------------------------------- delivery */

static void end_top(struct lapic *lapic)
{
	bank_clear(lapic, LAPIC_ISR, (uint32_t)lapic->isr_top, &lapic->isr_words);
	lapic->isr_top = bank_top(lapic, LAPIC_ISR, lapic->isr_words);
}

void lapic_pv_eoi_sync(struct vcpu *vcpu)
{
	if (vcpu->lapic.pv_eoi.offered && lapic_pv_eoi_withdraw(vcpu) && vcpu->lapic.isr_top >= 0)
		end_top(&vcpu->lapic);
}

/**
 * @req HV-070 An interrupt is delivered when its priority class is above the processor's; of several the
 *      highest vector is first.
 */
int lapic_pending(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;
	int32_t vector;

	if (lapic->assisted)
		summarise_all(lapic);
	if (lapic->irr_words == 0)
		return -1;
	lapic_pv_eoi_sync(vcpu);
	vector = bank_top(lapic, LAPIC_IRR, lapic->irr_words);
	return vector >> 4 > (int32_t)(processor_priority(lapic) >> 4) ? vector : -1;
}

void lapic_accept(struct vcpu *vcpu, uint32_t vector)
{
	struct lapic *lapic = &vcpu->lapic;

	bank_clear(lapic, LAPIC_IRR, vector, &lapic->irr_words);
	bank_set(lapic, LAPIC_ISR, vector, &lapic->isr_words);
	lapic->isr_top = (int32_t)vector;
	lapic_pv_eoi_offer(vcpu, vector);
}

int lapic_eoi(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;
	int vector;

	if (lapic->assisted)
		summarise_all(lapic);
	lapic_pv_eoi_sync(vcpu);
	vector = lapic->isr_top;
	if (vector < 0)
		return -1;
	end_top(lapic);
	if (lapic->irr_words != 0)
		vcpu_work(vcpu, VCPU_WORK_EVENT);
	return vector;
}

void lapic_set_tpr(struct vcpu *vcpu, uint32_t tpr)
{
	struct lapic *lapic = &vcpu->lapic;

	lapic_put(lapic, LAPIC_TPR, tpr & 0xffu);
	if (lapic->irr_words != 0)
		vcpu_work(vcpu, VCPU_WORK_EVENT);
}

uint32_t lapic_get_tpr(const struct vcpu *vcpu)
{
	return lapic_get(&vcpu->lapic, LAPIC_TPR);
}

bool lapic_accepts_extint(const struct vcpu *vcpu)
{
	const struct lapic *lapic = &vcpu->lapic;

	return lapic->mode == LAPIC_OFF ||
	       (lapic_get(lapic, LAPIC_LVT_LINT0) & (APIC_DM_MASK | APIC_LVT_MASKED)) ==
		       APIC_DM_EXTINT;
}

/* -------------------------------------------------------------------------------------- requests */

void lapic_raise(struct vcpu *vcpu, uint32_t vector)
{
	struct lapic *lapic = &vcpu->lapic;
	uint32_t tmr = word_offset(LAPIC_TMR, vector / LAPIC_WORD_BITS);

	if (!lapic_enabled(lapic))
		return;
	bank_set(lapic, LAPIC_IRR, vector, &lapic->irr_words);
	lapic_put(lapic, tmr, lapic_get(lapic, tmr) & ~vector_bit(vector));
	vcpu_work(vcpu, VCPU_WORK_EVENT);
}

static void raise_delivery(struct vcpu *vcpu, uint32_t lvt)
{
	uint32_t vector = lvt & APIC_LVT_VECTOR;

	switch (lvt & APIC_DM_MASK) {
	case APIC_DM_FIXED:
		if (vector < LAPIC_FIRST_VECTOR)
			lapic_error(vcpu, APIC_ESR_RECEIVE_ILLEGAL);
		else
			lapic_raise(vcpu, vector);
		break;
	case APIC_DM_NMI:
		vcpu_work(vcpu, VCPU_WORK_NMI);
		break;
	default:
		break;
	}
}

void lapic_raise_lvt(struct vcpu *vcpu, uint32_t offset)
{
	uint32_t lvt = lapic_get(&vcpu->lapic, offset);

	if ((lvt & APIC_LVT_MASKED) == 0)
		raise_delivery(vcpu, lvt);
}

/** An illegal vector in the error interrupt itself is not reported again: that would never end. */
void lapic_error(struct vcpu *vcpu, uint32_t bits)
{
	uint32_t lvt = lapic_get(&vcpu->lapic, LAPIC_LVT_ERROR);

	__atomic_or_fetch(&vcpu->lapic.esr_pending, bits, __ATOMIC_RELAXED);
	if ((lvt & APIC_LVT_MASKED) != 0)
		return;
	if ((lvt & APIC_LVT_VECTOR) >= LAPIC_FIRST_VECTOR)
		lapic_request(vcpu, lvt & APIC_LVT_VECTOR, false);
	else
		__atomic_or_fetch(&vcpu->lapic.esr_pending, APIC_ESR_RECEIVE_ILLEGAL,
				  __ATOMIC_RELAXED);
}

/**
 * The trigger mode is written before the request: who collects the request sees it.
 * @req HV-071 An interrupt can be asked for from any CPU at any time; none is lost while its APIC is
 *      enabled.
 */
void lapic_request(struct vcpu *vcpu, uint32_t vector, bool level)
{
	struct lapic *lapic = &vcpu->lapic;
	uint64_t bit = UINT64_C(1) << (vector % 64u);
	uint32_t word = vector / 64u;

	if (vector >= LAPIC_WORDS * LAPIC_WORD_BITS)
		return;
	if (vector < LAPIC_FIRST_VECTOR) {
		lapic_error(vcpu, APIC_ESR_RECEIVE_ILLEGAL);
		return;
	}
	if (level)
		__atomic_or_fetch(&lapic->requested_level[word], bit, __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&lapic->requested_level[word], ~bit, __ATOMIC_RELAXED);
	__atomic_or_fetch(&lapic->requested[word], bit, __ATOMIC_RELEASE);
	vcpu_post(vcpu, VCPU_WORK_EVENT);
}

static void collect_word(struct lapic *lapic, uint32_t word, uint32_t asked, uint32_t level)
{
	uint32_t irr = word_offset(LAPIC_IRR, word);
	uint32_t tmr = word_offset(LAPIC_TMR, word);

	if (asked == 0)
		return;
	lapic_put(lapic, irr, lapic_get(lapic, irr) | asked);
	lapic_put(lapic, tmr, (lapic_get(lapic, tmr) & ~asked) | (level & asked));
	lapic->irr_words |= 1u << word;
}

static inline uint64_t asked_word(const struct lapic *lapic, uint32_t word)
{
	return __atomic_load_n(&lapic->requested[word], __ATOMIC_RELAXED);
}

static __attribute__((noinline)) void collect(struct lapic *lapic)
{
	for (uint32_t i = 0; i < LAPIC_WORDS / 2u; i++) {
		uint64_t asked, level;

		if (asked_word(lapic, i) == 0)
			continue;
		asked = __atomic_exchange_n(&lapic->requested[i], 0, __ATOMIC_ACQUIRE);
		level = __atomic_load_n(&lapic->requested_level[i], __ATOMIC_RELAXED);
		if (!lapic_enabled(lapic))
			continue;
		collect_word(lapic, 2u * i, (uint32_t)asked, (uint32_t)level);
		collect_word(lapic, 2u * i + 1u, (uint32_t)(asked >> 32), (uint32_t)(level >> 32));
	}
}

void lapic_collect(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;

	if ((asked_word(lapic, 0) | asked_word(lapic, 1) | asked_word(lapic, 2) |
	     asked_word(lapic, 3)) != 0)
		collect(lapic);
}

/* ------------------------------------------------------------------------- writing the registers */

static void write_eoi(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)offset;
	(void)value;
	lapic_eoi(vcpu);
}

static void write_tpr(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)offset;
	lapic_set_tpr(vcpu, (uint32_t)value);
}

static void write_plain(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	lapic_put(&vcpu->lapic, offset, (uint32_t)value);
}

static void write_dfr(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	lapic_put(&vcpu->lapic, offset, (uint32_t)value | DFR_FIXED);
}

static const uint16_t lvt_offset[] = {
	LAPIC_LVT_TIMER, LAPIC_LVT_THERMAL, LAPIC_LVT_PERF,
	LAPIC_LVT_LINT0, LAPIC_LVT_LINT1,   LAPIC_LVT_ERROR,
};
#define LVT_COUNT (sizeof(lvt_offset) / sizeof(lvt_offset[0]))

static void mask_lvts(struct lapic *lapic)
{
	for (uint32_t i = 0; i < LVT_COUNT; i++)
		lapic_put(lapic, lvt_offset[i],
			  lapic_get(lapic, lvt_offset[i]) | APIC_LVT_MASKED);
}

static void write_svr(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	lapic_put(&vcpu->lapic, offset, (uint32_t)value);
	if ((value & APIC_SVR_ENABLE) == 0)
		mask_lvts(&vcpu->lapic);
}

/** While the APIC is software-disabled, the mask bits stay set (SDM 11.4.7.2). */
static void write_lvt(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	struct lapic *lapic = &vcpu->lapic;
	uint32_t old = lapic_get(lapic, offset);

	if (!lapic_enabled(lapic))
		value |= APIC_LVT_MASKED;
	lapic_put(lapic, offset, (uint32_t)value);
	if (offset == LAPIC_LVT_TIMER)
		lapic_timer_mode_changed(vcpu, old);
}

/** A write of any value brings up the errors since the last one (SDM 11.5.3). */
static void write_esr(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)value;
	lapic_put(&vcpu->lapic, offset,
		  __atomic_exchange_n(&vcpu->lapic.esr_pending, 0, __ATOMIC_RELAXED));
}

static void write_icr(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	struct lapic *lapic = &vcpu->lapic;

	lapic_put(lapic, offset, (uint32_t)value);
	if (lapic->mode == LAPIC_X2APIC)
		lapic_put(lapic, LAPIC_ICR_HIGH, (uint32_t)(value >> 32));
	else
		value |= (uint64_t)(lapic_get(lapic, LAPIC_ICR_HIGH) >> APIC_ICR_XAPIC_SHIFT) << 32;
	lapic_send(vcpu, value);
}

static void write_self_ipi(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)offset;
	if (value < LAPIC_FIRST_VECTOR)
		lapic_error(vcpu, APIC_ESR_SEND_ILLEGAL);
	else
		lapic_raise(vcpu, (uint32_t)value);
}

static void write_initial(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)offset;
	lapic_timer_set_initial(vcpu, (uint32_t)value);
}

static void write_divide(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	(void)offset;
	lapic_timer_set_divide(vcpu, (uint32_t)value);
}

/* -------------------------------------------------------------------------- the table of registers */

#define XR   1u	 /**< xAPIC: readable */
#define XW   2u	 /**< xAPIC: writable */
#define X2R  4u	 /**< x2APIC: RDMSR allowed */
#define X2W  8u	 /**< x2APIC: WRMSR allowed */
#define XDEF 16u /**< xAPIC: no error where it can't be read or written */
#define RO   (XR | X2R | XDEF)
#define RW   (XR | XW | X2R | X2W)

/** What a register is (SDM Tables 11-1 and 11-6). */
struct row {
	uint32_t access;
	uint32_t writable; /**< bits that a write changes */
	uint64_t x2_valid; /**< bits that WRMSR may set: others are #GP */
	void (*write)(struct vcpu *vcpu, uint32_t offset, uint64_t value);
};

#define BANK_ROWS(bank) [(bank) >> 4 ... ((bank) >> 4) + LAPIC_WORDS - 1u] = {RO, 0, 0, NULL}
/** An LVT entry: delivery status (12) is read-only, never an error. */
#define LVT_ROW(bits) {RW, (bits), (bits) | APIC_LVT_PENDING, write_lvt}
#define LVT_LINT_BITS                                                                              \
	(APIC_LVT_VECTOR | APIC_DM_MASK | APIC_LVT_LOW_ACTIVE | APIC_LVT_LEVEL | APIC_LVT_MASKED)

static const struct row rows[64] = {
	[LAPIC_ID >> 4] = {RO, 0, 0, NULL},
	[LAPIC_VERSION >> 4] = {RO, 0, 0, NULL},
	[LAPIC_TPR >> 4] = {RW, 0xff, 0xff, write_tpr},
	[LAPIC_APR >> 4] = {XR | XDEF, 0, 0, NULL},
	[LAPIC_PPR >> 4] = {RO, 0, 0, NULL},
	[LAPIC_EOI >> 4] = {XW | X2W | XDEF, 0, 0, write_eoi},
	[LAPIC_RRD >> 4] = {XR | XDEF, 0, 0, NULL},
	[LAPIC_LDR >> 4] = {XR | XW | X2R, LDR_BITS, 0, write_plain},
	[LAPIC_DFR >> 4] = {XR | XW, ~DFR_FIXED, 0, write_dfr},
	[LAPIC_SVR >> 4] = {RW, SVR_BITS, SVR_BITS, write_svr},
	BANK_ROWS(LAPIC_ISR),
	BANK_ROWS(LAPIC_TMR),
	BANK_ROWS(LAPIC_IRR),
	[LAPIC_ESR >> 4] = {RW, 0, 0, write_esr},
	[LAPIC_ICR_LOW >> 4] = {RW, ICR_LOW_WRITE, UINT64_C(0xffffffff00000000) | ICR_LOW_WRITE,
				write_icr},
	[LAPIC_ICR_HIGH >> 4] = {XR | XW, ICR_HIGH_BITS, 0, write_plain},
	[LAPIC_LVT_TIMER >> 4] = LVT_ROW(APIC_LVT_VECTOR | APIC_LVT_MASKED | APIC_LVT_TIMER_MODE),
	[LAPIC_LVT_THERMAL >> 4] = LVT_ROW(APIC_LVT_VECTOR | APIC_DM_MASK | APIC_LVT_MASKED),
	[LAPIC_LVT_PERF >> 4] = LVT_ROW(APIC_LVT_VECTOR | APIC_DM_MASK | APIC_LVT_MASKED),
	[LAPIC_LVT_LINT0 >> 4] = {RW, LVT_LINT_BITS,
				  LVT_LINT_BITS | APIC_LVT_PENDING | APIC_LVT_REMOTE_IRR, write_lvt},
	[LAPIC_LVT_LINT1 >> 4] = {RW, LVT_LINT_BITS,
				  LVT_LINT_BITS | APIC_LVT_PENDING | APIC_LVT_REMOTE_IRR, write_lvt},
	[LAPIC_LVT_ERROR >> 4] = LVT_ROW(APIC_LVT_VECTOR | APIC_LVT_MASKED),
	[LAPIC_TIMER_ICR >> 4] = {RW, 0xffffffffu, 0xffffffffu, write_initial},
	[LAPIC_TIMER_CCR >> 4] = {RO, 0, 0, NULL},
	[LAPIC_TIMER_DCR >> 4] = {RW, 0xb, 0xb, write_divide},
	[LAPIC_SELF_IPI >> 4] = {X2W, SELF_BITS, SELF_BITS, write_self_ipi},
};
#define ROWS_END 0x400u /**< first offset behind the table */

static const struct row *row_at(uint32_t offset)
{
	static const struct row none = {0, 0, 0, NULL};

	return offset < ROWS_END ? &rows[offset >> 4] : &none;
}

/** In xAPIC mode an access to a register that isn't there is an error of its own (SDM 11.5.3). */
static bool no_such_register(struct vcpu *vcpu, const struct row *row)
{
	if ((row->access & (XR | XW | XDEF)) == 0)
		lapic_error(vcpu, APIC_ESR_ILLEGAL_REG);
	return true;
}

/* --------------------------------------------------------------------------------------- access */

static uint64_t read_register(struct vcpu *vcpu, uint32_t offset)
{
	struct lapic *lapic = &vcpu->lapic;

	switch (offset) {
	case LAPIC_PPR:
		if (lapic->assisted)
			break;
		return processor_priority(lapic);
	case LAPIC_TIMER_CCR:
		return lapic_timer_current(vcpu);
	case LAPIC_ICR_LOW:
		if (lapic->mode == LAPIC_X2APIC)
			return (uint64_t)lapic_get(lapic, LAPIC_ICR_HIGH) << 32 |
			       lapic_get(lapic, LAPIC_ICR_LOW);
		break;
	default:
		break;
	}
	return lapic_get(lapic, offset);
}

/** Accesses that don't start at a register are undefined (SDM 11.4.1): its upper bytes, then zeros. */
static uint64_t read_xapic(struct vcpu *vcpu, const struct row *row, uint32_t offset)
{
	uint32_t inside = offset & 0xfu;

	if ((row->access & XR) == 0) {
		no_such_register(vcpu, row);
		return 0;
	}
	return inside < 4u ? read_register(vcpu, offset & ~0xfu) >> (8u * inside) : 0;
}

/**
 * @req HV-072 Every register of the xAPIC page and every x2APIC MSR answers as the SDM says, reserved
 *      ones included.
 */
bool lapic_read(struct vcpu *vcpu, uint32_t offset, uint64_t *value)
{
	const struct row *row = row_at(offset);

	*value = 0;
	lapic_pv_eoi_sync(vcpu);
	switch (vcpu->lapic.mode) {
	case LAPIC_X2APIC:
		if ((row->access & X2R) == 0)
			return false;
		*value = read_register(vcpu, offset & ~0xfu);
		return true;
	case LAPIC_XAPIC:
		*value = read_xapic(vcpu, row, offset);
		return true;
	default:
		return false;
	}
}

static bool write_x2apic(struct vcpu *vcpu, const struct row *row, uint32_t offset, uint64_t value)
{
	if ((row->access & X2W) == 0 || (value & ~row->x2_valid) != 0)
		return false;
	row->write(vcpu, offset, offset == LAPIC_ICR_LOW ? value : value & row->writable);
	return true;
}

static bool write_xapic(struct vcpu *vcpu, const struct row *row, uint32_t offset, uint64_t value)
{
	if ((row->access & XW) == 0)
		return no_such_register(vcpu, row);
	if ((offset & 0xfu) == 0)
		row->write(vcpu, offset, value & row->writable);
	return true;
}

bool lapic_write(struct vcpu *vcpu, uint32_t offset, uint64_t value)
{
	const struct row *row = row_at(offset);

	switch (vcpu->lapic.mode) {
	case LAPIC_X2APIC:
		return write_x2apic(vcpu, row, offset & ~0xfu, value);
	case LAPIC_XAPIC:
		return write_xapic(vcpu, row, offset, value);
	default:
		return false;
	}
}

/* ---------------------------------------------------------------------------------- reset and mode */

static enum lapic_mode mode_of(uint64_t base)
{
	if ((base & APIC_BASE_EN) == 0)
		return LAPIC_OFF;
	return (base & APIC_BASE_EXTD) != 0 ? LAPIC_X2APIC : LAPIC_XAPIC;
}

/** ID and LDR: x2APIC derives the logical ID from the ID (SDM 11.12.10.2). */
static void set_ids(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;
	uint32_t id = vcpu->index;

	if (lapic->mode == LAPIC_X2APIC) {
		lapic_put(lapic, LAPIC_ID, id);
		lapic_put(lapic, LAPIC_LDR, (id >> 4) << 16 | 1u << (id & 0xfu));
	} else {
		lapic_put(lapic, LAPIC_ID, id << 24);
		lapic_put(lapic, LAPIC_LDR, 0);
	}
}

static void reset_registers(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;

	lapic_pv_eoi_sync(vcpu);
	for (uint32_t offset = 0; offset < ROWS_END; offset += 0x10u)
		lapic_put(lapic, offset, 0);
	for (uint32_t i = 0; i < LAPIC_WORDS / 2u; i++)
		__atomic_store_n(&lapic->requested[i], 0, __ATOMIC_RELAXED);
	__atomic_store_n(&lapic->esr_pending, 0, __ATOMIC_RELAXED);
	lapic_put(lapic, LAPIC_VERSION, VERSION);
	lapic_put(lapic, LAPIC_DFR, DFR_FLAT);
	lapic_put(lapic, LAPIC_SVR, SVR_RESET);
	mask_lvts(lapic);
	set_ids(vcpu);
	summarise_all(lapic);
}

/** What firmware does on the boot processor of a PC (MP specification 1.4, 3.6.2.2). */
static void virtual_wire(struct lapic *lapic)
{
	lapic_put(lapic, LAPIC_SVR, SVR_RESET | APIC_SVR_ENABLE);
	lapic_put(lapic, LAPIC_LVT_LINT0, APIC_DM_EXTINT);
	lapic_put(lapic, LAPIC_LVT_LINT1, APIC_DM_NMI);
}

static void set_mode(struct lapic *lapic, uint64_t base)
{
	lapic->base = base;
	__atomic_store_n(&lapic->mode, mode_of(base), __ATOMIC_RELAXED);
}

void lapic_reset(struct vcpu *vcpu)
{
	struct lapic *lapic = &vcpu->lapic;

	lapic_timer_stop(vcpu);
	lapic_timer_init(vcpu);
	set_mode(lapic, lapic->base);
	reset_registers(vcpu);
	lapic->pv_eoi = (struct lapic_pv_eoi){0};
	if (vcpu->index == 0)
		virtual_wire(lapic);
}

/** From disabled only to xAPIC; from x2APIC only to disabled (SDM 11.12.5, Figure 11-33). */
static bool base_valid(const struct lapic *lapic, uint64_t value)
{
	enum lapic_mode next = mode_of(value);

	if ((value & BASE_RESERVED) != 0 || (value & (APIC_BASE_EN | APIC_BASE_EXTD)) == APIC_BASE_EXTD)
		return false;
	if (lapic->mode == LAPIC_OFF)
		return next != LAPIC_X2APIC;
	return lapic->mode != LAPIC_X2APIC || next != LAPIC_XAPIC;
}

/** @req HV-073 Only the mode changes of SDM Figure 11-33 are possible; all others are #GP. */
bool lapic_set_base(struct vcpu *vcpu, uint64_t value)
{
	struct lapic *lapic = &vcpu->lapic;
	enum lapic_mode before = lapic->mode;

	if (!base_valid(lapic, value))
		return false;
	value = (value & ~APIC_BASE_BSP) | (vcpu->index == 0 ? APIC_BASE_BSP : 0);
	if (value == lapic->base)
		return true;
	lapic_pv_eoi_sync(vcpu);
	set_mode(lapic, value);
	if (lapic->mode == LAPIC_OFF) { /* what was set up is lost (SDM 11.4.3) */
		lapic_timer_stop(vcpu);
		reset_registers(vcpu);
	} else if (lapic->mode != before) {
		set_ids(vcpu);
	}
	vendor->apic_mode(vcpu);
	return true;
}

/* --------------------------------------------------------------------------------- save and load */

void lapic_save(struct vcpu *vcpu, uint32_t regs[256])
{
	lapic_pv_eoi_sync(vcpu);
	for (uint32_t offset = 0; offset < ROWS_END; offset += 0x10u) {
		regs[offset / 4u] = (rows[offset >> 4].access & (XR | X2R)) == 0
					    ? 0
					    : (uint32_t)read_register(vcpu, offset);
		regs[offset / 4u + 1u] = regs[offset / 4u + 2u] = regs[offset / 4u + 3u] = 0;
	}
	regs[LAPIC_ICR_HIGH / 4u] = lapic_get(&vcpu->lapic, LAPIC_ICR_HIGH);
}

/** Registers that are loaded as they are, but for bits that don't exist. */
static const struct {
	uint16_t offset;
	uint32_t bits;
} loaded[] = {
	{LAPIC_TPR, 0xff},
	{LAPIC_SVR, SVR_BITS},
	{LAPIC_ESR, ESR_BITS},
	{LAPIC_ICR_LOW, ICR_LOW_WRITE},
	{LAPIC_LVT_TIMER, APIC_LVT_VECTOR | APIC_LVT_MASKED | APIC_LVT_TIMER_MODE},
	{LAPIC_LVT_THERMAL, APIC_LVT_VECTOR | APIC_DM_MASK | APIC_LVT_MASKED},
	{LAPIC_LVT_PERF, APIC_LVT_VECTOR | APIC_DM_MASK | APIC_LVT_MASKED},
	{LAPIC_LVT_LINT0, LVT_LINT_BITS},
	{LAPIC_LVT_LINT1, LVT_LINT_BITS},
	{LAPIC_LVT_ERROR, APIC_LVT_VECTOR | APIC_LVT_MASKED},
	{LAPIC_TIMER_ICR, 0xffffffffu},
	{LAPIC_TIMER_DCR, 0xb},
};

static void load_banks(struct lapic *lapic, const uint32_t regs[256])
{
	static const uint16_t banks[] = {LAPIC_ISR, LAPIC_TMR, LAPIC_IRR};

	for (uint32_t i = 0; i < LAPIC_WORDS; i++)
		for (uint32_t bank = 0; bank < 3u; bank++) {
			uint32_t offset = word_offset(banks[bank], i);

			lapic_put(lapic, offset, regs[offset / 4u] & (i == 0 ? 0xffff0000u : ~0u));
		}
	summarise_all(lapic);
}

void lapic_load(struct vcpu *vcpu, const uint32_t regs[256])
{
	struct lapic *lapic = &vcpu->lapic;

	lapic_timer_stop(vcpu);
	lapic_pv_eoi_sync(vcpu);
	for (uint32_t i = 0; i < sizeof(loaded) / sizeof(loaded[0]); i++)
		lapic_put(lapic, loaded[i].offset, regs[loaded[i].offset / 4u] & loaded[i].bits);
	lapic_put(lapic, LAPIC_ICR_HIGH, regs[LAPIC_ICR_HIGH / 4u]);
	if (lapic->mode != LAPIC_X2APIC) {
		lapic_put(lapic, LAPIC_ICR_HIGH, regs[LAPIC_ICR_HIGH / 4u] & ICR_HIGH_BITS);
		lapic_put(lapic, LAPIC_LDR, regs[LAPIC_LDR / 4u] & LDR_BITS);
		lapic_put(lapic, LAPIC_DFR, regs[LAPIC_DFR / 4u] | DFR_FIXED);
	}
	if ((regs[LAPIC_SVR / 4u] & APIC_SVR_ENABLE) == 0)
		mask_lvts(lapic);
	load_banks(lapic, regs);
	lapic_timer_resume(vcpu, regs[LAPIC_TIMER_CCR / 4u]);
	vcpu_work(vcpu, VCPU_WORK_EVENT);
}
