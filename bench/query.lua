-- wrk: each request asks for one of the concepts of a file (a path a line) under the lens recency. Environment: BENCH (this folder), PATHS.
local bodies, at = {}, 0
for path in io.lines(os.getenv("PATHS")) do bodies[#bodies + 1] = '{"concept_path":"' .. path .. '","lens":"recency"}' end
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  at = at % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[at])
end
done = dofile(os.getenv("BENCH") .. "/result.lua")
