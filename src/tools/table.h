/*
 * Rows of cells: on a terminal as columns under their titles, as wide as the terminal; else one row a line, cells
 * separated by tabs, whole, without titles, after the name of the record where a subcommand prints several kinds.
 */
#ifndef TOOLS_TABLE_H
#define TOOLS_TABLE_H

#include <stdint.h>
#include <stdio.h>

#include "base/err.h"
#include "base/span.h"
#include "tools/screen.h"

enum table_flags {
  TABLE_RIGHT = 1,  /* numbers */
  TABLE_SHRINK = 2, /* cut with an ellipsis where the terminal is too narrow */
  TABLE_PLAIN = 4   /* too long for a terminal */
};

struct table_column {
  const char *title;
  unsigned flags;
};

struct table;

/* A table of these columns (borrowed, as `record`, which may be NULL); NULL without memory. */
struct table *table_create(const char *record, const struct table_column *columns, size_t count);
/* Takes NULL. */
void table_free(struct table *table);
/* The next cell; after the last one of a row comes the first of the next row. The text is copied and made harmless. */
void table_add(struct table *table, struct span text);
void table_add_text(struct table *table, const char *text);
void table_add_count(struct table *table, uint64_t number);
/* How many whole rows there are. */
size_t table_rows(const struct table *table);
/* Prints all rows. ERR_NOMEM if a row did not fit into memory. Errors of writing are left in `out`. */
NODISCARD int table_print(const struct table *table, const struct screen *screen, FILE *out, struct err *err);

#endif
