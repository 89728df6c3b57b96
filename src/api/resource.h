/* The handlers that the route table names: one file resource_NAME.c each. */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include "api/http.h"

enum http_outcome assert_handle(struct api *api, struct exchange *exchange);
void assert_finish(struct api *api, struct exchange *exchange, const struct reply *reply);
void import_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome query_handle(struct api *api, struct exchange *exchange);
void query_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome retract_handle(struct api *api, struct exchange *exchange);
void retract_finish(struct api *api, struct exchange *exchange, const struct reply *reply);
void retract_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome reinstate_handle(struct api *api, struct exchange *exchange);
void reinstate_finish(struct api *api, struct exchange *exchange, const struct reply *reply);
enum http_outcome retractions_handle(struct api *api, struct exchange *exchange);
enum http_outcome why_handle(struct api *api, struct exchange *exchange);
void why_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome assertion_handle(struct api *api, struct exchange *exchange);
enum http_outcome feed_handle(struct api *api, struct exchange *exchange);
void feed_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome explore_handle(struct api *api, struct exchange *exchange);
void concepts_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
void sources_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
void diff_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
void conflicts_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome history_handle(struct api *api, struct exchange *exchange);
enum http_outcome proof_handle(struct api *api, struct exchange *exchange);
void backups_stream(struct api *api, struct exchange *exchange, struct http_stream *stream);
enum http_outcome health_handle(struct api *api, struct exchange *exchange);
enum http_outcome health_live_handle(struct api *api, struct exchange *exchange);
enum http_outcome health_ready_handle(struct api *api, struct exchange *exchange);
enum http_outcome metrics_handle(struct api *api, struct exchange *exchange);
/* Shows what this process counts as 0 before the first time: Prometheus sees no increase in a series that begins at 1.
 * For each call its failures (500, 503, of a POST 409), for each lens its queries. */
void metrics_begin(struct api *api);
enum http_outcome openapi_handle(struct api *api, struct exchange *exchange);

#endif
