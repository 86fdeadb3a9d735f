/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/printf.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/string.h"

/* Where the text goes. */
struct out {
	lib_putc_fn put;
	void *ctx;
	int count;
};

enum length { LEN_INT, LEN_CHAR, LEN_SHORT, LEN_LONG };

/* One conversion: %[flags][width][.precision][length]conv */
struct spec {
	bool left, zero, plus, space, alt;
	int width;
	int precision; /* -1: none given */
	enum length length;
	char conv;
};

static void put(struct out *out, char c)
{
	out->put(out->ctx, c);
	if (out->count < INT_MAX)
		out->count++;
}

static void put_repeated(struct out *out, char c, int n)
{
	for (int i = 0; i < n; i++)
		put(out, c);
}

static void put_padded(struct out *out, const struct spec *s, const char *text, int len)
{
	if (!s->left)
		put_repeated(out, ' ', s->width - len);
	for (int i = 0; i < len; i++)
		put(out, text[i]);
	if (s->left)
		put_repeated(out, ' ', s->width - len);
}

/* Digits of v, last first; at least `min`. @return how many. */
static int digits(char *buf, uint64_t v, unsigned base, bool upper, int min)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; v != 0; v /= base)
		buf[n++] = set[v % base];
	return n == 0 && min > 0 ? (buf[n++] = '0', n) : n;
}

/*
 * Puts sign or prefix, zeros, digits with the padding the standard asks for: a precision wins over
 * the 0 flag, which wins over blanks on the left.
 */
static void put_number(struct out *out, const struct spec *s, uint64_t v, unsigned base,
		       const char *prefix)
{
	char buf[22];
	int n = digits(buf, v, base, s->conv == 'X', s->precision < 0 ? 1 : s->precision);
	int plen = (int)strlen(prefix);
	int zeros = s->precision > n ? s->precision - n : 0;

	if (s->precision < 0 && s->zero && !s->left && s->width > n + plen)
		zeros = s->width - n - plen;

	int blanks = s->width - plen - zeros - n;

	if (!s->left)
		put_repeated(out, ' ', blanks);
	while (*prefix != '\0')
		put(out, *prefix++);
	put_repeated(out, '0', zeros);
	while (n > 0)
		put(out, buf[--n]);
	if (s->left)
		put_repeated(out, ' ', blanks);
}

static int64_t signed_arg(enum length length, va_list *ap)
{
	if (length == LEN_LONG)
		return va_arg(*ap, long);

	int v = va_arg(*ap, int);

	return length == LEN_CHAR ? (signed char)v : length == LEN_SHORT ? (short)v : v;
}

static uint64_t unsigned_arg(enum length length, va_list *ap)
{
	if (length == LEN_LONG)
		return va_arg(*ap, unsigned long);

	unsigned v = va_arg(*ap, unsigned);

	return length == LEN_CHAR ? (unsigned char)v : length == LEN_SHORT ? (unsigned short)v : v;
}

static void put_signed(struct out *out, const struct spec *s, va_list *ap)
{
	int64_t v = signed_arg(s->length, ap);
	const char *sign = v < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";

	put_number(out, s, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, sign);
}

static void put_unsigned(struct out *out, const struct spec *s, va_list *ap, unsigned base)
{
	uint64_t v = unsigned_arg(s->length, ap);
	const char *prefix = "";

	if (s->alt && v != 0 && base == 16)
		prefix = s->conv == 'X' ? "0X" : "0x";
	else if (s->alt && v != 0 && base == 8)
		prefix = "0";
	put_number(out, s, v, base, prefix);
}

static void put_pointer(struct out *out, const struct spec *s, va_list *ap)
{
	put_number(out, s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
}

static void put_string(struct out *out, const struct spec *s, va_list *ap)
{
	const char *text = va_arg(*ap, const char *);
	size_t max = s->precision < 0 ? (size_t)INT_MAX : (size_t)s->precision;

	if (text == NULL)
		text = "(null)";
	put_padded(out, s, text, (int)strnlen(text, max));
}

static void put_char(struct out *out, const struct spec *s, va_list *ap)
{
	char c = (char)va_arg(*ap, int);

	put_padded(out, s, &c, 1);
}

static const char *parse_flags(const char *p, struct spec *s)
{
	for (;; p++) {
		switch (*p) {
		case '-': s->left = true; break;
		case '0': s->zero = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '#': s->alt = true; break;
		default: return p;
		}
	}
}

/* A decimal number or *; a number too large for any sane text stops growing. */
static const char *parse_number(const char *p, int *value, va_list *ap)
{
	if (*p == '*') {
		*value = va_arg(*ap, int);
		return p + 1;
	}
	for (*value = 0; *p >= '0' && *p <= '9'; p++) {
		if (*value < 100000)
			*value = *value * 10 + (*p - '0');
	}
	return p;
}

static const char *parse_size(const char *p, struct spec *s, va_list *ap)
{
	p = parse_number(p, &s->width, ap);
	if (s->width < 0) {
		s->left = true;
		s->width = s->width == INT_MIN ? INT_MAX : -s->width;
	}
	if (*p == '.')
		p = parse_number(p + 1, &s->precision, ap);
	return p;
}

static const char *parse_length(const char *p, struct spec *s)
{
	for (;; p++) {
		switch (*p) {
		case 'h': s->length = s->length == LEN_SHORT ? LEN_CHAR : LEN_SHORT; break;
		case 'l':
		case 'z':
		case 't':
		case 'j': s->length = LEN_LONG; break;
		default: return p;
		}
	}
}

static bool convert(struct out *out, const struct spec *s, va_list *ap)
{
	switch (s->conv) {
	case 'd':
	case 'i': put_signed(out, s, ap); return true;
	case 'u': put_unsigned(out, s, ap, 10); return true;
	case 'x':
	case 'X': put_unsigned(out, s, ap, 16); return true;
	case 'o': put_unsigned(out, s, ap, 8); return true;
	case 'p': put_pointer(out, s, ap); return true;
	case 's': put_string(out, s, ap); return true;
	case 'c': put_char(out, s, ap); return true;
	case '%': put(out, '%'); return true;
	default: return false;
	}
}

/* @return what follows the conversion that begins at the % in p. */
static const char *format_one(struct out *out, const char *p, va_list *ap)
{
	struct spec s = {.precision = -1};
	const char *end = parse_length(parse_size(parse_flags(p + 1, &s), &s, ap), &s);

	s.conv = *end;
	if (convert(out, &s, ap))
		return end + 1;
	put(out, *p);
	return p + 1;
}

int lib_vprintf(lib_putc_fn putc, void *ctx, const char *fmt, va_list ap)
{
	struct out out = {putc, ctx, 0};
	va_list args;

	va_copy(args, ap);
	while (*fmt != '\0') {
		if (*fmt == '%')
			fmt = format_one(&out, fmt, &args);
		else
			put(&out, *fmt++);
	}
	va_end(args);
	return out.count;
}

int lib_fprintf(lib_putc_fn putc, void *ctx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = lib_vprintf(putc, ctx, fmt, ap);
	va_end(ap);
	return n;
}

struct buffer {
	char *at;
	size_t left; /* with room for the final zero */
};

static void put_in_buffer(void *ctx, char c)
{
	struct buffer *b = ctx;

	if (b->left > 1) {
		*b->at++ = c;
		b->left--;
	}
}

int lib_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct buffer b = {buf, size};
	int n = lib_vprintf(put_in_buffer, &b, fmt, ap);

	if (size > 0)
		*b.at = '\0';
	return n;
}

int lib_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = lib_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
