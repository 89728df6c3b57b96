#include "tools/verify_against.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TARGET_MAX = 128, WAIT_S = 10 };

/* GET; anything but 200 is an error that names the status. */
static int ask(struct verify_other *other, const char *target, struct client_answer *answer, struct err *err) {
  struct client_request request = {.method = "GET", .target = target, .repeatable = true};
  int rc = client_send(other->client, &request, answer, err);
  if (!rc && answer->status != 200)
    rc = err_set(err, ERR_IO, "%s%s answered with status %ld", other->where, target, answer->status);
  return rc;
}

static int open_node(struct verify_other *other, struct err *err) {
  struct client_answer answer;
  size_t len = strlen(other->where);
  while (len > 0 && other->where[len - 1] == '/')
    len--;
  if (len >= sizeof(other->url))
    return err_set(err, ERR_INVALID, "the node's address is too long");
  memcpy(other->url, other->where, len);
  other->settings = (struct client_settings){.url = other->url, .token = getenv("STEMEDB_TOKEN"), .wait_s = WAIT_S};
  client_answer_init(&answer);
  int rc = client_open(&other->settings, &other->client, err);
  if (!rc)
    rc = ask(other, "/v1/history", &answer, err);
  if (!rc)
    rc = against_read_history(buf_span(&answer.body), &other->node, err);
  client_answer_free(&answer);
  other->last_seq = other->node.seq;
  return rc;
}

static uint64_t lesser(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static int open_other(struct verify_other *other, struct err *err) {
  struct stat st;
  if (other->is_node)
    return open_node(other, err);
  if (strcmp(other->where, "-") == 0 || (stat(other->where, &st) == 0 && !S_ISDIR(st.st_mode))) {
    other->is_file = true;
    int rc = against_file_open(other->where, &other->file, err);
    other->last_seq = other->file.last_seq;
    return rc;
  }
  other->opened = true;
  return against_open(&other->copy, other->where, &other->report, &other->last_seq, err);
}

int verify_other_open(struct verify_other *other, const char *where, struct verify *ours, struct err *err) {
  *other = (struct verify_other){.where = where};
  report_open(&other->report, true);
  other->is_node = strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0;
  if (ours->copy.kind == COPY_ARCHIVE)
    return err_set(err, ERR_INVALID, "an archive is not compared: its beginning is not known");
  int rc = open_other(other, err);
  if (rc)
    return rc;
  uint64_t shared = lesser(entries_info(ours->entries)->last_seq, other->last_seq);
  other->watch_ours = tally_watch(&ours->tally, shared);
  if (other->opened)
    other->watch_theirs = tally_watch(&other->copy.tally, shared);
  return 0;
}

/* The node proves that our entries are the beginning of its own. */
static int ask_proof(struct verify_other *other, const struct tally_watch *ours, bool *proved, struct err *err) {
  char target[TARGET_MAX];
  struct client_answer answer;
  client_answer_init(&answer);
  snprintf(target, sizeof(target), "/v1/history/proof?from=%" PRIu64 "&to=%" PRIu64, ours->seq, other->node.seq);
  int rc = ask(other, target, &answer, err);
  if (!rc)
    rc = against_check_proof(buf_span(&answer.body), ours->seq, ours->root, other->node.seq, other->node.root, proved,
                             err);
  client_answer_free(&answer);
  return rc;
}

static int compare_node(struct verify_other *other, const struct tally_watch *ours, uint64_t our_last,
                        struct against *out, struct err *err) {
  bool proved = ours->seq == 0; /* nothing is the beginning of everything */
  if (!ours->reached)
    return err_set(err, ERR_CORRUPT, "entries 1 to %" PRIu64 " are not whole here: they cannot be compared", ours->seq);
  if (ours->seq == other->node.seq)
    proved = memcmp(ours->root, other->node.root, DIGEST_SIZE) == 0;
  else if (ours->seq > 0 && ask_proof(other, ours, &proved, err))
    return err->code;
  *out = (struct against){.other_seq = other->node.seq, .shared = ours->seq, .relation = RELATION_DIVERGED};
  if (proved)
    out->relation = our_last == other->node.seq  ? RELATION_EQUAL
                    : our_last < other->node.seq ? RELATION_PREFIX
                                                 : RELATION_LONGER;
  return 0;
}

int verify_other_compare(struct verify_other *other, const struct verify *ours, struct against *out, struct err *err) {
  const struct tally_watch *watch = &ours->tally.watch[other->watch_ours];
  uint64_t our_last = entries_info(ours->entries)->last_seq;
  if (other->is_node)
    return compare_node(other, watch, our_last, out, err);
  int rc =
      other->is_file ? against_file_run(&other->file, watch->seq, &other->report, err) : verify_run(&other->copy, err);
  if (rc)
    return rc;
  if (other->is_file)
    return against_compare(watch, &other->file.watch, our_last, other->last_seq, out, err);
  return against_compare(watch, &other->copy.tally.watch[other->watch_theirs], our_last, other->last_seq, out, err);
}

void verify_other_close(struct verify_other *other) {
  if (other->opened)
    verify_close(&other->copy);
  against_file_close(&other->file);
  client_close(other->client);
  report_close(&other->report);
}
