#include "domain/ballot_box.h"

#include <stdlib.h>

#include "domain/active.h"
#include "domain/inactive.h"
#include "domain/settings.h"
#include "model/assertion.h"
#include "model/name.h"
#include "projection/ballots.h"

enum {
  TOPIC_MEMORY = 48 << 20,
  LASTING_MEMORY = 16 << 20,
  KEY_MAX = NAME_PATH_MAX + 1 + NAME_PREDICATE_MAX + 1,
  HEADS_FIRST = 16
};

struct ballot_box {
  const struct reader *reader;
  uint64_t snapshot;
  struct span prefix, predicate;
  struct arena *lasting, *arena, *parse; /* of the settings; of a topic; of an assertion that is looked up */
  struct settings_cache *cache;
  struct settings *settings;
  struct inactive inactive;
  struct active_scan scan; /* opened when it is first needed */
  struct ballot_scan *ballots;
  bool below; /* the concepts below the prefix are being read, not itself */
  bool more;  /* `next` is a ballot that was read and not counted yet */
  struct ballot next;
  size_t key_len;
  unsigned char key[KEY_MAX]; /* of the topic that is being counted */
  /* settings of the predicate at hand */
  bool many;
  struct setting_value tolerance;
  size_t predicate_len; /* SIZE_MAX: none yet */
  unsigned char predicate_bytes[NAME_PREDICATE_MAX];
};

static int no_memory(struct err *err) {
  return err_set(err, ERR_NOMEM, "too many sources disagree about one thing");
}

/* Begins to read what is at the prefix (its topics: PREFIX 0 …), or below it (PREFIX/…). */
static int open_scan(struct ballot_box *box, struct err *err) {
  unsigned char key[NAME_PATH_MAX + 1];
  size_t len = box->prefix.len;
  ballot_scan_close(box->ballots);
  box->ballots = NULL;
  if (len) {
    memcpy(key, box->prefix.data, len);
    key[len++] = box->below ? '/' : 0;
  }
  int code = ballot_scan_open(box->reader, span_of(key, len), &box->ballots, err);
  return code ? code : ballot_scan_next(box->ballots, &box->next, &box->more, err);
}

static int open_parts(struct ballot_box *box, const struct watermark *mark, struct err *err) {
  box->lasting = arena_create(LASTING_MEMORY);
  box->arena = arena_create(TOPIC_MEMORY);
  box->parse = arena_create(ENTRY_MAX_SIZE);
  if (!box->lasting || !box->arena || !box->parse)
    return err_set(err, ERR_NOMEM, "no memory to read ballots");
  int code = settings_cache_create(&box->cache, err);
  if (!code)
    code = settings_open(box->lasting, box->reader, mark, box->snapshot, box->cache, &box->settings, err);
  if (!code)
    code = inactive_open(&box->inactive, box->reader, mark, box->snapshot, err);
  return code ? code : open_scan(box, err);
}

int ballot_box_open(const struct reader *reader, const struct watermark *mark, uint64_t snapshot, struct span prefix,
                    struct span predicate, struct ballot_box **out, struct err *err) {
  if (prefix.len > NAME_PATH_MAX)
    return err_set(err, ERR_INVALID, "a path is too long");
  struct ballot_box *box = calloc(1, sizeof(*box));
  if (!box)
    return err_set(err, ERR_NOMEM, "no memory to read ballots");
  box->reader = reader;
  box->snapshot = snapshot;
  box->prefix = prefix;
  box->predicate = predicate;
  box->predicate_len = SIZE_MAX;
  int code = open_parts(box, mark, err);
  if (code) {
    ballot_box_close(box);
    return code;
  }
  *out = box;
  return 0;
}

void ballot_box_close(struct ballot_box *box) {
  if (!box)
    return;
  ballot_scan_close(box->ballots);
  active_close(&box->scan);
  inactive_close(&box->inactive);
  settings_close(box->settings);
  settings_cache_free(box->cache);
  arena_free(box->parse);
  arena_free(box->arena);
  arena_free(box->lasting);
  free(box);
}

/* The newest active assertion of the ballot's source in place of what the ballot says. */
static int look_up(struct ballot_box *box, const struct ballot *ballot, struct head *head, bool *counts,
                   struct err *err) {
  struct active_scan *scan = &box->scan;
  struct assertion assertion;
  unsigned char value[BALLOT_VALUE_MAX];
  int code = scan->scan ? 0 : active_open(box->reader, box->snapshot, scan, err);
  if (!code)
    active_set_scope(scan, ballot->path, false, ballot->predicate);
  if (!code)
    code = active_seek(scan, ballot->path, ballot->predicate, ballot->source, UINT64_MAX, err);
  *counts = !code && active_in_run(scan, ballot->path, ballot->predicate, ballot->source);
  if (!*counts)
    return code;
  arena_reset(box->parse);
  code = assertion_read(box->parse, scan->row.entry.body, &assertion, err);
  if (code)
    return code;
  head->confidence = assertion.confidence;
  head->seq = scan->row.seq;
  const size_t len = ballot_value(assertion.value, value);
  head->value = arena_copy(box->arena, span_of(value, len));
  return head->value.data ? 0 : no_memory(err);
}

