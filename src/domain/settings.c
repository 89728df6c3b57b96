#include "domain/settings.h"

#include <float.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "domain/active.h"
#include "model/assertion.h"
#include "model/json.h"
#include "model/name.h"

/* A number that is asserted about something. */
struct setting {
  const char *predicate;
  double least, greatest, none; /* none: if nothing was asserted */
};

static const struct setting table[SETTING_COUNT] = {
    [SETTING_TRUST] = {"stemedb.trust", 0, 1, 1},
    [SETTING_TIER] = {"stemedb.tier", 0, 5, 3},
    [SETTING_HALF_LIFE] = {"stemedb.half_life_days", 0, DBL_MAX, 0},
    [SETTING_CARDINALITY] = {"stemedb.cardinality", 0, 1, 0},
    [SETTING_TOLERANCE] = {"stemedb.tolerance", 0, DBL_MAX, 0},
};

/* Slots of a worker's cache and of one that serves one answer. */
enum { SLOTS_KEPT = 8192, SLOTS_OF_ANSWER = 256, SLOT_NAME_MAX = 142, SCRATCH_MAX = 8 << 20 };

struct slot {
  struct setting_value value;
  uint8_t setting, len; /* len 0: empty */
  unsigned char name[SLOT_NAME_MAX];
};

struct settings_cache {
  uint64_t branch, settings_seq; /* what is in the slots is true as of settings_seq */
  uint32_t slot_count;
  struct slot slots[];
};

struct settings {
  struct arena *arena;
  const struct reader *reader;
  uint64_t snapshot;
  bool none;                    /* nobody had set anything */
  struct settings_cache *cache; /* borrowed, or in the arena */
  struct active_scan scan;      /* opened when it is first needed, as is the next */
  struct arena *scratch;        /* of one look-up: any number of them takes no more memory than one */
};

int settings_cache_create(struct settings_cache **out, struct err *err) {
  *out = calloc(1, sizeof(**out) + SLOTS_KEPT * sizeof(struct slot));
  if (!*out)
    return err_set(err, ERR_NOMEM, "no memory for settings");
  (*out)->slot_count = SLOTS_KEPT;
  return 0;
}

void settings_cache_free(struct settings_cache *cache) {
  free(cache);
}

/* Empties the cache if a setting may have changed since it was filled. */
static void refresh(struct settings_cache *cache, const struct watermark *mark) {
  if (cache->branch == mark->branch && cache->settings_seq == mark->settings_seq)
    return;
  memset(cache->slots, 0, cache->slot_count * sizeof(cache->slots[0]));
  cache->branch = mark->branch;
  cache->settings_seq = mark->settings_seq;
}

int settings_open(struct arena *arena, const struct reader *reader, const struct watermark *mark, uint64_t snapshot,
                  struct settings_cache *cache, struct settings **out, struct err *err) {
  struct settings *settings = arena_calloc(arena, 1, sizeof(*settings));
  if (!settings)
    return err_set(err, ERR_NOMEM, "no memory for settings");
  settings->arena = arena;
  settings->reader = reader;
  settings->snapshot = snapshot;
  settings->none = mark->first_setting_seq == 0 || mark->first_setting_seq > snapshot;
  if (cache && snapshot >= mark->settings_seq) {
    refresh(cache, mark);
    settings->cache = cache;
  }
  *out = settings;
  return 0;
}

void settings_close(struct settings *settings) {
  if (!settings)
    return;
  active_close(&settings->scan);
  arena_free(settings->scratch);
}

/* Asserting refuses values of the wrong type, so that one is as good as none. */
static void read_value(const struct setting *setting, struct span text, uint64_t seq, struct setting_value *value) {
  char *end = NULL;
  *value = (struct setting_value){.number = setting->none};
  if (span_equal(text, span_str("\"many\"")))
    text = span_str("1");
  if (span_equal(text, span_str("\"one\"")))
    text = span_str("0");
  if (text.len >= sizeof(value->text))
    return;
  memcpy(value->text, text.data, text.len);
  double number = strtod(value->text, &end);
  if (end == value->text || *end != '\0' || !(number >= setting->least && number <= setting->greatest))
    return;
  value->number = number;
  value->seq = seq;
  value->len = (uint8_t)text.len;
}

