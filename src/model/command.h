/*
 * Commands from a worker to the committer, and its replies: frames over a Unix stream socket on one machine, between
 * processes of one build. Every frame is {length u32 of what follows, type u8, tag u64, payload}; a reply carries its
 * command's tag. Commands of one connection are decided in the order sent, replies come in that order; but retractions
 * and reinstatements, which may take long to compute, are decided among themselves, in the order received.
 */
#ifndef MODEL_COMMAND_H
#define MODEL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "model/digest.h"

enum { COMMAND_FRAME_HEADER = 13, COMMAND_MAX_SIZE = 64 << 20 };

enum command_type {
  COMMAND_ASSERT = 1, /* all of its entries or none */
  COMMAND_IMPORT = 2, /* every entry by itself */
  COMMAND_CANCEL = 3, /* the client of the command with this tag is gone: do not execute it if its turn has not come. No
                         reply of its own; the cancelled command is not replied to either */
  COMMAND_RETRACT = 4,   /* one entry: a retraction. Its reply may come after those of later commands */
  COMMAND_REINSTATE = 5, /* one entry: a reinstatement. Likewise */
  COMMAND_CONTROL = 16   /* reserved: checkpoint, hold log removal, backup */
};

enum reply_type {
  REPLY_READY = 64, /* unasked, first on every connection, when the node is ready: open the environments now */
  REPLY_COMMITTED = 65,
  REPLY_IMPORTED = 66,
  REPLY_REFUSED = 67,
  REPLY_RETRACTED = 68 /* to RETRACT and REINSTATE */
};

/* Why a command was refused. */
enum refusal {
  REFUSAL_FIELDS = 1, /* 422: items[] says which */
  REFUSAL_KEY_REUSED, /* 409 */
  REFUSAL_DISK_FULL,  /* 507 */
  REFUSAL_STOPPING,   /* 503 */
  REFUSAL_TOO_LARGE,  /* 413 */
  REFUSAL_NO_MATCH,   /* 404: a retraction that would cover nothing at all */
  REFUSAL_NOT_FOUND,  /* 404: there is no retraction with this id */
  REFUSAL_REINSTATED, /* 409: this retraction was undone already */
  REFUSAL_ARCHIVE,    /* 503: archive_mode=sync, and the archive cannot be written */
  REFUSAL_UNKNOWN,    /* 503: the same, and it is stored here already */
  REFUSAL_BUSY        /* 429: too many retractions wait, or there is too little memory for this one */
};

/* One entry to append: all that does not depend on seq and time. */
struct command_entry {
  uint8_t kind;
  unsigned char content[DIGEST_SIZE]; /* D */
  struct span server;                 /* encoded server section */
  struct span body;                   /* canonical */
  const unsigned char *derived;       /* derived_count * ID_SIZE: ids that must exist */
  uint8_t derived_count;
  uint32_t position; /* index in the array, or line of the import: for error pointers */
};

/* A command with entries: ASSERT, IMPORT, RETRACT, REINSTATE. The Idempotency-Key (scope, hash) is absent if scope.len
 * is 0. */
struct command {
  uint8_t type;
  uint64_t tag;
  struct span key_scope; /* as ITEM_KEY_SCOPE */
  unsigned char key_hash[DIGEST_SIZE];
  uint32_t count;
  struct span entries; /* encoded; walk with command_next_entry */
};

struct commit_receipt {
  uint64_t seq, time_us;
  unsigned char id[ID_SIZE];
};

struct refused_item {
  uint32_t position;
  struct span pointer; /* below the entry: "/derived_from/2" */
  struct span detail;
};

struct reply {
  uint8_t type;
  uint64_t tag;
  /* COMMITTED */
  bool replayed; /* the key was known with the same content: seqs first_seq .. first_seq+count-1, no receipts */
  uint64_t first_seq;
  uint32_t count;
  struct span receipts; /* count encoded receipts; reply_receipt() */
  /* RETRACTED (`replayed`: the key was known with the same content, and this is what was answered first) */
  struct commit_receipt receipt; /* of the retraction or reinstatement */
  uint64_t direct, cascaded;     /* newly inactive; of a reinstatement: active again, all in `direct` */
  /* IMPORTED */
  uint64_t last_seq; /* of this chunk's accepted entries, else the visible one */
  uint32_t accepted, duplicates;
  /* REFUSED */
  uint8_t refusal;
  /* REFUSED and IMPORTED */
  uint32_t item_count;
  struct span items; /* reply_next_item() */
};

/* Appends the frame's beginning of a command with entries; these follow by command_put_entry, then command_end. */
void command_begin(struct buf *out, uint8_t type, uint64_t tag, struct span key_scope, const unsigned char *key_hash,
                   uint32_t count);
void command_put_entry(struct buf *out, const struct command_entry *entry);
/* Fills in the length of the frame that began at `start` bytes of `out`. */
void command_end(struct buf *out, size_t start);
void command_put_cancel(struct buf *out, uint64_t tag);

/* Looks at the beginning of received bytes: *size is the whole frame's size once the header is there, else 0.
 * ERR_INVALID if longer than COMMAND_MAX_SIZE. */
NODISCARD int command_frame_size(struct span received, size_t *size, struct err *err);
/* Takes one whole frame apart; spans borrow. ERR_INVALID if malformed. */
NODISCARD int command_parse(struct span frame, struct command *out, struct err *err);
/* Takes the next entry off *rest (begin with command.entries). ERR_INVALID if malformed. */
NODISCARD int command_next_entry(struct span *rest, struct command_entry *out, struct err *err);

void reply_put_ready(struct buf *out);
void reply_put_committed(struct buf *out, uint64_t tag, const struct commit_receipt *receipts, uint32_t count);
void reply_put_replayed(struct buf *out, uint64_t tag, uint64_t first_seq, uint32_t count);
void reply_put_imported(struct buf *out, uint64_t tag, uint64_t last_seq, uint32_t accepted, uint32_t duplicates,
                        const struct refused_item *items, uint32_t item_count);
void reply_put_refused(struct buf *out, uint64_t tag, uint8_t refusal, const struct refused_item *items,
                       uint32_t item_count);
void reply_put_retracted(struct buf *out, uint64_t tag, bool replayed, const struct commit_receipt *receipt,
                         uint64_t direct, uint64_t cascaded);
NODISCARD int reply_parse(struct span frame, struct reply *out, struct err *err);
void reply_receipt(const struct reply *reply, uint32_t i, struct commit_receipt *out);
NODISCARD int reply_next_item(struct span *rest, struct refused_item *out, struct err *err);

#endif
