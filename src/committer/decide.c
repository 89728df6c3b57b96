/*
 * What becomes of a command. Decisions are made one after another, each knowing what the ones before it have stored:
 * in the indexes what former batches have, in batch->keys what this one has.
 */
#include <stdio.h>
#include <string.h>

#include "committer/aliases.h"
#include "committer/committer.h"

enum { ITEMS_MAX = 100, POINTER_SIZE = 24 }; /* items of a refused assert; the client fixes some, and asks again */

/* Takes all entries apart once, before anything is stored of them: counts, and sizes. */
static int check_entries(const struct command *command, bool *fit, struct err *err) {
  struct span rest = command->entries;
  struct command_entry entry;
  *fit = true;
  for (uint32_t i = 0; i < command->count; i++) {
    if (command_next_entry(&rest, &entry, err))
      return err->code;
    *fit = *fit && batch_entry_fits(&entry);
  }
  if (rest.len != 0 || command->count == 0)
    return err_set(err, ERR_INVALID, "a command that holds not what it says");
  return 0;
}

static int refuse(struct decision *decision, uint8_t refusal) {
  decision->reply = REPLY_REFUSED;
  decision->refusal = refusal;
  decision->count = 0;
  return 0;
}

/* Adds an item for each parent of the entry that does not exist, `most` at most. *missing counts them. */
static int check_parents(struct committer *c, const struct command_entry *entry, uint32_t most, uint32_t *missing,
                         struct err *err) {
  struct batch *b = &c->batch;
  *missing = 0;
  for (uint32_t i = 0; i < entry->derived_count && *missing < most; i++) {
    uint64_t seq;
    bool found;
    /* Nobody can know the id of an entry of this batch, so the indexes know all. */
    if (lookup_assertion(&c->reader, entry->derived + (size_t)i * ID_SIZE, c->mark.seq, &seq, &found, err))
      return err->code;
    if (found)
      continue;
    char text[POINTER_SIZE];
    int len = snprintf(text, sizeof(text), "/derived_from/%u", (unsigned)i);
    struct span pointer = arena_copy(b->arena, span_of(text, (size_t)len));
    if (!pointer.data)
      return err_set(err, ERR_NOMEM, "no memory for what is wrong with a command");
    if (batch_add_item(b, entry->position, pointer, span_str("there is no assertion with this id"), err))
      return err->code;
    ++*missing;
  }
  return 0;
}

/* The rolling digest of a call's bodies (projection/snapshot.h). */
static int digest_bodies(const struct command *command, unsigned char out[DIGEST_SIZE], struct err *err) {
  unsigned char pair[2 * DIGEST_SIZE];
  struct span rest = command->entries;
  struct command_entry entry;
  for (uint32_t i = 0; i < command->count; i++) {
    if (command_next_entry(&rest, &entry, err))
      return err->code;
    if (i == 0) {
      digest_sha256(out, entry.body);
      continue;
    }
    memcpy(pair, out, DIGEST_SIZE);
    digest_sha256(pair + DIGEST_SIZE, entry.body);
    digest_sha256(out, span_of(pair, sizeof(pair)));
  }
  return 0;
}

/* Whether the key was used before; `use` is then what it stored, else what it is about to store, but for the seqs. */
static int find_call(struct committer *c, const struct command *command, struct key_use *use, bool *found,
                     struct err *err) {
  struct key_record record;
  *use = (struct key_use){.key.scope = command->key_scope};
  memcpy(use->key.hash, command->key_hash, DIGEST_SIZE);
  const struct key_use *former = keys_find(&c->batch.keys, &use->key);
  if (former) {
    *use = *former;
    *found = true;
    return 0;
  }
  if (lookup_key(&c->reader, command->key_scope, command->key_hash, &record, found, err))
    return err->code;
  if (!*found)
    return digest_bodies(command, use->content, err);
  memcpy(use->content, record.content, DIGEST_SIZE);
  use->first_seq = record.first_seq;
  use->last_seq = record.last_seq;
  return 0;
}

/* A call whose key is known: the same content gets the first answer, other content is refused. */
static int replay(const struct command *command, const struct key_use *use, struct decision *decision,
                  struct err *err) {
  unsigned char content[DIGEST_SIZE];
  if (digest_bodies(command, content, err))
    return err->code;
  uint64_t count = use->last_seq - use->first_seq + 1;
  if (count != command->count || memcmp(content, use->content, DIGEST_SIZE) != 0)
    return refuse(decision, REFUSAL_KEY_REUSED);
  decision->reply = REPLY_COMMITTED;
  decision->replayed = true;
  decision->first_seq = use->first_seq;
  decision->count = command->count;
  return 0;
}

int decide_known(struct committer *c, const struct command *command, struct decision *decision, bool *known,
                 struct err *err) {
  struct key_use use;
  *known = false;
  if (command->key_scope.len == 0)
    return 0;
  if (find_call(c, command, &use, known, err))
    return err->code;
  return *known ? replay(command, &use, decision, err) : 0;
}

