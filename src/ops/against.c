#include "ops/against.h"

#include <inttypes.h>
#include <string.h>

#include "model/json.h"
#include "model/proof.h"

enum { ANSWER_ARENA = 1 << 20 };

int against_open(struct verify *other, const char *path, struct report *report, uint64_t *last_seq, struct err *err) {
  int rc = verify_open(other, path, report, err);
  if (!rc && other->copy.kind == COPY_ARCHIVE)
    rc = err_set(err, ERR_INVALID, "%.400s is an archive: compare with a home or a backup", path);
  if (!rc)
    *last_seq = entries_info(other->entries)->last_seq;
  return rc;
}

int against_compare(const struct tally_watch *ours, const struct tally_watch *theirs, uint64_t our_last,
                    uint64_t their_last, struct against *out, struct err *err) {
  if (!ours->reached || !theirs->reached)
    return err_set(err, ERR_CORRUPT, "not all of entries 1 to %" PRIu64 " are whole in both: they cannot be compared",
                   ours->seq);
  *out = (struct against){.other_seq = their_last, .shared = ours->seq};
  if (memcmp(ours->root, theirs->root, DIGEST_SIZE) != 0)
    out->relation = RELATION_DIVERGED;
  else
    out->relation = our_last == their_last ? RELATION_EQUAL : our_last < their_last ? RELATION_PREFIX : RELATION_LONGER;
  return 0;
}

/* --- answers of a node --- */

static bool read_number(const struct json_doc *doc, const char *name, uint64_t *out) {
  uint32_t token;
  uint64_t n = 0;
  if (!json_member(doc, 0, name, &token) || doc->tokens[token].type != JSON_NUMBER)
    return false;
  struct span raw = json_raw(doc, token);
  for (size_t i = 0; i < raw.len; i++)
    if (raw.data[i] < '0' || raw.data[i] > '9' || __builtin_mul_overflow(n, 10U, &n) ||
        __builtin_add_overflow(n, (uint64_t)(raw.data[i] - '0'), &n))
      return false;
  *out = n;
  return true;
}

static bool read_hash(const struct json_doc *doc, uint32_t token, unsigned char out[DIGEST_SIZE]) {
  return doc->tokens[token].type == JSON_STRING && digest_from_hex(out, json_raw(doc, token)) == 0;
}

static bool read_nodes(const struct json_doc *doc, struct merkle_proof *proof) {
  uint32_t list;
  if (!json_member(doc, 0, "proof", &list) || doc->tokens[list].type != JSON_ARRAY ||
      doc->tokens[list].count > PROOF_NODES_MAX)
    return false;
  proof->count = 0;
  for (uint32_t t = list + 1; t < doc->tokens[list].next; t = doc->tokens[t].next)
    if (!read_hash(doc, t, proof->node[proof->count++]))
      return false;
  return true;
}

/* Parses an answer that is an object; the arena is the caller's (arena_free), also after an error. */
static int parse(struct span json, struct arena **arena, struct json_doc *doc, struct err *err) {
  struct json_fault fault;
  *arena = arena_create(ANSWER_ARENA);
  if (!*arena)
    return err_set(err, ERR_NOMEM, "no memory for an answer");
  int rc = json_parse(*arena, json, doc, &fault, err);
  if (!rc && doc->tokens[0].type != JSON_OBJECT)
    rc = err_set(err, ERR_INVALID, "the answer is no object");
  return rc;
}

int against_read_history(struct span json, struct against_node *out, struct err *err) {
  struct arena *arena = NULL;
  struct json_doc doc;
  uint32_t root;
  int rc = parse(json, &arena, &doc, err);
  if (!rc && (!read_number(&doc, "seq", &out->seq) || !json_member(&doc, 0, "history_root", &root) ||
              !read_hash(&doc, root, out->root)))
    rc = err_set(err, ERR_INVALID, "the node's answer is not that of /v1/history");
  arena_free(arena);
  return rc;
}

int against_check_proof(struct span json, uint64_t from, const unsigned char from_root[DIGEST_SIZE], uint64_t to,
                        const unsigned char to_root[DIGEST_SIZE], bool *proved, struct err *err) {
  struct arena *arena = NULL;
  struct json_doc doc;
  struct merkle_proof proof;
  int rc = parse(json, &arena, &doc, err);
  if (!rc && !read_nodes(&doc, &proof))
    rc = err_set(err, ERR_INVALID, "the node's answer is not that of /v1/history/proof");
  *proved = !rc && proof_is_prefix(&proof, from, from_root, to, to_root);
  arena_free(arena);
  return rc;
}

const char *against_name(enum relation relation) {
  static const char *const names[] = {"equal", "prefix", "longer", "diverged"};
  return names[relation];
}

void against_describe(const struct against *a, char out[AGAINST_TEXT_SIZE]) {
  switch (a->relation) {
  case RELATION_EQUAL: snprintf(out, AGAINST_TEXT_SIZE, "both have the same %" PRIu64 " entries", a->shared); break;
  case RELATION_PREFIX:
    snprintf(out, AGAINST_TEXT_SIZE, "this is the beginning of the other, which goes on to entry %" PRIu64,
             a->other_seq);
    break;
  case RELATION_LONGER:
    snprintf(out, AGAINST_TEXT_SIZE, "the other is the beginning of this: it ends with entry %" PRIu64, a->other_seq);
    break;
  case RELATION_DIVERGED:
    snprintf(out, AGAINST_TEXT_SIZE, "they differ in entries 1 to %" PRIu64 ": neither is a beginning of the other",
             a->shared);
  }
}
