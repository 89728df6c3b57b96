#include "tools/table.h"

#include <stdlib.h>

#include "base/buf.h"
#include "tools/text.h"

enum { TABLE_BYTES_MAX = 256 << 20, TABLE_COLUMNS_MAX = 16, GAP = 2, SHRUNK_LEAST = 8 };

struct table {
  const char *record;
  const struct table_column *columns;
  size_t column_count;
  struct buf text; /* of all cells, one after the other */
  struct buf ends; /* u64 of this machine each: where the text of a cell ends */
  size_t cells;
};

struct table *table_create(const char *record, const struct table_column *columns, size_t count) {
  struct table *table = count <= TABLE_COLUMNS_MAX ? calloc(1, sizeof(*table)) : NULL;
  if (!table)
    return NULL;
  table->record = record;
  table->columns = columns;
  table->column_count = count;
  buf_init(&table->text, TABLE_BYTES_MAX);
  buf_init(&table->ends, TABLE_BYTES_MAX);
  return table;
}

void table_free(struct table *table) {
  if (!table)
    return;
  buf_free(&table->text);
  buf_free(&table->ends);
  free(table);
}

void table_add(struct table *table, struct span text) {
  text_show(&table->text, text);
  uint64_t end = table->text.len;
  buf_add(&table->ends, &end, sizeof(end));
  table->cells++;
}

void table_add_text(struct table *table, const char *text) {
  table_add(table, span_str(text));
}

void table_add_count(struct table *table, uint64_t number) {
  char text[24];
  snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
  table_add_text(table, text);
}

size_t table_rows(const struct table *table) {
  return table->cells / table->column_count;
}

static size_t end_of(const struct table *table, size_t cell) {
  uint64_t end;
  memcpy(&end, table->ends.data + cell * sizeof(end), sizeof(end));
  return (size_t)end;
}

static struct span cell_at(const struct table *table, size_t row, size_t column) {
  size_t cell = row * table->column_count + column;
  size_t start = cell ? end_of(table, cell - 1) : 0;
  size_t end = end_of(table, cell);
  return end > start ? span_of(table->text.data + start, end - start) : span_str("");
}

static void print_span(FILE *out, struct span text) {
  if (text.len)
    fwrite(text.data, 1, text.len, out);
}

static void print_plain(const struct table *table, FILE *out) {
  for (size_t row = 0; row < table_rows(table); row++) {
    if (table->record)
      fprintf(out, "%s\t", table->record);
    for (size_t column = 0; column < table->column_count; column++) {
      if (column > 0)
        fputc('\t', out);
      print_span(out, cell_at(table, row, column));
    }
    fputc('\n', out);
  }
}

/* What each column takes when nothing is cut; 0 for one that is not shown. */
static void measure(const struct table *table, size_t width[TABLE_COLUMNS_MAX]) {
  for (size_t column = 0; column < table->column_count; column++) {
    width[column] = 0;
    if (table->columns[column].flags & TABLE_PLAIN)
      continue;
    width[column] = text_columns(span_str(table->columns[column].title));
    for (size_t row = 0; row < table_rows(table); row++) {
      size_t columns = text_columns(cell_at(table, row, column));
      if (columns > width[column])
        width[column] = columns;
    }
  }
}

/* Takes from the widest column that may be cut, one at a time, until all fits or nothing may be cut any more. */
static void shrink(const struct table *table, size_t width[TABLE_COLUMNS_MAX], size_t available) {
  for (;;) {
    size_t total = 0, widest = table->column_count;
    for (size_t column = 0; column < table->column_count; column++) {
      if (width[column] == 0)
        continue;
      total += width[column] + (total ? GAP : 0);
      if ((table->columns[column].flags & TABLE_SHRINK) && width[column] > SHRUNK_LEAST &&
          (widest == table->column_count || width[column] > width[widest]))
        widest = column;
    }
    if (total <= available || widest == table->column_count)
      return;
    /* A value may be 64 KiB wide: all that it has above the second widest possible width goes at once. */
    size_t over = total - available;
    size_t step = width[widest] > available ? width[widest] - available : 1;
    width[widest] -= step < over ? step : over;
    if (width[widest] < SHRUNK_LEAST)
      width[widest] = SHRUNK_LEAST;
  }
}

static void print_cell(FILE *out, struct span text, size_t width, bool right, bool last) {
  size_t columns = text_columns(text);
  bool cut = columns > width;
  if (cut) {
    text = text_head(text, width - 1);
    columns = text_columns(text) + 1;
  }
  if (right)
    fprintf(out, "%*s", (int)(width - columns), "");
  print_span(out, text);
  if (cut)
    fputs("…", out);
  if (!right && !last)
    fprintf(out, "%*s", (int)(width - columns), "");
}

static void print_row(const struct table *table, const size_t width[TABLE_COLUMNS_MAX], bool titles, size_t row,
                      FILE *out) {
  size_t last = table->column_count;
  while (last > 0 && width[last - 1] == 0)
    last--;
  bool first = true;
  for (size_t column = 0; column < last; column++) {
    if (width[column] == 0)
      continue;
    struct span text = titles ? span_str(table->columns[column].title) : cell_at(table, row, column);
    if (!first)
      fprintf(out, "%*s", GAP, "");
    first = false;
    print_cell(out, text, width[column], table->columns[column].flags & TABLE_RIGHT, column + 1 == last);
  }
  fputc('\n', out);
}

int table_print(const struct table *table, const struct screen *screen, FILE *out, struct err *err) {
  size_t width[TABLE_COLUMNS_MAX] = {0};
  int rc = buf_check(&table->text, "the table", err);
  if (!rc)
    rc = buf_check(&table->ends, "the table", err);
  if (rc)
    return rc;
  if (!screen->terminal) {
    print_plain(table, out);
    return 0;
  }
  measure(table, width);
  shrink(table, width, screen->columns);
  print_row(table, width, true, 0, out);
  for (size_t row = 0; row < table_rows(table); row++)
    print_row(table, width, false, row, out);
  return 0;
}
