#include "tests/knowledge/compare.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *show(struct json_object *value) {
  return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static bool differ(char *where, size_t size, const char *path, struct json_object *expected, struct json_object *got) {
  const int len = snprintf(where, size, "%s: expected %.300s", path[0] ? path : "/", show(expected));
  if (len > 0 && (size_t)len < size)
    snprintf(where + len, size - (size_t)len, ", got %.300s", show(got));
  return false;
}

static bool is_number(struct json_object *value) {
  return json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);
}

static bool compare(struct json_object *expected, struct json_object *got, const char *path, char *where, size_t size);

static bool compare_objects(struct json_object *expected, struct json_object *got, const char *path, char *where,
                            size_t size) {
  json_object_object_foreach(expected, name, value) {
    char below[400];
    struct json_object *other;
    snprintf(below, sizeof(below), "%.300s/%.60s", path, name);
    if (!json_object_object_get_ex(got, name, &other))
      return differ(where, size, below, value, NULL);
    if (strcmp(name, "value") == 0) {
      if (strcmp(show(value), show(other)) != 0)
        return differ(where, size, below, value, other);
    } else if (!compare(value, other, below, where, size)) {
      return false;
    }
  }
  json_object_object_foreach(got, more, extra) {
    char below[400];
    snprintf(below, sizeof(below), "%.300s/%.60s", path, more);
    if (!json_object_object_get_ex(expected, more, NULL))
      return differ(where, size, below, NULL, extra);
  }
  return true;
}

static bool compare_arrays(struct json_object *expected, struct json_object *got, const char *path, char *where,
                           size_t size) {
  const size_t count = json_object_array_length(expected);
  for (size_t i = 0; i < count && i < json_object_array_length(got); i++) {
    char below[400];
    snprintf(below, sizeof(below), "%.300s/%zu", path, i);
    if (!compare(json_object_array_get_idx(expected, i), json_object_array_get_idx(got, i), below, where, size))
      return false;
  }
  return json_object_array_length(got) == count || differ(where, size, path, expected, got);
}

static bool compare(struct json_object *expected, struct json_object *got, const char *path, char *where, size_t size) {
  if (is_number(expected) && is_number(got))
    return fabs(json_object_get_double(expected) - json_object_get_double(got)) <= 1e-9 ||
           differ(where, size, path, expected, got);
  if (json_object_get_type(expected) != json_object_get_type(got))
    return differ(where, size, path, expected, got);
  switch (json_object_get_type(expected)) {
  case json_type_object: return compare_objects(expected, got, path, where, size);
  case json_type_array: return compare_arrays(expected, got, path, where, size);
  default: return strcmp(show(expected), show(got)) == 0 || differ(where, size, path, expected, got);
  }
}

bool json_same(struct json_object *expected, struct json_object *got, char *where, size_t size) {
  return compare(expected, got, "", where, size);
}
