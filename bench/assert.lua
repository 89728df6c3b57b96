-- wrk: each request asserts the next real line of a file. Environment: BENCH (this folder), LINES (a plain ndjson file), SKIP (lines to begin after).
local lines, at = {}, 0
for line in io.lines(os.getenv("LINES")) do lines[#lines + 1] = line end
at = tonumber(os.getenv("SKIP") or "0")
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  at = at % #lines + 1
  return wrk.format(nil, nil, nil, lines[at])
end
done = dofile(os.getenv("BENCH") .. "/result.lua")