/* What is wrong with an entry, `most` items at most: parents that do not exist, and too many aliases. */
static int check_entry(struct committer *c, const struct command_entry *entry, uint32_t most, uint32_t *faults,
                       struct err *err) {
  bool fits = true;
  if (check_parents(c, entry, most, faults, err) || (*faults == 0 && aliases_check(c, entry, &fits, err)))
    return err->code;
  if (fits)
    return 0;
  ++*faults;
  return batch_add_item(&c->batch, entry->position, span_str("/value"),
                        span_str("would make more than 64 paths the same concept"), err);
}

static int check_all_entries(struct committer *c, const struct command *command, uint32_t *missing, struct err *err) {
  struct span rest = command->entries;
  struct command_entry entry;
  *missing = 0;
  for (uint32_t i = 0; i < command->count && *missing < ITEMS_MAX; i++) {
    uint32_t more;
    if (command_next_entry(&rest, &entry, err) || check_entry(c, &entry, ITEMS_MAX - *missing, &more, err))
      return err->code;
    *missing += more;
  }
  return 0;
}

/* All entries or none. */
static int decide_assert(struct committer *c, const struct command *command, bool fit, struct decision *decision,
                         struct err *err) {
  struct batch *b = &c->batch;
  struct key_use use;
  bool keyed = command->key_scope.len > 0, known = false;
  const size_t edges = b->edge_count;
  uint32_t missing;
  if (keyed && find_call(c, command, &use, &known, err))
    return err->code;
  if (known)
    return replay(command, &use, decision, err);
  if (segment_disk_full(c->segment))
    return refuse(decision, REFUSAL_DISK_FULL);
  if (!fit)
    return refuse(decision, REFUSAL_TOO_LARGE);
  if (check_all_entries(c, command, &missing, err))
    return err->code;
  if (missing > 0) {
    b->edge_count = edges;
    return refuse(decision, REFUSAL_FIELDS);
  }
  struct span rest = command->entries;
  struct command_entry entry;
  use.first_seq = b->last_seq + 1;
  for (uint32_t i = 0; i < command->count; i++)
    if (command_next_entry(&rest, &entry, err) || batch_add_entry(b, &entry, err))
      return err->code;
  use.last_seq = b->last_seq;
  decision->reply = REPLY_COMMITTED;
  decision->count = command->count;
  return keyed ? keys_add(&b->keys, &use, err) : 0;
}

/* Whether this key has stored this line before; if not, notes that it does now. */
static int check_line(struct committer *c, const struct command *command, const struct command_entry *entry,
                      bool *known, struct key_use *use, struct err *err) {
  uint64_t seq;
  *use = (struct key_use){.key.scope = command->key_scope};
  memcpy(use->key.hash, command->key_hash, DIGEST_SIZE);
  digest_sha256(use->key.body, entry->body);
  *known = keys_find(&c->batch.keys, &use->key) != NULL;
  return *known ? 0 : lookup_import_line(&c->reader, use->key.scope, use->key.hash, use->key.body, &seq, known, err);
}

static int decide_line(struct committer *c, const struct command *command, const struct command_entry *entry,
                       struct decision *decision, struct err *err) {
  struct batch *b = &c->batch;
  struct key_use use;
  bool keyed = command->key_scope.len > 0, known = false;
  uint32_t missing;
  if (keyed && check_line(c, command, entry, &known, &use, err))
    return err->code;
  if (known) {
    decision->duplicates++;
    return 0;
  }
  if (!batch_entry_fits(entry))
    return batch_add_item(b, entry->position, span_str(""), span_str("the line is too long"), err);
  if (check_entry(c, entry, 1, &missing, err))
    return err->code;
  if (missing > 0)
    return 0;
  if (batch_add_entry(b, entry, err))
    return err->code;
  decision->count++;
  return keyed ? keys_add(&b->keys, &use, err) : 0;
}

/* Every line by itself. */
static int decide_import(struct committer *c, const struct command *command, struct decision *decision,
                         struct err *err) {
  struct span rest = command->entries;
  struct command_entry entry;
  if (segment_disk_full(c->segment))
    return refuse(decision, REFUSAL_DISK_FULL);
  decision->reply = REPLY_IMPORTED;
  for (uint32_t i = 0; i < command->count; i++)
    if (command_next_entry(&rest, &entry, err) || decide_line(c, command, &entry, decision, err))
      return err->code;
  return 0;
}

int decide(struct committer *c, const struct command *command, struct connection *connection, struct err *err) {
  bool fit;
  if (check_entries(command, &fit, err))
    return err->code;
  struct decision *decision = batch_add_decision(&c->batch, connection, command->tag);
  if (!decision)
    return err_set(err, ERR_NOMEM, "no memory for a batch of %zu commands", c->batch.decision_count);
  return command->type == COMMAND_IMPORT ? decide_import(c, command, decision, err)
                                         : decide_assert(c, command, fit, decision, err);
}