/* Fills in what the source says as of the snapshot; *counts is false if nothing. */
static int read_ballot(struct ballot_box *box, const struct ballot *ballot, struct head *head, bool *counts,
                       struct err *err) {
  bool retracted = false;
  const bool late = ballot->seq > box->snapshot;
  int code = late ? 0 : inactive_has(&box->inactive, ballot->seq, &retracted, err);
  *counts = false;
  if (code || ((late || retracted) && !(ballot->flags & BALLOT_OLDER)))
    return code;
  *head = (struct head){.confidence = ballot->confidence, .seq = ballot->seq};
  if (late || retracted || (ballot->flags & BALLOT_UNKNOWN)) {
    code = look_up(box, ballot, head, counts, err);
  } else {
    *counts = true;
    head->value = arena_copy(box->arena, ballot->value);
  }
  if (code || !*counts)
    return code;
  struct setting_value trust;
  head->source = arena_copy(box->arena, ballot->source);
  code = settings_find(box->settings, SETTING_TRUST, ballot->source, &trust, err);
  head->trust = trust.number;
  return code || (head->source.data && head->value.data) ? code : no_memory(err);
}

static int grow_heads(struct ballot_box *box, struct candidates *c, uint32_t *room, struct err *err) {
  if (c->head_count < *room)
    return 0;
  const uint32_t more = *room ? *room * 2 : HEADS_FIRST;
  struct head *heads = more > *room ? arena_alloc(box->arena, (size_t)more * sizeof(*heads)) : NULL;
  if (!heads)
    return no_memory(err);
  if (c->head_count)
    memcpy(heads, c->heads, c->head_count * sizeof(*heads));
  c->heads = heads;
  *room = more;
  return 0;
}

static int find_settings(struct ballot_box *box, struct span predicate, struct candidates *c, struct err *err) {
  if (!span_equal(span_of(box->predicate_bytes, box->predicate_len), predicate)) {
    struct setting_value many;
    int code = settings_find_predicate(box->settings, SETTING_CARDINALITY, predicate, &many, err);
    if (!code)
      code = settings_find_predicate(box->settings, SETTING_TOLERANCE, predicate, &box->tolerance, err);
    if (code)
      return code;
    box->many = many.number > 0;
    box->predicate_len = predicate.len;
    memcpy(box->predicate_bytes, predicate.data, predicate.len);
  }
  c->many = box->many;
  c->tolerance = span_of(box->tolerance.text, box->tolerance.len);
  return 0;
}

/* Takes the ballots of the topic at hand, and goes on to the one after it. */
static int take_topic(struct ballot_box *box, struct candidates *c, struct err *err) {
  const struct span key = span_of(box->key, box->key_len);
  uint32_t room = 0;
  int code = 0;
  while (!code && box->more && span_equal(box->next.topic, key)) {
    bool counts = false;
    code = grow_heads(box, c, &room, err);
    if (!code)
      code = read_ballot(box, &box->next, &c->heads[c->head_count], &counts, err);
    c->head_count += counts;
    if (!code)
      code = ballot_scan_next(box->ballots, &box->next, &box->more, err);
  }
  return code;
}

static int pass_topic(struct ballot_box *box, struct err *err) {
  const struct span key = span_of(box->key, box->key_len);
  int code = 0;
  while (!code && box->more && span_equal(box->next.topic, key))
    code = ballot_scan_next(box->ballots, &box->next, &box->more, err);
  return code;
}

/* Whether there is a ballot, after what is below the prefix was turned to. */
static int find_ballot(struct ballot_box *box, bool *found, struct err *err) {
  int code = 0;
  if (!box->more && box->prefix.len && !box->below) {
    box->below = true;
    code = open_scan(box, err);
  }
  *found = !code && box->more;
  return code;
}

int ballot_box_next(struct ballot_box *box, struct ballot_topic *topic, bool *found, struct err *err) {
  int code = 0;
  for (;;) {
    code = find_ballot(box, found, err);
    if (code || !*found)
      return code;
    if (box->next.topic.len > sizeof(box->key))
      return err_set(err, ERR_CORRUPT, "a ballot's topic is too long");
    box->key_len = box->next.topic.len;
    memcpy(box->key, box->next.topic.data, box->key_len);
    *topic = (struct ballot_topic){.key = span_of(box->key, box->key_len),
                                   .path = span_of(box->key, box->next.path.len),
                                   .predicate = span_of(box->key + box->next.path.len + 1, box->next.predicate.len)};
    if (box->predicate.data && !span_equal(topic->predicate, box->predicate)) {
      if ((code = pass_topic(box, err)))
        return code;
      continue;
    }
    arena_reset(box->arena);
    code = find_settings(box, topic->predicate, &topic->candidates, err);
    if (!code)
      code = take_topic(box, &topic->candidates, err);
    if (!code && topic->candidates.head_count > 0)
      return groups_form(box->arena, &topic->candidates, err);
    if (code)
      return code;
  }
}
