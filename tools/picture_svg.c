/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One column of lanes a plan, a bar of memory above. Colours go by partition, with equal brightness.
 */
#include <stdlib.h>
#include <string.h>

#include "tools/check.h"
#include "tools/picture.h"

#define WIDTH	    960u
#define LEFT	    80u
#define RIGHT	    20u
#define SCALE	    ((double)(WIDTH - LEFT - RIGHT))
#define LANE_HEIGHT 34u
#define MEMORY_HEIGHT 30u

static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			if ((unsigned char)*text >= 0x20)
				fputc(*text, out);
		}
	}
}

/* Hues a golden angle apart: neighbours differ, however many there are. */
static void put_color(FILE *out, size_t number)
{
	fprintf(out, "hsl(%u, 60%%, 72%%)", (unsigned)(number * 137 + 210) % 360);
}

static void put_text(FILE *out, double x, double y, const char *class, const char *text)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_escaped(out, text);
	fputs("</text>\n", out);
}

/* A box with its name in it, where there is room; the whole story when pointed at. */
static void put_box(FILE *out, double x, double y, double width, double height, size_t color,
		    const char *name, const char *detail)
{
	fprintf(out, "<g><title>");
	put_escaped(out, name);
	fputs(": ", out);
	put_escaped(out, detail);
	fprintf(out, "</title><rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"", x,
		y, width, height);
	put_color(out, color);
	fputs("\"/>", out);
	if (width > 7.0 * (double)strlen(name) + 4)
		put_text(out, x + width / 2, y + height / 2 + 4, "in", name);
	fputs("</g>\n", out);
}

/* ---- memory ---- */

static double memory_legend(FILE *out, const struct picture_memory *list, size_t count, double y)
{
	char size[32];

	for (size_t i = 0; i < count; i++) {
		const double x = LEFT + SCALE / 3 * (double)(i % 3);
		char *text = string_format("%s: %s, %s", list[i].name, list[i].what,
					   picture_size(list[i].size, size));

		fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"10\" height=\"10\" fill=\"", x,
			y - 9);
		put_color(out, list[i].color);
		fputs("\"/>\n", out);
		put_text(out, x + 16, y, "at", text);
		free(text);
		if (i % 3 == 2 || i + 1 == count)
			y += 18;
	}
	return y;
}

/* What isn't given away is left white. */
static double svg_memory(FILE *out, const struct model *model, double y)
{
	struct picture_memory *list;
	uint64_t sum = 0;
	size_t count;
	double x = LEFT;
	char size[32];

	list = picture_memory(model, &count);
	for (size_t i = 0; i < count; i++)
		sum += list[i].size;
	if (model->memory > sum)
		sum = model->memory;
	put_text(out, 10, y + 20, "at", "Memory");
	fprintf(out, "<rect x=\"%u\" y=\"%.1f\" width=\"%.1f\" height=\"%u\" class=\"free\"/>\n", LEFT,
		y, SCALE, MEMORY_HEIGHT);
	for (size_t i = 0; i < count && sum != 0; i++) {
		const double width = SCALE * ((double)list[i].size / (double)sum);
		char *detail = string_format("%s, %s", list[i].what,
					     picture_size(list[i].size, size));

		put_box(out, x, y, width, MEMORY_HEIGHT, list[i].color, list[i].name, detail);
		x += width;
		free(detail);
	}
	y = memory_legend(out, list, count, y + MEMORY_HEIGHT + 20);
	free(list);
	return y + 10;
}

/* ---- schedule ---- */

static void svg_window(FILE *out, const struct model *model, const struct model_plan *plan,
		       const struct model_window *window, double y)
{
	const double x = LEFT + SCALE * ((double)window->offset / (double)plan->frame);
	const double width = SCALE * ((double)window->duration / (double)plan->frame);
	char from[32], length[32];
	char *detail = string_format("from %s, %s%s", check_time_text(window->offset, from),
				     check_time_text(window->duration, length),
				     window->release > 0 ? ", release" : "");

	put_box(out, x, y, width, LANE_HEIGHT - 8, window->partition,
		model->partitions[window->partition].name, detail);
	if (window->release > 0)
		fprintf(out, "<path d=\"M%.2f %.1f l4 -6 l-8 0 z\"/>\n", x, y);
	free(detail);
}

static double svg_lane(FILE *out, const struct model *model, const struct model_plan *plan,
		       uint32_t cpu, double y)
{
	char *name = string_format("CPU %u", cpu);

	put_text(out, 10, y + 18, "at", name);
	free(name);
	fprintf(out, "<rect x=\"%u\" y=\"%.1f\" width=\"%.1f\" height=\"%u\" class=\"free\"/>\n", LEFT,
		y, SCALE, LANE_HEIGHT - 8);
	for (size_t i = 0; i < plan->window_count; i++)
		if (plan->windows[i].cpu == cpu)
			svg_window(out, model, plan, &plan->windows[i], y);
	return y + LANE_HEIGHT;
}

static double svg_ruler(FILE *out, const struct model_plan *plan, double y)
{
	char text[32];

	for (unsigned i = 0; i <= 10; i++) {
		const double x = LEFT + SCALE * i / 10;

		fprintf(out, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", x, y - 4, x,
			y);
		put_text(out, x, y + 13, "in", check_time_text(plan->frame / 10 * i, text));
	}
	return y + 40;
}

static double svg_plan(FILE *out, const struct model *model, const struct model_plan *plan,
		       double y)
{
	char frame[32];
	char *title = string_format("Plan %s, frame %s%s", plan->name,
				    check_time_text(plan->frame, frame),
				    plan == model->plans ? ", from boot on" : "");

	put_text(out, 10, y, "title", title);
	free(title);
	y += 20;
	for (uint32_t cpu = 0; cpu < SYSTEM_MAX_CPU; cpu++)
		for (size_t i = 0; i < plan->lane_count; i++)
			if (plan->lanes[i].cpu == cpu)
				y = svg_lane(out, model, plan, cpu, y);
	return svg_ruler(out, plan, y);
}

static double height_of(const struct model *model)
{
	size_t count, rows = 0;
	double height;

	free(picture_memory(model, &count));
	for (size_t i = 0; i < model->plan_count; i++)
		rows += model->plans[i].lane_count;
	height = 60 + MEMORY_HEIGHT + 40 + 18 * (double)((count + 2) / 3);
	return height + 60 * (double)model->plan_count + LANE_HEIGHT * (double)rows;
}

void picture_svg(const struct model *model, FILE *out)
{
	double y = 60;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %u %.0f\" width=\"%u\">\n"
		"<style>text{font:12px sans-serif;fill:#222}.in{text-anchor:middle}"
		".title{font-weight:bold;font-size:14px}.free{fill:#fff;stroke:#aaa}"
		"line,rect{stroke:#666;stroke-width:.5}path{fill:#222}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fafafa\" stroke=\"none\"/>\n",
		WIDTH, height_of(model), WIDTH);
	put_text(out, 10, 28, "title", model->name ? model->name : "HyPike system");
	y = svg_memory(out, model, y) + 20;
	for (size_t i = 0; i < model->plan_count; i++)
		y = svg_plan(out, model, &model->plans[i], y);
	fputs("</svg>\n", out);
}
