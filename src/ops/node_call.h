/*
 * One call to the node of a home through its workers' own socket (FastCGI, RUN_DIR/api.sock), without nginx, ports or
 * tokens' limits of it: for tools that run on the node's machine as its user. The protocol:
 * https://fastcgi-archives.github.io/FastCGI_Specification.html
 */
#ifndef OPS_NODE_CALL_H
#define OPS_NODE_CALL_H

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum { NODE_CALL_BODY_MAX = 65535 };

struct node_call {
  const char *method; /* "GET", "POST" */
  const char *path;   /* "/v1/health" */
  const char *query;  /* "limit=1", or "" */
  struct span body;   /* JSON, at most NODE_CALL_BODY_MAX bytes */
  unsigned timeout_s; /* for each step of the conversation */
};

/* Sends it and reads the answer: its body into `answer`, within its cap, and its status. ERR_BUSY: nobody listens, or
 * no answer in time; ERR_IO: the conversation broke off. */
NODISCARD int node_call(const char *run_dir, const struct node_call *call, int *status, struct buf *answer,
                        struct err *err);

#endif
