#include "tools/client.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tools/interrupt.h"

enum {
  ANSWER_MAX = 64 << 20, /* the server's own cap is 32 MiB */
  URL_MAX_BYTES = 1 << 20,
  CONNECT_TIMEOUT_S = 5,
  IDLE_TIMEOUT_S = 330, /* longer than nginx waits for anything */
  RETRY_LEAST_S = 1,
  RETRY_MOST_S = 30
};

struct client {
  const struct client_settings *settings;
  CURL *curl;
  char curl_error[CURL_ERROR_SIZE];
  time_t deadline;
  bool reached; /* at least one answer came, whatever it was */
  /* Of the request that is under way. */
  const struct client_request *request;
  struct client_answer *answer;
  struct err *err;
  int failed; /* the error of `read` or `write` */
};

void client_answer_init(struct client_answer *answer) {
  *answer = (struct client_answer){0};
  buf_init(&answer->body, ANSWER_MAX);
}

void client_answer_free(struct client_answer *answer) {
  buf_free(&answer->body);
}

/* --- callbacks of libcurl --- */

static void read_head(struct client *client, struct client_answer *answer) {
  struct curl_header *header;
  curl_off_t seconds = 0;
  curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &answer->status);
  if (curl_easy_getinfo(client->curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    answer->retry_after_s = (uint64_t)seconds;
  if (curl_easy_header(client->curl, "Content-Type", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
    answer->problem = strcasecmp(header->value, "application/problem+json") == 0;
  if (curl_easy_header(client->curl, "Stemedb-Last-Seq", 0, CURLH_HEADER, -1, &header) == CURLHE_OK)
    answer->last_seq = strtoumax(header->value, NULL, 10);
  if (curl_easy_header(client->curl, "Stemedb-History", 0, CURLH_HEADER, -1, &header) == CURLHE_OK &&
      strlen(header->value) < sizeof(answer->history))
    memcpy(answer->history, header->value, strlen(header->value) + 1);
}

static size_t read_body(char *data, size_t size, size_t count, void *context) {
  struct client *client = context;
  size_t got = 0;
  if (!client->failed)
    client->failed = client->request->read(client->request->context, data, size * count, &got, client->err);
  return client->failed ? CURL_READFUNC_ABORT : got;
}

static size_t write_body(char *data, size_t size, size_t count, void *context) {
  struct client *client = context;
  if (!client->answer->status)
    read_head(client, client->answer);
  long status = client->answer->status;
  if (client->request->write && status >= 200 && status < 300) {
    if (!client->failed)
      client->failed = client->request->write(client->request->context, span_of(data, size * count), client->err);
  } else {
    buf_add(&client->answer->body, data, size * count);
    if (!client->failed)
      client->failed = buf_check(&client->answer->body, "the answer", client->err);
  }
  return client->failed ? 0 : size * count;
}

static int watch(void *context, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up) {
  (void)context;
  (void)down_total;
  (void)down;
  (void)up_total;
  (void)up;
  return interrupt_pending();
}

/* --- one request --- */

static bool add_header(struct curl_slist **headers, const char *name, const char *value) {
  struct buf line;
  struct err err;
  buf_init(&line, URL_MAX_BYTES);
  buf_addf(&line, "%s: %s", name, value);
  buf_add_byte(&line, '\0');
  struct curl_slist *longer =
      buf_check(&line, "a header", &err) ? NULL : curl_slist_append(*headers, (const char *)line.data);
  buf_free(&line);
  if (longer)
    *headers = longer;
  return longer;
}

static bool make_headers(const struct client *client, const struct client_request *request,
                         struct curl_slist **headers) {
  bool good = add_header(headers, "Accept", request->accept ? request->accept : "application/json");
  if (good && request->content_type)
    good = add_header(headers, "Content-Type", request->content_type);
  if (good && request->key)
    good = add_header(headers, "Idempotency-Key", request->key);
  if (good && request->read)
    good = add_header(headers, "Transfer-Encoding", "chunked");
  if (good && client->settings->token) {
    char bearer[4200];
    int len = snprintf(bearer, sizeof(bearer), "Bearer %s", client->settings->token);
    good = len > 0 && (size_t)len < sizeof(bearer) && add_header(headers, "Authorization", bearer);
  }
  return good;
}

/* The options that every request sets again. */
static void set_request(struct client *client, const struct client_request *request, const struct curl_slist *headers,
                        const char *url) {
  CURL *curl = client->curl;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->curl_error);
  curl_easy_setopt(curl, CURLOPT_URL, url);
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* a node is spoken to directly, whatever http_proxy says */
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "stemedb/" PACKAGE_VERSION);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)IDLE_TIMEOUT_S);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, write_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, client);
  curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
  if (strcmp(request->method, "GET") == 0)
    return;
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  if (request->read) {
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, read_body);
    curl_easy_setopt(curl, CURLOPT_READDATA, client);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
  } else {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.len ? (const char *)request->body.data : "");
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len);
  }
}

