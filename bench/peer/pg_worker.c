/*
 * The peer behind the same nginx: a FastCGI worker that does with PostgreSQL what stemedb-worker does with its
 * committer. POST …/assert parses the body with json-c, makes a 16-byte salt and a BLAKE2b id, and inserts by a
 * prepared statement (synchronous_commit on, one transaction a request); POST …/query selects the assertions of a
 * concept by a prepared statement. Blocking threads, each with its own connection to the database and kept connections
 * to nginx: the fastest arrangement of libfcgi and libpq that we found.
 *
 * usage: pg-worker SOCKET THREADS CONNINFO
 */
#include <errno.h>
#include <fcgiapp.h>
#include <json-c/json.h>
#include <libpq-fe.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BODY_MAX = 65536 };

struct peer {
  int listen_fd;
  const char *conninfo;
};

static const char insert_sql[] =
    "INSERT INTO assertion (id, salt, concept_path, predicate, value, confidence, source, observed_at) "
    "VALUES ($1, $2, $3, $4, $5, coalesce($6, 1.0), $7, $8) "
    "RETURNING seq, to_char(recorded AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
static const char select_sql[] =
    "SELECT encode(id, 'hex'), seq, to_char(recorded AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), "
    "predicate, "
    "value, confidence, source FROM assertion WHERE concept_path = $1 ORDER BY seq DESC LIMIT 100";

static PGconn *connect_database(const char *conninfo) {
  PGconn *db = PQconnectdb(conninfo);
  if (PQstatus(db) != CONNECTION_OK) {
    fprintf(stderr, "pg-worker: %s", PQerrorMessage(db));
    exit(1);
  }
  PQclear(PQprepare(db, "insert", insert_sql, 8, NULL));
  PQclear(PQprepare(db, "select", select_sql, 1, NULL));
  return db;
}

static void answer(FCGX_Request *r, const char *status, const char *body, size_t len) {
  FCGX_FPrintF(r->out, "Status: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", status, (int)len);
  FCGX_PutStr(body, (int)len, r->out);
}

static const char *member(struct json_object *o, const char *name) {
  struct json_object *value;
  return json_object_object_get_ex(o, name, &value) ? json_object_get_string(value) : NULL;
}

static void make_assertion(FCGX_Request *r, PGconn *db, struct json_object *o, const char *body, size_t len) {
  unsigned char salt[16], id[32];
  randombytes_buf(salt, sizeof(salt));
  crypto_generichash(id, sizeof(id), (const unsigned char *)body, len, salt, sizeof(salt));
  struct json_object *value;
  if (!json_object_object_get_ex(o, "value", &value)) {
    answer(r, "422 Unprocessable Content", "{}", 2);
    return;
  }
  const char *values[] = {(const char *)id,
                          (const char *)salt,
                          member(o, "concept_path"),
                          member(o, "predicate"),
                          json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN),
                          member(o, "confidence"),
                          member(o, "source"),
                          member(o, "observed_at")};
  const int lengths[] = {32, 16, 0, 0, 0, 0, 0, 0}, formats[] = {1, 1, 0, 0, 0, 0, 0, 0};
  PGresult *result = PQexecPrepared(db, "insert", 8, values, lengths, formats, 0);
  if (PQresultStatus(result) != PGRES_TUPLES_OK) {
    answer(r, "500 Internal Server Error", "{}", 2);
  } else {
    char hex[65];
    char out[BODY_MAX + 512];
    sodium_bin2hex(hex, sizeof(hex), id, sizeof(id));
    int n = snprintf(out, sizeof(out), "{\"id\":\"%s\",\"seq\":%s,\"timestamp\":\"%s\",\"status\":\"active\",%.*s", hex,
                     PQgetvalue(result, 0, 0), PQgetvalue(result, 0, 1), (int)len - 1, body + 1);
    answer(r, "201 Created", out, (size_t)n);
  }
  PQclear(result);
}

static void select_concept(FCGX_Request *r, PGconn *db, struct json_object *o) {
  const char *values[] = {member(o, "concept_path")};
  PGresult *result = PQexecPrepared(db, "select", 1, values, NULL, NULL, 0);
  size_t room = (size_t)(PQntuples(result) + 1) * 2048, len = 0;
  char *out = malloc(room);
  len += (size_t)snprintf(out + len, room - len, "{\"concept_path\":\"%s\",\"assertions\":[", values[0]);
  for (int i = 0; i < PQntuples(result); i++)
    len += (size_t)snprintf(
        out + len, room - len,
        "%s{\"id\":\"%s\",\"seq\":%s,\"timestamp\":\"%s\",\"status\":\"active\",\"concept_path\":\"%s\","
        "\"predicate\":\"%s\",\"value\":%s,\"confidence\":%s,\"source\":\"%s\"}",
        i ? "," : "", PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), PQgetvalue(result, i, 2), values[0],
        PQgetvalue(result, i, 3), PQgetvalue(result, i, 4), PQgetvalue(result, i, 5), PQgetvalue(result, i, 6));
  len += (size_t)snprintf(out + len, room - len, "]}");
  answer(r, "200 OK", out, len);
  free(out);
  PQclear(result);
}

static void serve(FCGX_Request *r, PGconn *db, char *body) {
  int len = FCGX_GetStr(body, BODY_MAX - 1, r->in);
  body[len] = '\0';
  const char *uri = FCGX_GetParam("DOCUMENT_URI", r->envp);
  struct json_object *o = json_tokener_parse(body);
  if (!o || !uri)
    answer(r, "400 Bad Request", "{}", 2);
  else if (strstr(uri, "assert"))
    make_assertion(r, db, o, body, (size_t)len);
  else
    select_concept(r, db, o);
  json_object_put(o);
}

static void *thread(void *argument) {
  const struct peer *peer = argument;
  PGconn *db = connect_database(peer->conninfo);
  FCGX_Request r;
  FCGX_InitRequest(&r, peer->listen_fd, 0);
  char *body = malloc(BODY_MAX);
  while (body && FCGX_Accept_r(&r) == 0)
    serve(&r, db, body);
  free(body);
  PQfinish(db);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 4 || FCGX_Init() != 0 || sodium_init() < 0) {
    fputs("usage: pg-worker SOCKET THREADS CONNINFO\n", stderr);
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  struct peer peer = {.listen_fd = FCGX_OpenSocket(argv[1], 1024), .conninfo = argv[3]};
  long count = strtol(argv[2], NULL, 10);
  for (long i = 1; i < count; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, thread, &peer) != 0)
      return 1;
  }
  thread(&peer);
  return 0;
}
