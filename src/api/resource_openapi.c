#include "api/resource.h"

#include "api/answer.h"
#include "api/openapi.h"

enum http_outcome openapi_handle(struct api *api, struct exchange *exchange) {
  (void)api;
  answer_begin(exchange, 200);
  buf_add(&exchange->response.body, openapi_json, openapi_json_size);
  return HTTP_DONE;
}