/* The assertion in force about (name, predicate): the newest of each who said it comes first; the newest of these it
 * is. *seq is 0 if there is none; the value is good until the next call. */
static int find_newest(struct settings *settings, struct span name, struct span predicate, uint64_t *seq,
                       struct span *value, struct err *err) {
  struct active_scan *scan = &settings->scan;
  const struct span any = {NULL, 0};
  *seq = 0;
  if (!settings->scratch)
    settings->scratch = arena_create(SCRATCH_MAX);
  if (!settings->scratch)
    return err_set(err, ERR_NOMEM, "no memory for settings");
  arena_reset(settings->scratch);
  int code = scan->scan ? 0 : active_open(settings->reader, settings->snapshot, scan, err);
  if (!code) {
    active_set_scope(scan, name, false, predicate);
    code = active_seek(scan, name, predicate, any, UINT64_MAX, err);
  }
  while (!code && active_in_topic(scan, name, predicate)) {
    if (scan->row.seq > *seq) {
      struct assertion assertion;
      if ((code = assertion_read(settings->scratch, scan->row.entry.body, &assertion, err)))
        break;
      *seq = scan->row.seq;
      *value = arena_copy(settings->scratch, assertion.value);
      if (!value->data)
        return err_set(err, ERR_NOMEM, "no memory for settings");
    }
    code = active_next_source(scan, err);
  }
  return code;
}

static int look_up(struct settings *settings, const struct setting *setting, struct span name,
                   struct setting_value *value, struct err *err) {
  uint64_t seq;
  struct span text;
  int code = find_newest(settings, name, span_str(setting->predicate), &seq, &text, err);
  if (!code && seq > 0)
    read_value(setting, text, seq, value);
  return code;
}

int settings_find_alias(struct settings *settings, struct span path, struct span *target, struct err *err) {
  uint64_t seq = 0;
  struct span text;
  *target = (struct span){NULL, 0};
  int code = settings->none ? 0 : find_newest(settings, path, span_str("stemedb.same_as"), &seq, &text, err);
  if (!code && seq > 0 && text.len >= 2 && text.data[0] == '"')
    code = json_unescape(settings->arena, span_of(text.data + 1, text.len - 2), target, err);
  return code;
}

/* The slot of a name. The cache of a single answer is made when it is first needed. */
static int find_slot(struct settings *settings, enum setting_id id, struct span name, struct slot **slot,
                     struct err *err) {
  if (!settings->cache) {
    settings->cache =
        arena_calloc(settings->arena, 1, sizeof(*settings->cache) + SLOTS_OF_ANSWER * sizeof(struct slot));
    if (!settings->cache)
      return err_set(err, ERR_NOMEM, "no memory for settings");
    settings->cache->slot_count = SLOTS_OF_ANSWER;
  }
  *slot = &settings->cache->slots[(crc32c(id, name.data, name.len)) % settings->cache->slot_count];
  return 0;
}

int settings_find(struct settings *settings, enum setting_id id, struct span name, struct setting_value *out,
                  struct err *err) {
  *out = (struct setting_value){.number = table[id].none};
  if (settings->none || name.len == 0)
    return 0;
  struct slot *slot = NULL;
  int code = find_slot(settings, id, name, &slot, err);
  if (code)
    return code;
  if (slot->len > 0 && slot->setting == id && span_equal(span_of(slot->name, slot->len), name)) {
    *out = slot->value;
    return 0;
  }
  code = look_up(settings, &table[id], name, out, err);
  if (!code && name.len <= SLOT_NAME_MAX) {
    slot->value = *out;
    slot->setting = (uint8_t)id;
    slot->len = (uint8_t)name.len;
    memcpy(slot->name, name.data, name.len);
  }
  return code;
}

int settings_find_predicate(struct settings *settings, enum setting_id id, struct span predicate,
                            struct setting_value *out, struct err *err) {
  static const char prefix[] = "predicate/";
  unsigned char name[sizeof(prefix) - 1 + NAME_PREDICATE_MAX];
  if (predicate.len > NAME_PREDICATE_MAX)
    return err_set(err, ERR_INVALID, "a predicate is too long");
  memcpy(name, prefix, sizeof(prefix) - 1);
  memcpy(name + sizeof(prefix) - 1, predicate.data, predicate.len);
  return settings_find(settings, id, span_of(name, sizeof(prefix) - 1 + predicate.len), out, err);
}
