#include "model/setting_value.h"

#include "model/json.h"
#include "model/name.h"
#include "model/number.h"

enum setting_kind { UNIT_NUMBER, TIER, POSITIVE_NUMBER, NUMBER_FROM_ZERO, CARDINALITY, OTHER_PATH };

struct setting {
  const char *predicate;
  enum setting_kind kind;
  const char *must_be;
};

static const struct setting settings[] = {
    {"stemedb.trust", UNIT_NUMBER, "must be a number in [0, 1], as the value of stemedb.trust"},
    {"stemedb.tier", TIER, "must be an integer from 0 to 5, as the value of stemedb.tier"},
    {"stemedb.half_life_days", POSITIVE_NUMBER, "must be a number above 0, as the value of stemedb.half_life_days"},
    {"stemedb.cardinality", CARDINALITY, "must be \"one\" or \"many\", as the value of stemedb.cardinality"},
    {"stemedb.tolerance", NUMBER_FROM_ZERO, "must be a number of at least 0, as the value of stemedb.tolerance"},
    {"stemedb.same_as", OTHER_PATH, "must be another concept path, as the value of stemedb.same_as"},
};

static const struct setting *find_setting(struct span predicate) {
  for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
    if (span_equal(predicate, span_str(settings[i].predicate)))
      return &settings[i];
  return NULL;
}

bool setting_value_known(struct span predicate) {
  return find_setting(predicate) != NULL;
}

/* A canonical number that is not negative begins with a digit, and no other JSON value does. */
static bool from_zero(struct span value) {
  return value.len > 0 && value.data[0] >= '0' && value.data[0] <= '9';
}

static bool is_zero(struct span value) {
  return span_equal(value, span_str("0"));
}

/* Whether a canonical value is a string that is a concept path, and not `concept_path`. */
static int check_other_path(struct arena *arena, struct span concept_path, struct span value, bool *right,
                            struct err *err) {
  struct span path;
  *right = false;
  if (value.len < 2 || value.data[0] != '"')
    return 0;
  int code = json_unescape(arena, span_of(value.data + 1, value.len - 2), &path, err);
  if (!code)
    *right = !name_path_fault(path) && !span_equal(path, concept_path);
  return code;
}

int setting_value_check(struct arena *arena, struct span concept_path, struct span predicate, struct span value,
                        const char **fault, struct err *err) {
  const struct setting *setting = find_setting(predicate);
  bool right = false;
  int code = 0;
  *fault = NULL;
  if (!setting)
    return 0;
  switch (setting->kind) {
  case UNIT_NUMBER: right = from_zero(value) && number_in_unit(value); break;
  case TIER: right = value.len == 1 && value.data[0] >= '0' && value.data[0] <= '5'; break;
  case POSITIVE_NUMBER: right = from_zero(value) && !is_zero(value); break;
  case NUMBER_FROM_ZERO: right = from_zero(value); break;
  case CARDINALITY: right = span_equal(value, span_str("\"one\"")) || span_equal(value, span_str("\"many\"")); break;
  case OTHER_PATH: code = check_other_path(arena, concept_path, value, &right, err); break;
  }
  if (!code && !right)
    *fault = setting->must_be;
  return code;
}