/* What libcurl's code means to the caller. */
static int outcome(struct client *client, CURLcode code, struct err *err) {
  if (client->failed)
    return client->failed;
  const char *url = client->settings->url;
  if (code == CURLE_UNSUPPORTED_PROTOCOL && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0))
    return err_set(err, ERR_BUSY, "what answers at %s does not speak HTTP", url);
  switch (code) {
  case CURLE_OK: client->reached = true; return 0;
  case CURLE_ABORTED_BY_CALLBACK: return err_set(err, ERR_CONFLICT, "stopped by a signal");
  case CURLE_OUT_OF_MEMORY: return err_set(err, ERR_NOMEM, "no memory");
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_LOGIN_DENIED: return err_set(err, ERR_INVALID, "%s is no address of a node (http://HOST:PORT)", url);
  case CURLE_COULDNT_CONNECT:
  case CURLE_COULDNT_RESOLVE_HOST:
    return err_set(err, ERR_BUSY, "cannot reach %s: %s", url,
                   *client->curl_error ? client->curl_error : curl_easy_strerror(code));
  default:
    client->reached = true;
    return err_set(err, ERR_BUSY, "lost the connection to %s: %s", url,
                   *client->curl_error ? client->curl_error : curl_easy_strerror(code));
  }
}

static int send_once(struct client *client, const struct client_request *request, struct client_answer *answer,
                     struct err *err) {
  struct curl_slist *headers = NULL;
  struct buf url;
  buf_init(&url, URL_MAX_BYTES);
  buf_reset(&answer->body);
  answer->status = 0;
  answer->problem = false;
  answer->retry_after_s = answer->last_seq = 0;
  answer->history[0] = '\0';
  client->request = request;
  client->answer = answer;
  client->err = err;
  client->failed = 0;
  client->curl_error[0] = '\0';
  buf_addf(&url, "%s", client->settings->url);
  buf_add_str(&url, request->target);
  buf_add_byte(&url, '\0');
  int rc = buf_check(&url, "the address", err);
  if (!rc && !make_headers(client, request, &headers))
    rc = err_set(err, ERR_NOMEM, "no memory for a request");
  if (!rc) {
    set_request(client, request, headers, (const char *)url.data);
    rc = outcome(client, curl_easy_perform(client->curl), err);
    /* Also of an answer that did not come whole: a reader of a stream wants its head. */
    read_head(client, answer);
  }
  curl_slist_free_all(headers);
  buf_free(&url);
  return rc;
}

/* --- again and again --- */

static time_t now(void) {
  struct timespec time = {0};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec;
}

void client_progress(struct client *client) {
  client->deadline = now() + (time_t)client->settings->wait_s;
}

bool client_pause(struct client *client, int rc, const struct client_answer *answer) {
  bool worth = rc ? rc == ERR_BUSY && client->reached : answer->status == 503 || answer->status == 429;
  uint64_t pause = rc ? RETRY_LEAST_S : answer->retry_after_s;
  if (!worth)
    return false;
  pause = pause < RETRY_LEAST_S ? RETRY_LEAST_S : pause > RETRY_MOST_S ? RETRY_MOST_S : pause;
  return now() + (time_t)pause <= client->deadline && !interrupt_sleep(pause);
}

int client_send(struct client *client, const struct client_request *request, struct client_answer *answer,
                struct err *err) {
  bool again = request->repeatable && !request->read && !request->write;
  int rc;
  if (again)
    client_progress(client);
  do
    rc = send_once(client, request, answer, err);
  while (again && client_pause(client, rc, answer));
  return rc;
}

int client_open(const struct client_settings *settings, struct client **out, struct err *err) {
  struct client *client = NULL;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
    return err_set(err, ERR_IO, "libcurl does not initialise");
  client = calloc(1, sizeof(*client));
  if (client)
    client->curl = curl_easy_init();
  if (!client || !client->curl) {
    free(client);
    curl_global_cleanup();
    return err_set(err, ERR_NOMEM, "no memory for libcurl");
  }
  client->settings = settings;
  client_progress(client);
  *out = client;
  return 0;
}

void client_close(struct client *client) {
  if (!client)
    return;
  curl_easy_cleanup(client->curl);
  free(client);
  curl_global_cleanup();
}
