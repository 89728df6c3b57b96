#include "domain/tolerance.h"

#include <stdlib.h>

#include "model/number_order.h"

struct number {
  struct span text;
  uint32_t index;
};

static int compare_numbers(const void *left, const void *right) {
  const struct number *a = left, *b = right;
  return number_compare(a->text, b->text);
}

int tolerance_cluster(struct arena *arena, const struct span *values, uint32_t count, struct span tolerance,
                      uint32_t *cluster, struct err *err) {
  struct number *numbers = arena_calloc(arena, count, sizeof(*numbers));
  uint32_t n = 0;
  if (!numbers)
    return err_set(err, ERR_NOMEM, "too many values for one answer");
  for (uint32_t i = 0; i < count; i++) {
    cluster[i] = i;
    if (number_is(values[i]))
      numbers[n++] = (struct number){values[i], i};
  }
  qsort(numbers, n, sizeof(*numbers), compare_numbers);
  for (uint32_t i = 1; i < n; i++)
    if (number_within(numbers[i - 1].text, numbers[i].text, tolerance))
      cluster[numbers[i].index] = cluster[numbers[i - 1].index];
  return 0;
}
